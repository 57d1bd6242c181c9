package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
)

// segmentSize is the size in bytes from which a segment is followed by another one. A new UTC day begins one as well.
const segmentSize = 8 << 20

// The errors that a caller can act upon.
var (
	// ErrBusy: another process writes this archive.
	ErrBusy = errors.New("another process writes this archive")
	// ErrNone: there is no archive in the folder.
	ErrNone = errors.New("there is no archive here")
)

// identity is what makes an archive this one: identity.json of its folder.
type identity struct {
	ID     string    `json:"id"`
	Team   string    `json:"team"`
	Secret string    `json:"secret"` // of the ids of persons, hex
	Made   time.Time `json:"made"`
	// Of an archive that goes on after another one:
	After string `json:"after,omitempty"` // its id
	From  int64  `json:"from,omitempty"`  // the first entry that is here; 0 = 1
	Prev  string `json:"prev,omitempty"`  // hash of the one before it
	Last  int64  `json:"last,omitempty"`  // its number in the stream
}

func (i *identity) secret() ([]byte, error) { return hex.DecodeString(i.Secret) }

// begin is the state of the chain before the first entry that this archive ever held.
func (i *identity) begin() (tail, error) {
	if i.From > 1 {
		h, err := parseHash(i.Prev)
		return tail{sequence: i.From - 1, hash: h, number: i.Last}, err
	}
	return tail{hash: sha256.Sum256([]byte("dialerd audit " + i.ID))}, nil
}

const identityFile = "identity.json"

func readIdentity(dir string) (*identity, error) {
	raw, err := os.ReadFile(filepath.Join(dir, identityFile)) //nolint:gosec // G304: the folder is the operator's own setting
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	var i identity
	if err := json.Unmarshal(raw, &i); err != nil {
		return nil, fmt.Errorf("open the archive: %s: %w", identityFile, err)
	}
	return &i, nil
}

func newIdentity(team string, now time.Time) *identity {
	return &identity{ID: randomHex(8), Team: team, Secret: randomHex(32), Made: now.UTC().Truncate(time.Second)}
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

func (i *identity) write(dir string) error {
	raw, err := json.MarshalIndent(i, "", "  ") //nolint:gosec // G117: this file is where the secret is kept, for the owner alone
	if err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	if err := writeWhole(filepath.Join(dir, identityFile), append(raw, '\n')); err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	return nil
}

// tail is the end of a chain.
type tail struct {
	sequence int64
	hash     hash
	number   int64
	streamID string
}

// archive is a team's folder, open for writing. One process has it at a time.
type archive struct {
	dir  string
	id   *identity
	lock *flock.Flock
	keys *keyring
	tail tail

	segmentSize int64

	file *os.File // the newest segment; nil = none yet
	size int64
	day  string // of its first entry
}

// openArchive opens a team's folder for writing and makes it if it is not there. ErrBusy: another process has it.
func openArchive(dir, team string, now time.Time) (a *archive, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	a = &archive{dir: dir, segmentSize: segmentSize}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
			a = nil
		}
	}()
	a.lock = flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	held, err := a.lock.TryLock()
	if err != nil {
		return a, fmt.Errorf("lock the archive: %w", err)
	}
	if !held {
		return a, ErrBusy
	}
	a.id, err = readIdentity(dir)
	if errors.Is(err, ErrNone) {
		a.id = newIdentity(team, now)
		err = a.id.write(dir)
	}
	if err != nil {
		return a, err
	}
	if a.id.Team != team {
		return a, fmt.Errorf("open the archive: %s is of team %q, not %q", dir, a.id.Team, team)
	}
	return a, a.load()
}

func (a *archive) load() error {
	secret, err := a.id.secret()
	if err != nil {
		return fmt.Errorf("open the archive: %s: secret: %w", identityFile, err)
	}
	if a.keys, err = openKeyring(a.dir, a.id.Team, secret); err != nil {
		return err
	}
	if a.tail, err = a.id.begin(); err != nil {
		return fmt.Errorf("open the archive: %s: %w", identityFile, err)
	}
	all, err := segments(a.dir)
	if err != nil {
		return fmt.Errorf("open the archive: %w", err)
	}
	// The newest may be empty: begun, and then the power went.
	for i, s := range slices.Backward(all) {
		found, err := a.resume(s, i == len(all)-1)
		if found || err != nil {
			return err
		}
	}
	return nil
}

