package importer

import "hash/maphash"

// Seen remembers which keys a run has had. It keeps 64 bits of a hash for each, not the key: among five million keys the
// chance that two are taken for one is 1 in 1.5 million. It is for one goroutine at a time.
type Seen struct {
	seed  maphash.Seed
	slots []slot // open addressing; a power of two, at most three quarters full
	n     int
}

type slot struct {
	hash uint64 // 0 = free
	line uint32
}

// NewSeen remembers nothing yet.
func NewSeen() *Seen {
	return &Seen{seed: maphash.MakeSeed(), slots: make([]slot, 1024)}
}

// Len is how many keys there were.
func (s *Seen) Len() int { return s.n }

// Add remembers a key. When it was there before it reports the line that it was added with.
func (s *Seen) Add(key string, line int) (first int, again bool) {
	hash := max(1, maphash.String(s.seed, key))
	at := s.find(hash)
	if s.slots[at].hash != 0 {
		return int(s.slots[at].line), true
	}
	s.slots[at] = slot{hash, uint32(min(line, 1<<32-1))} //nolint:gosec // G115: bounded just here
	if s.n++; s.n*4 > len(s.slots)*3 {
		s.grow()
	}
	return 0, false
}

// find is the slot that holds the hash, or the free one where it belongs.
func (s *Seen) find(hash uint64) int {
	mask := len(s.slots) - 1
	at := int(hash>>1) & mask
	for s.slots[at].hash != 0 && s.slots[at].hash != hash {
		at = (at + 1) & mask
	}
	return at
}

func (s *Seen) grow() {
	old := s.slots
	s.slots = make([]slot, 2*len(old))
	for _, o := range old {
		if o.hash != 0 {
			s.slots[s.find(o.hash)] = o
		}
	}
}
