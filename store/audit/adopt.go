package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// remove deletes segments.
func (a *Archiver) remove(old []segment) error {
	for _, s := range old {
		if err := os.Remove(s.path); err != nil {
			return fmt.Errorf("trim the archive: %w", err)
		}
		a.log().Info("segment of the record removed, being older than is kept", "team", a.Team, "segment", s.name())
	}
	return syncDir(a.dir())
}

// Adopt lets the chain of a team go on in this folder, when the one that it is in is lost: behind the head that Redis keeps. What the other
// folder held stays there; its chain ends where this one begins, and an entry here says so.
func (a *Archiver) Adopt(ctx context.Context, reason string) error {
	if err := a.drop(); err != nil {
		return err
	}
	st, err := a.Store.Audit(ctx, a.Team)
	if err != nil {
		return err
	}
	head := st.Head
	if head == nil {
		return fmt.Errorf("team %s: nothing was ever archived, so there is nothing to go on from", a.Team)
	}
	prev, err := parseHash(head.Hash)
	if err != nil {
		return fmt.Errorf("team %s: %w", a.Team, err)
	}
	now := a.Now()
	switch _, err := readIdentity(a.dir()); {
	case errors.Is(err, ErrNone):
	case err != nil:
		return err
	default: // what is left of another one, or of one that lost entries, is kept
		if err := a.aside(now); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(a.dir(), 0o700); err != nil {
		return fmt.Errorf("adopt the record: %w", err)
	}
	id := newIdentity(a.Team, now)
	id.After, id.From, id.Prev, id.Last = head.Archive, head.Sequence+1, head.Hash, head.Number
	if err := id.write(a.dir()); err != nil {
		return err
	}
	open, err := openArchive(a.dir(), a.Team, now)
	if err != nil {
		return err
	}
	open.tail = tail{head.Sequence, prev, head.Number, head.StreamID}
	a.open, a.head = open, head
	if err := open.append([]item{adopted(open.tail, head.Number, now, reason)}, now); err != nil {
		return errors.Join(err, a.drop())
	}
	next := *head
	next.From, next.Anchor, next.AnchorNo = head.Sequence+1, head.Hash, head.Number
	next.Archive, next.Host, next.Sequence, next.Hash = open.id.ID, a.Host, open.tail.sequence, open.tail.hash.String()
	next.At = now.UTC().Truncate(time.Millisecond)
	if err := a.Store.Archived(ctx, a.Team, head, next); err != nil {
		return errors.Join(err, a.drop())
	}
	a.head = &next
	return nil
}

// leftExt stands between a team's name and the time in the name of a folder that was given up.
const leftExt = ".left-"

// aside renames the folder, so that what is in it is neither lost nor mistaken for the chain.
func (a *Archiver) aside(now time.Time) error {
	to := a.dir() + leftExt + now.UTC().Format("20060102T150405")
	if err := os.Rename(a.dir(), to); err != nil {
		return fmt.Errorf("adopt the record: %w", err)
	}
	a.log().Warn("the archive that was here is kept beside", "team", a.Team, "folder", to)
	return nil
}
