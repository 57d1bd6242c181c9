package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/dialerd/dialerd/store"
)

// DefaultKeep is how long entries are kept: five years, as 16 CFR 310.5 wants it.
const DefaultKeep = 5 * 366 * 24 * time.Hour

// batch is how many entries are brought to disk at once.
const batch = 1000

// Archiver brings the entries of one team's stream to disk. Of all archivers of a team one at a time gets anywhere: within a machine the
// folder's lock sees to it, between machines the head in Redis, which names the one folder that the chain is in, and which changes only
// for whoever knows what it was.
type Archiver struct {
	Store *store.Store
	Team  string // or store.GlobalTeam
	Dir   string // of all teams; this one's is Dir/Team
	Host  string // for whoever looks for the folder
	Keep  time.Duration
	Now   func() time.Time
	Log   *slog.Logger
	// SegmentSize is the size in bytes from which a segment is followed by another one; 0 = 8 MB.
	SegmentSize int64

	open    *archive
	head    *store.AuditHead // as this archiver last knew it to be
	trimmed time.Time
	expired time.Time
}

// ElsewhereError says that the chain of a team goes on in another folder.
type ElsewhereError struct{ Team, Archive, Host string }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("the record of team %s is kept in the archive %s on host %s, not in this data folder", e.Team, e.Archive, e.Host)
}

// errCut says that the folder holds less than it did.
var errCut = errors.New("the archive on disk does not hold what Redis says it holds: dialerd audit verify says more; nothing is archived " +
	"until it is put back, or given up with dialerd audit adopt")

// Dir is the folder of a team's archive under a data folder.
func Dir(data, team string) string { return filepath.Join(data, "audit", team) }

func (a *Archiver) dir() string { return filepath.Join(a.Dir, a.Team) }

// Once brings what waits to disk, at most limit entries (0 = all), and takes it out of Redis. It returns how many entries that were.
// ErrBusy: another process is at it. *ElsewhereError: the chain is in another folder. Whatever the error, nothing is lost: what
// was not taken out of Redis is still there, and what is on disk already is not written again.
func (a *Archiver) Once(ctx context.Context, limit int) (n int, err error) {
	if err := a.ready(ctx); err != nil {
		return 0, err
	}
	for limit <= 0 || n < limit {
		got, err := a.pass(ctx, batch)
		n += got
		if err != nil {
			return n, err
		}
		if got < batch {
			break
		}
	}
	return n, a.trim(ctx)
}

// ready opens the folder, if this is the one that the chain is in.
func (a *Archiver) ready(ctx context.Context) error {
	if a.open != nil {
		return nil
	}
	st, err := a.Store.Audit(ctx, a.Team)
	if err != nil {
		return err
	}
	id, err := readIdentity(a.dir())
	switch {
	case errors.Is(err, ErrNone):
		if st.Head == nil && st.Backlog == 0 {
			return nil // nothing to begin for
		}
	case err != nil:
		return err
	}
	if st.Head != nil && (id == nil || id.ID != st.Head.Archive) {
		return &ElsewhereError{a.Team, st.Head.Archive, st.Head.Host}
	}
	open, err := openArchive(a.dir(), a.Team, a.Now())
	if err != nil {
		return err
	}
	// Read again, now that nobody else writes here.
	if st, err = a.Store.Audit(ctx, a.Team); err == nil {
		err = a.reconcile(open, st)
	}
	if err != nil {
		return errors.Join(err, open.Close())
	}
	if a.SegmentSize > 0 {
		open.segmentSize = a.SegmentSize
	}
	a.open, a.head = open, st.Head
	if a.head == nil && open.tail.sequence == 0 { // claims the chain for this folder, before anything is in it
		return a.tell(ctx)
	}
	return nil
}

// reconcile compares the folder with what Redis says of it.
func (a *Archiver) reconcile(open *archive, st *store.AuditState) error {
	if h := st.Head; h != nil {
		if h.Archive != open.id.ID {
			return &ElsewhereError{a.Team, h.Archive, h.Host}
		}
		if open.tail.sequence < h.Sequence {
			return fmt.Errorf("team %s: %w", a.Team, errCut)
		}
		if h.Sequence >= max(1, h.From) {
			same, err := open.holds(h.Sequence, h.Hash)
			if err != nil {
				return err
			}
			if !same {
				return fmt.Errorf("team %s: %w", a.Team, errCut)
			}
		}
	}
	return nil
}

// pass brings up to n entries to disk.
func (a *Archiver) pass(ctx context.Context, n int) (int, error) {
	if a.open == nil {
		return 0, nil
	}
	entries, err := a.Store.AuditEntries(ctx, a.Team, a.open.tail.streamID, n)
	if err != nil {
		return 0, err
	}
	if len(entries) == 0 && (a.head == nil || a.head.Sequence == a.open.tail.sequence) {
		if a.head == nil && a.open.tail.sequence > 0 { // all of it is on disk, and Redis was never told
			return 0, a.tell(ctx)
		}
		return 0, nil
	}
	items := make([]item, 0, len(entries)+1)
	if len(entries) > 0 && a.head == nil && a.open.tail.sequence > 0 && entries[0].Number != a.open.tail.number+1 {
		a.log().Error("redis held no head of the record: it has lost data, and the record goes on behind what is on disk", "team", a.Team)
		items = append(items, adopted(a.open.tail, entries[0].Number-1, a.Now(), "redis held no head of the record"))
	}
	for i := range entries {
		items = append(items, convert(&entries[i]))
	}
	if err := a.open.append(items, a.Now()); err != nil {
		return 0, errors.Join(err, a.drop())
	}
	return len(entries), a.tell(ctx)
}

