package importer

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// seenKey is the hash of a key and the line that it was added with.
type seenKey struct {
	hash uint64
	line uint32
}

const (
	// seenBytes is what a key takes on disk.
	seenBytes = 12
	// seenInPart is how many keys are read at once: of each part, the first is kept in memory.
	seenInPart = 256
)

// seenFile is keys on disk, in the order of their hashes. A nil one has none.
type seenFile struct {
	file  *os.File
	n     int
	parts []uint64 // the first hash of each part
	part  [seenInPart * seenBytes]byte
}

// find looks for a hash.
func (f *seenFile) find(hash uint64) (line int, found bool, err error) {
	if f == nil {
		return 0, false, nil
	}
	at, first := slices.BinarySearch(f.parts, hash)
	if !first {
		at--
	}
	if at < 0 {
		return 0, false, nil
	}
	keys := min(seenInPart, f.n-at*seenInPart)
	part := f.part[:keys*seenBytes]
	if _, err := f.file.ReadAt(part, int64(at)*seenInPart*seenBytes); err != nil {
		return 0, false, fmt.Errorf("look for duplicates: %w", err)
	}
	for low, high := 0, keys; low < high; {
		k := keyAt(part[(low+high)/2*seenBytes:])
		switch cmp.Compare(k.hash, hash) {
		case -1:
			low = (low+high)/2 + 1
		case 1:
			high = (low + high) / 2
		default:
			return int(k.line), true, nil
		}
	}
	return 0, false, nil
}

func keyAt(b []byte) seenKey {
	return seenKey{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])}
}

func (f *seenFile) close() {
	if f != nil {
		_ = f.file.Close()           // it is thrown away
		_ = os.Remove(f.file.Name()) //nolint:gosec // G703: its name was made here
	}
}

// spill puts the keys that are in memory onto the disk, among those that are there.
func (s *Seen) spill() (err error) {
	file, err := os.CreateTemp("", "dialerd-seen-*")
	if err != nil {
		return fmt.Errorf("look for duplicates: %w", err)
	}
	to := &seenFile{file: file}
	defer func() {
		if err != nil {
			to.close()
		}
	}()
	out := bufio.NewWriterSize(file, sampleSize)
	old := s.disk.reader()
	var keys []seenKey
	for at := range s.shards {
		keys = s.shards[at].keys(keys[:0], uint64(at))
		for _, k := range keys {
			if err := to.merge(out, old, k.hash); err != nil {
				return err
			}
			if err := to.write(out, k); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(to.merge(out, old, 1<<64-1), out.Flush()); err != nil {
		return fmt.Errorf("look for duplicates: %w", err)
	}
	for at := range s.shards {
		clear(s.shards[at].slots)
		s.shards[at].n = 0
	}
	s.disk.close()
	s.disk, s.fresh = to, 0
	return nil
}

// keys are the keys of a shard, in the order of their hashes.
func (sh *shard) keys(keys []seenKey, at uint64) []seenKey {
	for i := 0; i < len(sh.slots); i += slotBytes {
		if slot := sh.slots[i : i+slotBytes]; used(slot) {
			keys = append(keys, seenKey{at<<(64-shardBits) | get(slot), binary.LittleEndian.Uint32(slot[hashBytes:])})
		}
	}
	slices.SortFunc(keys, func(a, b seenKey) int { return cmp.Compare(a.hash, b.hash) })
	return keys
}

// reader reads the keys of a file in their order.
func (f *seenFile) reader() *bufio.Reader {
	if f == nil {
		return bufio.NewReader(io.LimitReader(nil, 0))
	}
	return bufio.NewReaderSize(io.NewSectionReader(f.file, 0, int64(f.n)*seenBytes), sampleSize)
}

// merge writes the keys of an older file up to a hash.
func (f *seenFile) merge(out *bufio.Writer, old *bufio.Reader, until uint64) error {
	for {
		next, err := old.Peek(seenBytes)
		if errors.Is(err, io.EOF) && len(next) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for duplicates: %w", err)
		}
		k := keyAt(next)
		if k.hash > until {
			return nil
		}
		if err := f.write(out, k); err != nil {
			return err
		}
		_, _ = old.Discard(seenBytes) // it was there to be peeked at
	}
}

// write puts a key behind the others.
func (f *seenFile) write(out *bufio.Writer, k seenKey) error {
	if f.n%seenInPart == 0 {
		f.parts = append(f.parts, k.hash)
	}
	f.n++
	var b [seenBytes]byte
	binary.LittleEndian.PutUint64(b[:], k.hash)
	binary.LittleEndian.PutUint32(b[8:], k.line)
	if _, err := out.Write(b[:]); err != nil {
		return fmt.Errorf("look for duplicates: %w", err)
	}
	return nil
}
