package importer

import (
	"fmt"
	"strconv"
	"testing"
)

func TestSeenIsASetThatRemembersTheFirstLine(t *testing.T) {
	t.Parallel()
	s := NewSeen()
	for i := range 20_000 {
		key := strconv.Itoa(i % 7000)
		first, again := s.Add(key, i+2)
		if again != (i >= 7000) || again && first != i%7000+2 {
			t.Fatalf("key %s, line %d: got %d, %v", key, i+2, first, again)
		}
	}
	if s.Len() != 7000 {
		t.Errorf("got %d keys", s.Len())
	}
}

func TestSeenForgetsNoKeyAndInventsNone(t *testing.T) {
	t.Parallel()
	s, model := NewSeen(), map[string]int{}
	for i := range 30_000 {
		key := fmt.Sprint(i * 7 % 20_011)
		first, again := s.Add(key, i+1)
		if want, ok := model[key]; ok != again || first != want {
			t.Fatalf("%s in line %d: got %d %v, want %d %v", key, i+1, first, again, want, ok)
		}
		if !again {
			model[key] = i + 1
		}
	}
	if s.Len() != len(model) {
		t.Errorf("%d keys, want %d", s.Len(), len(model))
	}
}

func TestSeenIsSmall(t *testing.T) {
	t.Parallel()
	s := NewSeen()
	const n = 100_000
	for i := range n {
		s.Add(strconv.Itoa(i), i)
	}
	size := 0
	for i := range s.shards {
		size += cap(s.shards[i].slots)
	}
	if per := float64(size) / n; per > 18 {
		t.Errorf("%.1f bytes a key", per)
	}
}