// tell says to Redis up to where the record is on disk. Somebody else's word before ours means that the chain has gone elsewhere.
func (a *Archiver) tell(ctx context.Context) error {
	t := a.open.tail
	head := store.AuditHead{
		Archive: a.open.id.ID, Host: a.Host, Sequence: t.sequence, Hash: t.hash.String(), At: a.Now().UTC().Truncate(time.Millisecond),
		StreamID: t.streamID, Number: t.number,
	}
	if a.head != nil {
		head.From, head.Anchor, head.AnchorNo = a.head.From, a.head.Anchor, a.head.AnchorNo
	} else if id := a.open.id; id.From > 1 {
		head.From, head.Anchor, head.AnchorNo = id.From, id.Prev, id.Last
	}
	if err := a.Store.Archived(ctx, a.Team, a.head, head); err != nil {
		// Also when the reply was lost: the next round reads what holds.
		return errors.Join(err, a.drop())
	}
	a.head = &head
	return nil
}

// drop lets go of the folder; the next round opens it anew.
func (a *Archiver) drop() error {
	open := a.open
	a.open, a.head = nil, nil
	if open == nil {
		return nil
	}
	return open.Close()
}

// Close lets go of the folder.
func (a *Archiver) Close() error { return a.drop() }

func (a *Archiver) log() *slog.Logger {
	if a.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Log
}

// adopted is the entry with which the chain says that the numbers of the stream begin anew after last.
func adopted(after tail, last int64, now time.Time, reason string) item {
	return item{entry: Entry{Number: last, StreamID: after.streamID, At: now, Kind: KindAdopted, Reason: reason}}
}

// trimEvery is how often old segments are looked for.
const trimEvery = time.Hour

// trim removes the segments whose entries are all older than Keep. The chain's new beginning is in Redis and in the folder before they go.
func (a *Archiver) trim(ctx context.Context) error {
	now := a.Now()
	if a.open == nil || a.head == nil || !a.trimmed.IsZero() && now.Sub(a.trimmed).Abs() < trimEvery {
		return nil
	}
	a.trimmed = now
	keep := a.Keep
	if keep <= 0 {
		keep = DefaultKeep
	}
	if err := a.expire(now.Add(-keep - keyAge)); err != nil {
		return err
	}
	all, err := segments(a.dir())
	if err != nil {
		return fmt.Errorf("trim the archive: %w", err)
	}
	old := 0
	for i := 1; i < len(all); i++ {
		e, err := all[i].head()
		if err != nil {
			return fmt.Errorf("trim the archive: %w", err)
		}
		if e == nil || now.Sub(e.At) < keep {
			break
		}
		old = i
	}
	if old == 0 {
		return nil
	}
	if all[old].first > max(1, a.head.From) {
		if err := a.anchor(ctx, all[old-1]); err != nil {
			return err
		}
	}
	return a.remove(all[:old])
}

// expireEvery is how often keys that are too old are looked for: the file of them is read whole.
const expireEvery = 24 * time.Hour

// expire destroys the keys of persons that were made before a time: all entries that they open are older than Keep.
func (a *Archiver) expire(before time.Time) error {
	if now := a.Now(); a.expired.IsZero() || now.Sub(a.expired).Abs() >= expireEvery {
		n, err := a.open.keys.expire(before)
		if err != nil {
			return fmt.Errorf("trim the archive: %w", err)
		}
		a.expired = now
		if n > 0 {
			a.log().Info("keys of persons that open nothing any more are destroyed", "team", a.Team, "keys", n)
		}
	}
	return nil
}

// anchor makes the end of a segment the beginning of the chain.
func (a *Archiver) anchor(ctx context.Context, s segment) error {
	var last link
	if _, err := s.lines(func(line []byte, _ int64) error {
		l, err := parseLine(line)
		last.stated, last.sequence, last.number = l.stated, l.sequence, l.number
		return err
	}); err != nil {
		return fmt.Errorf("trim the archive: %s: %w", s.name(), err)
	}
	head := *a.head
	head.From, head.Anchor, head.AnchorNo = last.sequence+1, last.stated.String(), last.number
	if err := a.Store.Archived(ctx, a.Team, a.head, head); err != nil {
		return errors.Join(err, a.drop())
	}
	a.head = &head
	id := *a.open.id
	id.From, id.Prev, id.Last = head.From, head.Anchor, head.AnchorNo
	if err := id.write(a.dir()); err != nil {
		return err
	}
	a.open.id = &id
	return nil
}
