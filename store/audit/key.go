package audit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// The keys of persons are records of 64 bytes in one file: id (16), tag (8), key (32), unix seconds of its making (8). The id is the HMAC
// of the phone with the archive's secret, the tag is random and stands in the entries. To forget a person is to overwrite the record with
// zeros: then neither can the entries be opened, nor can anybody say whose they are. They are on disk, beside what they open and not in
// Redis, so that losing Redis loses none, and so that Redis holds nothing for every person ever called.
//
// A key is used for keyAge, then its person is given another one. So a key whose making is longer ago than that and the time for which
// entries are kept opens nothing any more: it is overwritten, and its place taken by the next new one.
const (
	keyRecord = 64
	keyFile   = "keys"
	keyLock   = "keys.lock"
	keyAge    = 366 * 24 * time.Hour
)

type (
	personID [16]byte
	tag      [8]byte
)

func (t tag) String() string { return hex.EncodeToString(t[:]) }

// person is one record.
type person struct {
	id  personID
	tag tag
	key [32]byte

	made int64 // unix seconds
}

func (p *person) bytes() []byte {
	b := make([]byte, 0, keyRecord)
	b = append(b, p.id[:]...)
	b = append(b, p.tag[:]...)
	b = append(b, p.key[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(max(0, p.made)))
}

func readPerson(b []byte) (p person) {
	copy(p.id[:], b)
	copy(p.tag[:], b[16:])
	copy(p.key[:], b[24:])
	p.made = int64(binary.BigEndian.Uint64(b[56:]) & math.MaxInt64)
	return p
}

func newPerson(id personID, now time.Time) *person {
	p := &person{id: id, made: now.Unix()}
	_, _ = rand.Read(p.tag[:]) // never fails
	_, _ = rand.Read(p.key[:])
	return p
}

// identify is the id of a phone in an archive.
func identify(secret []byte, team, phone string) (id personID) {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(team + "\x00" + phone))
	copy(id[:], mac.Sum(nil))
	return id
}

// eachPerson calls fn for every record of a folder's keys that was not forgotten.
func eachPerson(dir string, fn func(at int64, p person) error) error {
	return eachKey(dir, func(at int64, p person) error {
		if p.id == (personID{}) {
			return nil
		}
		return fn(at, p)
	})
}

// eachKey is eachPerson with the places of those that were forgotten.
func eachKey(dir string, fn func(at int64, p person) error) error {
	f, err := os.Open(filepath.Join(dir, keyFile)) //nolint:gosec // G304: the folder is the operator's own setting
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the keys of the record: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	block := make([]byte, 4096*keyRecord)
	for at := int64(0); ; {
		n, err := io.ReadFull(f, block)
		for i := 0; i+keyRecord <= n; i += keyRecord {
			if err := fn(at+int64(i), readPerson(block[i:])); err != nil {
				return err
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the keys of the record: %w", err)
		}
	}
}

// lockKeys keeps others from overwriting keys until unlock is called.
func lockKeys(dir string) (unlock func() error, err error) {
	l := flock.New(filepath.Join(dir, keyLock), flock.SetPermissions(0o600))
	if err := l.Lock(); err != nil {
		return nil, fmt.Errorf("lock the keys of the record: %w", err)
	}
	return l.Close, nil
}

// keyring gives out the keys of persons, and makes those that are missing.
type keyring struct {
	dir    string
	secret []byte
	team   string
	file   *os.File
	size   int64
	at     map[personID]int64
	free   []int64 // places of forgotten ones
	fresh  []byte  // records that are not in the file yet
	made   map[personID]*person
}

func openKeyring(dir, team string, secret []byte) (*keyring, error) {
	k := &keyring{dir: dir, secret: secret, team: team, at: map[personID]int64{}, made: map[personID]*person{}}
	newest := map[personID]int64{} // of those that have had several
	if err := eachKey(dir, func(at int64, p person) error {
		if p.id == (personID{}) {
			k.free = append(k.free, at)
			return nil
		}
		if _, several := k.at[p.id]; several && p.made < newest[p.id] {
			return nil
		}
		k.at[p.id], newest[p.id] = at, p.made
		return nil
	}); err != nil {
		return nil, err
	}
	var err error
	k.file, err = os.OpenFile(filepath.Join(dir, keyFile), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: as above
	if err != nil {
		return nil, fmt.Errorf("open the keys of the record: %w", err)
	}
	info, err := k.file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the keys of the record: %w", err), k.file.Close())
	}
	k.size = info.Size() - info.Size()%keyRecord // half a record was never used
	return k, nil
}

// person is whom a phone stands for. What is new counts once flush has returned.
func (k *keyring) person(phone string, now time.Time) (*person, error) {
	id := identify(k.secret, k.team, phone)
	if p := k.made[id]; p != nil {
		return p, nil
	}
	if at, ok := k.at[id]; ok {
		b := make([]byte, keyRecord)
		if _, err := k.file.ReadAt(b, at); err != nil {
			return nil, fmt.Errorf("read a key of the record: %w", err)
		}
		if p := readPerson(b); p.id == id && now.Unix()-p.made < int64(keyAge.Seconds()) {
			return &p, nil
		}
		delete(k.at, id) // forgotten since, by another process, or old
	}
	p := newPerson(id, now)
	k.made[id] = p
	k.fresh = append(k.fresh, p.bytes()...)
	return p, nil
}

// flush makes the new keys durable: no entry may be written before its key is.
func (k *keyring) flush() (err error) {
	if len(k.fresh) == 0 {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write keys of the record: %w", err)
		}
	}()
	reused := min(len(k.free), len(k.fresh)/keyRecord)
	if reused > 0 {
		unlock, err := lockKeys(k.dir)
		if err != nil {
			return err
		}
		defer func() { _ = unlock() }()
	}
	at := make([]int64, len(k.fresh)/keyRecord)
	for i := range at {
		if i < reused {
			at[i] = k.free[i]
			if _, err := k.file.WriteAt(k.fresh[i*keyRecord:(i+1)*keyRecord], at[i]); err != nil {
				return err
			}
			continue
		}
		at[i] = k.size + int64(i-reused)*keyRecord
	}
	if _, err := k.file.WriteAt(k.fresh[reused*keyRecord:], k.size); err != nil {
		return err
	}
	if err := k.file.Sync(); err != nil {
		return err
	}
	for i := range at {
		k.at[readPerson(k.fresh[i*keyRecord:]).id] = at[i]
	}
	k.free = k.free[reused:]
	k.size += int64(len(at)-reused) * keyRecord
	k.fresh = k.fresh[:0]
	clear(k.made)
	return nil
}

// expire destroys the keys that were made before a time, and returns how many those were.
func (k *keyring) expire(before time.Time) (n int, err error) {
	if err := k.flush(); err != nil {
		return 0, err
	}
	unlock, err := lockKeys(k.dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	k.free = nil
	if err := eachKey(k.dir, func(at int64, p person) error {
		if p.id == (personID{}) {
			k.free = append(k.free, at)
			return nil
		}
		if p.made >= before.Unix() {
			return nil
		}
		if _, err := k.file.WriteAt(make([]byte, keyRecord), at); err != nil {
			return fmt.Errorf("write keys of the record: %w", err)
		}
		if k.at[p.id] == at {
			delete(k.at, p.id)
		}
		k.free = append(k.free, at)
		n++
		return nil
	}); err != nil || n == 0 {
		return n, err
	}
	if err := k.file.Sync(); err != nil {
		return n, fmt.Errorf("write keys of the record: %w", err)
	}
	return n, nil
}

func (k *keyring) Close() error { return k.file.Close() }
