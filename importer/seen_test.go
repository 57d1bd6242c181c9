package importer

import (
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
