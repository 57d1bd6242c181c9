package webhook

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestForgottenEventsAreOverwrittenWhereTheyStand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := &Archive{Dir: dir}
	at := time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)
	for _, body := range []string{`{"phone":"+12125550123"}`, `{"phone":"+13125550124"}`, `{"phone":"+12125550123","x":1}`} {
		if err := a.Keep(Event{Team: "acme", Kind: "NEW_RESPONSE", Digest: "d", Body: []byte(body), At: at}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "2026-03-10.jsonl")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	names := func(line []byte) bool { return bytes.Contains(line, []byte("2125550123")) }
	for _, want := range []int{2, 0} {
		if n, err := Forget(dir, names); err != nil || n != want {
			t.Errorf("%d erased (%v), want %d", n, err, want)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "2125550123") || !strings.Contains(string(text), "3125550124") || int64(len(text)) != before.Size() {
		t.Errorf("the file is %q", text)
	}
	if n, err := Forget(filepath.Join(dir, "none"), names); n != 0 || err != nil {
		t.Errorf("a folder that is not there: %d, %v", n, err)
	}
}

func TestASpoolGoesOnPastAForgottenEvent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := OpenSpool(SpoolOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, body := range []string{"one 2125550123", "two"} {
		if err := s.Append(Event{Team: "acme", Kind: "k", Digest: body, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := Forget(dir, func(line []byte) bool { return bytes.Contains(line, []byte("2125550123")) }); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	var got []string
	if _, err := s.Drain(t.Context(), func(_ context.Context, e Event) error { got = append(got, string(e.Body)); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != "two" || s.Pending() != 0 {
		t.Errorf("handed on %q, %d wait", got, s.Pending())
	}
}
