package importer

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

func TestSeenIsASetThatRemembersTheFirstLine(t *testing.T) {
	t.Parallel()
	s := NewSeen()
	for i := range 20_000 {
		key := strconv.Itoa(i % 7000)
		first, again, err := s.Add(key, i+2)
		if err != nil || again != (i >= 7000) || again && first != i%7000+2 {
			t.Fatalf("key %s, line %d: got %d, %v", key, i+2, first, again)
		}
	}
	if s.Len() != 7000 {
		t.Errorf("got %d keys", s.Len())
	}
}

func TestSeenForgetsNoKeyAndInventsNone(t *testing.T) {
	t.Parallel()
	for _, room := range []int{seenInMemory, 1, 100, 3_000, 20_011} { // keys in memory; the others lie on disk
		s, model := NewSeen(), map[string]int{}
		s.room = room
		lines := 30_000
		if room == 1 {
			lines = 600
		}
		for i := range lines {
			key := fmt.Sprint(i * 7 % 20_011 % (lines * 2 / 3))
			first, again, err := s.Add(key, i+1)
			if want, ok := model[key]; err != nil || ok != again || first != want {
				t.Fatalf("%s in line %d: got %d %v %v, want %d %v", key, i+1, first, again, err, want, ok)
			}
			if !again {
				model[key] = i + 1
			}
		}
		if s.Len() != len(model) {
			t.Errorf("%d keys, want %d", s.Len(), len(model))
		}
		if len(model) >= room != (s.disk != nil) {
			t.Errorf("of %d keys %d have room in memory; on disk: %v", s.Len(), room, s.disk != nil)
		}
		name := ""
		if s.disk != nil {
			name = s.disk.file.Name()
		}
		s.Close()
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}
}

func TestSeenIsSmall(t *testing.T) {
	t.Parallel()
	s := NewSeen()
	const n = 100_000
	for i := range n {
		if _, _, err := s.Add(strconv.Itoa(i), i); err != nil {
			t.Fatal(err)
		}
	}
	if per := float64(s.size()) / n; per > 18 {
		t.Errorf("%.1f bytes a key", per)
	}
}

// size is how many bytes it takes in memory.
func (s *Seen) size() (n int) {
	if s.disk != nil {
		n = 8 * cap(s.disk.parts)
	}
	for i := range s.shards {
		n += cap(s.shards[i].slots)
	}
	return n
}

func TestSeenTakesNoMoreMemoryForMoreKeys(t *testing.T) {
	t.Parallel()
	s := NewSeen()
	defer s.Close()
	s.room = 100_000
	for i := range 3 * s.room {
		if _, _, err := s.Add(strconv.Itoa(i), i); err != nil {
			t.Fatal(err)
		}
	}
	if per := float64(s.size()) / float64(s.room); per > 24 {
		t.Errorf("%d keys take %d bytes", s.Len(), s.size())
	}
}
