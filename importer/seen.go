package importer

import (
	"encoding/binary"
	"hash/maphash"
)

// Seen remembers which keys a run has had. It keeps 64 bits of a hash for each, not the key: among five million keys the
// chance that two are taken for one is 1 in 1.5 million. The last million keys take some 14 bytes each in memory, those before them lie
// on disk, so that a list of any size fits into the memory that an import may have. It is for one goroutine at a time.
type Seen struct {
	seed   maphash.Seed
	shards [1 << shardBits]shard // by the first bits of the hash
	n      int
	room   int // keys that are kept in memory
	fresh  int // keys that are
	disk   *seenFile
}

// shard is a table by open addressing: the other 50 bits of each hash (0 = free), then the line, 32 bits.
type shard struct {
	slots []byte
	n     int
}

const (
	shardBits = 14
	hashBytes = 7 // the 50 bits that the shard does not say
	slotBytes = hashBytes + 4
	// seenInMemory is how many keys are kept in memory.
	seenInMemory = 1 << 20
)

// NewSeen remembers nothing yet. Close lets go of what it has on disk.
func NewSeen() *Seen { return &Seen{seed: maphash.MakeSeed(), room: seenInMemory} }

// Close lets go of what lies on disk.
func (s *Seen) Close() {
	s.disk.close()
	s.disk = nil
}

// Len is how many keys there were.
func (s *Seen) Len() int { return s.n }

// Add remembers a key. When it was there before it reports the line that it was added with.
func (s *Seen) Add(key string, line int) (first int, again bool, err error) {
	hash := maphash.String(s.seed, key)
	rest := max(1, hash&(1<<(64-shardBits)-1))
	at := hash >> (64 - shardBits)
	if first, again, err := s.disk.find(at<<(64-shardBits) | rest); err != nil || again {
		return first, again, err
	}
	sh := &s.shards[at]
	if (sh.n+1)*5 > len(sh.slots)/slotBytes*4 {
		sh.grow()
	}
	slot := sh.find(rest)
	if used(slot) {
		return int(binary.LittleEndian.Uint32(slot[hashBytes:])), true, nil
	}
	put(slot, rest)
	binary.LittleEndian.PutUint32(slot[hashBytes:], uint32(min(line, 1<<32-1))) //nolint:gosec // G115: bounded just here
	sh.n++
	s.n++
	if s.fresh++; s.fresh < s.room {
		return 0, false, nil
	}
	return 0, false, s.spill()
}

// find is the slot that holds the rest of a hash, or the free one where it belongs. There is always a free one.
func (sh *shard) find(rest uint64) []byte {
	slots := uint64(len(sh.slots) / slotBytes)
	for at := rest * 0x9E3779B97F4A7C15 >> 32 * slots >> 32; ; at++ {
		if at == slots {
			at = 0
		}
		slot := sh.slots[at*slotBytes : (at+1)*slotBytes]
		if !used(slot) || get(slot) == rest {
			return slot
		}
	}
}

func (sh *shard) grow() {
	old := sh.slots
	sh.slots = make([]byte, max(8, len(old)/slotBytes*5/4+1)*slotBytes)
	for i := 0; i < len(old); i += slotBytes {
		if slot := old[i : i+slotBytes]; used(slot) {
			copy(sh.find(get(slot)), slot)
		}
	}
}

func used(slot []byte) bool { return get(slot) != 0 }

// get is the rest of a hash that a slot holds; 0 = none.
func get(slot []byte) uint64 {
	return uint64(binary.LittleEndian.Uint32(slot)) | uint64(binary.LittleEndian.Uint32(slot[hashBytes-4:]))>>8<<32
}

func put(slot []byte, rest uint64) {
	for i := range hashBytes {
		slot[i] = byte(rest >> (8 * i)) //nolint:gosec // G115: one byte after the other
	}
}
