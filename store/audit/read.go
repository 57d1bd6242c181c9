package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Reader opens entries with the keys of an archive.
type Reader struct {
	dir  string
	id   *identity
	keys map[tag]person
}

// NewReader reads the keys of a team's archive. ErrNone: there is none in the folder.
func NewReader(dir string) (*Reader, error) {
	id, err := readIdentity(dir)
	if err != nil {
		return nil, err
	}
	r := &Reader{dir: dir, id: id, keys: map[tag]person{}}
	err = eachPerson(dir, func(_ int64, p person) error { r.keys[p.tag] = p; return nil })
	return r, err
}

// NewReaderFor is NewReader with the key of one phone only, which costs little however many persons there are. The entries of others stay
// sealed.
func NewReaderFor(dir, phone string) (*Reader, error) {
	id, err := readIdentity(dir)
	if err != nil {
		return nil, err
	}
	secret, err := id.secret()
	if err != nil {
		return nil, fmt.Errorf("open the archive: %s: secret: %w", identityFile, err)
	}
	r := &Reader{dir: dir, id: id, keys: map[tag]person{}}
	want := identify(secret, id.Team, phone)
	err = eachPerson(dir, func(_ int64, p person) error {
		if p.id == want {
			r.keys[p.tag] = p
		}
		return nil
	})
	return r, err
}

// ID names the archive.
func (r *Reader) ID() string { return r.id.ID }

// Private opens what an entry says of a person; nil when it names nobody, or the person was forgotten, or is not among the reader's.
func (r *Reader) Private(e *Entry) (*Private, error) {
	var t tag
	if len(e.Person) != hex.EncodedLen(len(t)) {
		return nil, nil //nolint:nilnil // it names nobody
	}
	if _, err := hex.Decode(t[:], []byte(e.Person)); err != nil {
		return nil, fmt.Errorf("entry %d: its person: %w", e.Sequence, err)
	}
	p, ok := r.keys[t]
	if !ok {
		return nil, nil //nolint:nilnil // forgotten, or somebody else's
	}
	return p.open(e)
}

// Filter says which entries are wanted.
type Filter struct {
	From, To time.Time // zero = no bound; To itself is not among them
	Campaign string
	Mine     bool // only those that the reader has a key for
}

// skew is how far the times of entries may be out of their order.
const skew = 24 * time.Hour

// Each calls fn for the entries of the archive in order, with what they say of a person where there is a key.
func (r *Reader) Each(ctx context.Context, f Filter, fn func(*Entry, *Private) error) error {
	all, err := segments(r.dir)
	if err != nil {
		return fmt.Errorf("read the record: %w", err)
	}
	for i, s := range all {
		if i+1 < len(all) && !f.From.IsZero() {
			if e, err := all[i+1].head(); err == nil && e != nil && e.At.Before(f.From.Add(-skew)) {
				continue
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := s.lines(func(line []byte, _ int64) error { return r.line(line, f, fn) }); err != nil {
			return fmt.Errorf("read the record: %s: %w", s.name(), err)
		}
	}
	return nil
}

func (r *Reader) line(line []byte, f Filter, fn func(*Entry, *Private) error) error {
	if f.Mine && !r.named(line) {
		return nil
	}
	e, err := lineEntry(line)
	if err != nil {
		return err
	}
	if !f.From.IsZero() && e.At.Before(f.From) || !f.To.IsZero() && !e.At.Before(f.To) || f.Campaign != "" && e.Campaign != f.Campaign {
		return nil
	}
	p, err := r.Private(e)
	if err != nil {
		return err
	}
	if f.Mine && p == nil {
		return nil
	}
	return fn(e, p)
}

// named reports whether a line can be about one of the reader's persons, when those are few.
func (r *Reader) named(line []byte) bool {
	if len(r.keys) > 8 {
		return true
	}
	for t := range r.keys {
		if bytes.Contains(line, []byte(t.String())) {
			return true
		}
	}
	return false
}

// newestSegments is how many segments Find looks into at most: at one a day and one every 8 MB, years of calling.
const newestSegments = 4096

// Find finds the entry with a number of the stream, the newest first. ErrNone: it is not here. It opens each segment's first line from the
// newest on, and reads one whole.
func (r *Reader) Find(number int64) (*Entry, error) {
	all, err := segments(r.dir)
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	for i := len(all) - 1; i >= max(0, len(all)-newestSegments); i-- {
		first, err := all[i].head()
		if err != nil {
			return nil, fmt.Errorf("read the record: %s: %w", all[i].name(), err)
		}
		if first == nil || first.Number > number {
			continue
		}
		var found *Entry
		_, err = all[i].lines(func(line []byte, _ int64) error {
			l, err := parseLine(line)
			if err != nil || l.number != number {
				return nil //nolint:nilerr // what is damaged is verify's to tell
			}
			e, err := l.entry()
			if err != nil {
				return err
			}
			if e.Kind == KindAdopted {
				return nil
			}
			found = e
			return errStop
		})
		if err != nil {
			return nil, fmt.Errorf("read the record: %s: %w", all[i].name(), err)
		}
		if found == nil {
			return nil, errors.Join(ErrNone, fmt.Errorf("no entry with the number %d", number))
		}
		return found, nil
	}
	return nil, ErrNone
}
