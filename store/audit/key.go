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
	"os"
	"path/filepath"
	"time"
)

// The keys of persons are records of 64 bytes in one file: id (16), tag (8), key (32), unix seconds of its making (8). The id is the HMAC
// of the phone with the archive's secret, the tag is random and stands in the entries. To forget a person is to overwrite the record with
// zeros: then neither can the entries be opened, nor can anybody say whose they are. They are on disk, beside what they open and not in
// Redis, so that losing Redis loses none, and so that Redis holds nothing for every person ever called.
const (
	keyRecord = 64
	keyFile   = "keys"
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
}

func (p *person) bytes(now time.Time) []byte {
	b := make([]byte, 0, keyRecord)
	b = append(b, p.id[:]...)
	b = append(b, p.tag[:]...)
	b = append(b, p.key[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(max(0, now.Unix())))
}

func readPerson(b []byte) (p person) {
	copy(p.id[:], b)
	copy(p.tag[:], b[16:])
	copy(p.key[:], b[24:])
	return p
}

func newPerson(id personID) *person {
	p := &person{id: id}
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
			if p := readPerson(block[i:]); p.id != (personID{}) {
				if err := fn(at+int64(i), p); err != nil {
					return err
				}
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

// keyring gives out the keys of persons, and makes those that are missing.
type keyring struct {
	secret []byte
	team   string
	file   *os.File
	size   int64
	at     map[personID]int64
	fresh  []byte // records that are not in the file yet
	made   map[personID]*person
}

func openKeyring(dir, team string, secret []byte) (*keyring, error) {
	k := &keyring{secret: secret, team: team, at: map[personID]int64{}, made: map[personID]*person{}}
	if err := eachPerson(dir, func(at int64, p person) error { k.at[p.id] = at; return nil }); err != nil {
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
		if p := readPerson(b); p.id == id {
			return &p, nil
		}
		delete(k.at, id) // forgotten since, by another process
	}
	p := newPerson(id)
	k.made[id] = p
	k.fresh = append(k.fresh, p.bytes(now)...)
	return p, nil
}

// flush makes the new keys durable: no entry may be written before its key is.
func (k *keyring) flush() error {
	if len(k.fresh) == 0 {
		return nil
	}
	_, err := k.file.WriteAt(k.fresh, k.size)
	if err == nil {
		err = k.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write keys of the record: %w", err)
	}
	for i := 0; i < len(k.fresh); i += keyRecord {
		k.at[readPerson(k.fresh[i:]).id] = k.size + int64(i)
	}
	k.size += int64(len(k.fresh))
	k.fresh = k.fresh[:0]
	clear(k.made)
	return nil
}

func (k *keyring) Close() error { return k.file.Close() }