// resume reads the end of the chain from a segment and goes on writing in it, if it is the newest. What a crash left of an unfinished line
// is cut off: it was never acknowledged.
func (a *archive) resume(s segment, newest bool) (found bool, err error) {
	var last []byte
	end := int64(0)
	torn, err := s.lines(func(line []byte, at int64) error {
		if at == 0 {
			if e, err := lineEntry(line); err == nil {
				a.day = day(e.At)
			}
		}
		last, end = append(last[:0], line...), at+int64(len(line))
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("open the archive: %w", err)
	}
	if newest {
		if a.file, err = os.OpenFile(s.path, os.O_RDWR, 0o600); err != nil {
			return false, fmt.Errorf("open the archive: %w", err)
		}
		a.size = end
		if torn > 0 {
			if err := a.file.Truncate(end); err != nil {
				return false, fmt.Errorf("open the archive: cut off half a line: %w", err)
			}
		}
	}
	if last == nil {
		return false, nil
	}
	l, err := parseLine(last)
	if err != nil {
		return false, fmt.Errorf("open the archive: the last line of %s %w: dialerd audit verify says more", s.name(), err)
	}
	e, err := l.entry()
	if err != nil {
		return false, fmt.Errorf("open the archive: %s: %w", s.name(), err)
	}
	a.tail = tail{l.sequence, l.stated, l.number, e.StreamID}
	return true, nil
}

func lineEntry(line []byte) (*Entry, error) {
	l, err := parseLine(line)
	if err != nil {
		return nil, err
	}
	return l.entry()
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// item is an entry before it has its place in the chain.
type item struct {
	entry   Entry
	phone   string // whom it is about, "" = nobody
	private Private
}

// append puts entries at the end of the chain. When it returns they would survive a power cut.
func (a *archive) append(items []item, now time.Time) error {
	persons := make([]*person, len(items))
	for i := range items {
		if items[i].phone == "" {
			continue
		}
		var err error
		if persons[i], err = a.keys.person(items[i].phone, now); err != nil {
			return err
		}
	}
	if err := a.keys.flush(); err != nil {
		return err
	}
	t := a.tail
	var lines []byte
	for i := range items {
		e := items[i].entry
		e.Sequence, e.Team, e.At = t.sequence+1, a.id.Team, e.At.UTC().Truncate(time.Millisecond)
		if p := persons[i]; p != nil {
			var err error
			e.Person = p.tag.String()
			if e.Sealed, err = p.seal(e.Sequence, &items[i].private); err != nil {
				return err
			}
		}
		body, err := json.Marshal(&e)
		if err != nil {
			return fmt.Errorf("archive entry %d: %w", e.Sequence, err)
		}
		if a.file == nil || a.size+int64(len(lines)) >= a.segmentSize || day(e.At) > a.day {
			if err := a.write(lines, t); err != nil {
				return err
			}
			lines = lines[:0]
			if err := a.begin(e.Sequence, day(e.At)); err != nil {
				return err
			}
		}
		var h hash
		lines, h = appendLine(lines, t.hash, body)
		t = tail{e.Sequence, h, e.Number, e.StreamID}
	}
	return a.write(lines, t)
}

// write puts lines behind the last whole one, over whatever an earlier failure left there.
func (a *archive) write(lines []byte, end tail) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := a.file.WriteAt(lines, a.size)
	if err == nil {
		err = a.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the archive: %w", errors.Join(err, a.file.Truncate(a.size)))
	}
	a.size += int64(len(lines))
	a.tail = end
	return nil
}

// begin starts a segment.
func (a *archive) begin(first int64, day string) error {
	if a.file != nil {
		if err := a.file.Close(); err != nil {
			return fmt.Errorf("write the archive: %w", err)
		}
		a.file = nil
	}
	f, err := os.OpenFile(segmentPath(a.dir, first), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("begin a segment of the archive: %w", err)
	}
	a.file, a.size, a.day = f, 0, day
	if err := syncDir(a.dir); err != nil { // or the file's name may be gone after a power cut
		return fmt.Errorf("begin a segment of the archive: %w", err)
	}
	return nil
}

// holds reports whether an entry of the chain is here with this hash.
func (a *archive) holds(sequence int64, want string) (bool, error) {
	if sequence == a.tail.sequence {
		return a.tail.hash.String() == want, nil
	}
	all, err := segments(a.dir)
	if err != nil {
		return false, err
	}
	for _, s := range slices.Backward(all) {
		if s.first > sequence {
			continue
		}
		found := false
		_, err := s.lines(func(line []byte, _ int64) error {
			l, err := parseLine(line)
			if err == nil && l.sequence == sequence {
				found = bytes.Equal(line[hashFrom:hashTo], []byte(want))
				return errStop
			}
			return nil
		})
		return found, err
	}
	return false, nil
}

// Close lets go of the folder.
func (a *archive) Close() error {
	var errs []error
	if a.file != nil {
		errs = append(errs, a.file.Close())
	}
	if a.keys != nil {
		errs = append(errs, a.keys.Close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}
