package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/dialerd/dialerd/store"
)

// Problem is a place where the record is not what it was.
type Problem struct {
	Segment  string `json:"segment"`  // name of the file, "" = none
	Sequence int64  `json:"sequence"` // of the entry, or the one that is missing
	What     string `json:"what"`
}

func (p Problem) String() string {
	where := fmt.Sprintf("entry %d", p.Sequence)
	if p.Segment != "" {
		where = p.Segment + ", " + where
	}
	return where + ": " + p.What
}

// Verdict is what a check of a team's record found.
type Verdict struct {
	Team     string
	Archive  string // id of the folder; "" = nothing was archived yet
	Segments int
	Entries  int64
	From     int64 // the first entry that is kept
	Last     int64 // the last one
	Hash     string
	Backlog  int // entries that wait in Redis
	Problems []Problem
	More     int // problems that are not listed
}

// OK reports whether nothing is wrong.
func (v *Verdict) OK() bool { return len(v.Problems) == 0 }

const problemsListed = 100

// Verify reads every entry of a team's chain, and holds its end against the head in Redis and its beginning against the anchor there. It
// may run beside the archiver. *ElsewhereError: the chain is in another folder. ErrNone: there is no archive, and there need be none.
func Verify(ctx context.Context, st *store.Store, dir, team string) (*Verdict, error) {
	v, err := verifyOnce(ctx, st, dir, team)
	if err != nil || v.OK() {
		return v, err
	}
	return verifyOnce(ctx, st, dir, team) // segments may have been removed for their age meanwhile
}

func verifyOnce(ctx context.Context, st *store.Store, dir, team string) (*Verdict, error) {
	state, err := st.Audit(ctx, team)
	if err != nil {
		return nil, err
	}
	id, err := readIdentity(dir)
	switch {
	case errors.Is(err, ErrNone) && state.Head == nil:
		return nil, ErrNone
	case errors.Is(err, ErrNone):
		return nil, &ElsewhereError{team, state.Head.Archive, state.Head.Host}
	case err != nil:
		return nil, err
	case state.Head != nil && state.Head.Archive != id.ID:
		return nil, &ElsewhereError{team, state.Head.Archive, state.Head.Host}
	}
	w := &walk{v: &Verdict{Team: team, Archive: id.ID, Backlog: state.Backlog}, head: state.Head}
	if err := w.begin(id); err != nil {
		return nil, err
	}
	if err := w.chain(ctx, dir); err != nil {
		return nil, err
	}
	w.end()
	return w.v, w.waiting(ctx, st, state.Head)
}

// waiting holds what waits in Redis against the head. While an archiver takes from it, nothing can be said.
func (w *walk) waiting(ctx context.Context, st *store.Store, head *store.AuditHead) error {
	if head == nil {
		return nil
	}
	first, err := st.AuditEntries(ctx, w.v.Team, head.StreamID, 1)
	if err != nil {
		return err
	}
	now, err := st.Audit(ctx, w.v.Team)
	if err != nil {
		return err
	}
	if len(first) > 0 && first[0].Number != head.Number+1 && now.Head != nil && *now.Head == *head {
		w.wrong("", w.v.Last+1, "the entries with the numbers %d to %d were lost in Redis before they were archived", head.Number+1, first[0].Number-1)
	}
	return nil
}

// walk goes along a chain.
type walk struct {
	v      *Verdict
	head   *store.AuditHead
	at     tail
	atHead bool // the entry that the head names was seen, with its hash
}

func (w *walk) wrong(segment string, sequence int64, format string, args ...any) {
	if len(w.v.Problems) >= problemsListed {
		w.v.More++
		return
	}
	w.v.Problems = append(w.v.Problems, Problem{segment, sequence, fmt.Sprintf(format, args...)})
}

// begin is where the chain has to begin: what Redis says counts more than what the folder says of itself.
func (w *walk) begin(id *identity) error {
	begin := *id
	if w.head != nil {
		begin.From, begin.Prev, begin.Last = w.head.From, w.head.Anchor, w.head.AnchorNo
	}
	var err error
	if w.at, err = begin.begin(); err != nil {
		return fmt.Errorf("the beginning of the record: %w", err)
	}
	w.v.From = w.at.sequence + 1
	return nil
}

func (w *walk) chain(ctx context.Context, dir string) error {
	all, err := segments(dir)
	if err != nil {
		return fmt.Errorf("read the record: %w", err)
	}
	for i, s := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i+1 < len(all) && all[i+1].first <= w.v.From {
			continue // older than the anchor: about to be removed
		}
		w.v.Segments++
		if err := w.segment(s, i == len(all)-1); err != nil {
			return fmt.Errorf("read the record: %w", err)
		}
	}
	return nil
}

func (w *walk) segment(s segment, last bool) error {
	empty := true
	torn, err := s.lines(func(line []byte, _ int64) error {
		l, err := parseLine(line)
		if err != nil {
			w.wrong(s.name(), w.at.sequence+1, "the line %s", err)
			return nil
		}
		if empty && l.sequence != s.first {
			w.wrong(s.name(), l.sequence, "the file begins with entry %d, its name says %d", l.sequence, s.first)
		}
		empty = false
		w.link(s.name(), &l)
		return nil
	})
	if err == nil && torn > 0 && !last {
		w.wrong(s.name(), w.at.sequence+1, "the last line is cut off")
	}
	return err
}

// link checks one entry against the one before. After a problem the walk goes on from what the entry says, so that each is told of once.
func (w *walk) link(segment string, l *link) {
	want := w.at.sequence + 1
	switch {
	case l.sequence > want:
		w.wrong(segment, want, "the entries %d to %d are missing", want, l.sequence-1)
	case l.sequence < want:
		w.wrong(segment, l.sequence, "it stands behind entry %d: out of order, or twice", w.at.sequence)
	case w.at.hash.next(l.body) != l.stated:
		w.wrong(segment, l.sequence, "its hash does not follow from it and the entry before: one of them was changed")
	case l.number != w.at.number+1 && !w.restarts(l):
		w.wrong(segment, l.sequence, "the numbers of the stream go from %d to %d: entries were lost before they were archived", w.at.number, l.number)
	}
	w.v.Entries++
	w.at = tail{sequence: l.sequence, hash: l.stated, number: l.number}
	if w.head != nil && l.sequence == w.head.Sequence {
		w.atHead = true
		if l.stated.String() != w.head.Hash {
			w.wrong(segment, l.sequence, "its hash is not the one that Redis keeps as the head: the chain was made anew")
		}
	}
}

// restarts reports whether an entry says itself that the stream's numbers begin anew.
func (w *walk) restarts(l *link) bool {
	e, err := l.entry()
	return err == nil && e.Kind == KindAdopted
}

func (w *walk) end() {
	w.v.Last, w.v.Hash = w.at.sequence, w.at.hash.String()
	switch {
	case w.head == nil && w.v.Entries > 0:
		w.wrong("", w.at.sequence, "Redis holds no head, so nobody can tell whether the end is missing: was Redis lost, or the key deleted?")
	case w.head != nil && w.at.sequence < w.head.Sequence:
		w.wrong("", w.at.sequence+1, "the end is missing: the record ends with entry %d, the head in Redis is entry %d", w.at.sequence, w.head.Sequence)
	case w.head != nil && !w.atHead && w.head.Sequence >= w.v.From:
		w.wrong("", w.head.Sequence, "the entry that the head in Redis names is missing")
	}
}
