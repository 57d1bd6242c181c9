package webhook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func numbered(n int) Event {
	return Event{Team: team, Kind: KindResponse, Agent: agent, Digest: fmt.Sprintf("%032d", n), Body: []byte(fmt.Sprint("body ", n)), At: noon}
}

// taken drains a spool into a list.
func taken(t *testing.T, s *Spool) []Event {
	t.Helper()
	b := &inbox{}
	if _, err := s.Drain(t.Context(), b.deliver); err != nil {
		t.Fatal(err)
	}
	return b.all()
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+spoolExt))
	if len(paths) != 1 {
		t.Fatalf("files %v, want one", paths)
	}
	return paths[0]
}

func TestASpoolGivesBackWhatItWasGivenInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openSpool(t, dir)
	want := []Event{numbered(1), numbered(2), {
		Team: "é", Kind: KindAutomation, Digest: "d", At: noon, Unreadable: true, Body: []byte("\xff\x00\n\"<>&\u2028"),
	}, {Team: "t", Kind: KindTransfer, Digest: "e", At: noon, Body: []byte("{\"a\":\"\n\u2028<&>\x00\"}")}}
	for _, e := range want {
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, taken(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	info, err := os.Stat(onlyFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != 0 || s.Pending() != 0 {
		t.Errorf("after draining: %d bytes, %d pending", info.Size(), s.Pending())
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the file may be read by others: %s", mode)
	}
}

func TestAFailedEventStaysTheFirst(t *testing.T) {
	t.Parallel()
	s := openSpool(t, t.TempDir())
	for n := range 5 {
		if err := s.Append(numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	b, left := &inbox{}, 2
	gone := errors.New("gone again")
	n, err := s.Drain(t.Context(), func(ctx context.Context, e Event) error {
		if left--; left < 0 {
			return gone
		}
		return b.receive(ctx, e)
	})
	if n != 2 || !errors.Is(err, gone) || s.Pending() != 3 {
		t.Fatalf("drained %d, %d pending, %v", n, s.Pending(), err)
	}
	if err := s.Append(numbered(5)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Drain(t.Context(), b.deliver); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"body 0", "body 1", "body 2", "body 3", "body 4", "body 5"}, b.bodies()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestACrashInTheMiddleOfALineCostsOnlyThatLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tail string
		want int
	}{
		"half a line":              {`{"at":"2026-03-10T12:00:00Z","team":"default","kind":"NEW_RESP`, 2},
		"a line without its end":   {`{"at":"2026-03-10T12:00:00Z","team":"default","kind":"NEW_RESPONSE","digest":"x","body":"whole"}`, 3},
		"zeros":                    {strings.Repeat("\x00", 512), 2},
		"a broken line and an end": {"{\"team\":\n", 2},
		"JSON but no event":        {"{}\n", 2},
	} {
		dir := t.TempDir()
		s := openSpool(t, dir)
		for n := range 2 {
			if err := s.Append(numbered(n)); err != nil {
				t.Fatal(err)
			}
		}
		path := s.file.Name()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.WriteString(tt.tail)
		_ = f.Close()

		s = openSpool(t, dir)
		if err := s.Append(numbered(9)); err != nil {
			t.Fatal(err)
		}
		got := taken(t, s)
		if len(got) != tt.want+1 || string(got[0].Body) != "body 0" || string(got[1].Body) != "body 1" || string(got[len(got)-1].Body) != "body 9" {
			t.Errorf("%s: %d events %v, want %d and the new one", name, len(got), got, tt.want)
		}
		if s.Pending() != 0 {
			t.Errorf("%s: %d pending after draining", name, s.Pending())
		}
	}
}

func TestAFileThatSomebodyCutHoldsUpNothing(t *testing.T) {
	t.Parallel()
	s := openSpool(t, t.TempDir())
	if err := s.Append(numbered(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.file.Name(), 0); err != nil {
		t.Fatal(err)
	}
	if got := taken(t, s); len(got) != 0 || s.Pending() != 0 {
		t.Errorf("%d events, %d pending", len(got), s.Pending())
	}
	if err := s.Append(numbered(2)); err != nil {
		t.Fatal(err)
	}
	if got := taken(t, s); len(got) != 1 {
		t.Errorf("%d events after it, want 1", len(got))
	}
}

func TestASpoolIsNoLargerThanItMayBe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := OpenSpool(SpoolOptions{Dir: dir, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kept := 0
	for n := range 100 {
		err := s.Append(numbered(n))
		if err == nil {
			kept++
		} else if !errors.Is(err, ErrSpoolFull) {
			t.Fatal(err)
		}
	}
	info, _ := os.Stat(s.file.Name())
	if kept == 0 || kept == 100 || info.Size() > 1000 {
		t.Errorf("%d of 100 events in %d bytes", kept, info.Size())
	}
	if got := taken(t, s); len(got) != kept {
		t.Errorf("%d events came back of %d", len(got), kept)
	}
	if err := s.Append(numbered(1)); err != nil {
		t.Errorf("an emptied spool takes nothing: %v", err)
	}
}

func TestAnEventThatCouldNotBeWrittenLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := openSpool(t, t.TempDir())
	if err := s.Append(numbered(1)); err != nil {
		t.Fatal(err)
	}
	whole := s.file
	readOnly, err := os.Open(whole.Name())
	if err != nil {
		t.Fatal(err)
	}
	s.file = readOnly // a disk that takes nothing
	if err := s.Append(numbered(2)); err == nil {
		t.Fatal("written to a file that cannot be written")
	}
	s.file = whole
	_ = readOnly.Close()
	if err := s.Append(numbered(3)); err != nil {
		t.Fatal(err)
	}
	got := taken(t, s)
	if len(got) != 2 || string(got[1].Body) != "body 3" {
		t.Errorf("got %v", got)
	}
}

// What is acknowledged must be on the disk, not on its way there: where the disk cannot be synced, nothing is acknowledged.
func TestAnEventThatCannotBeSyncedIsNotTaken(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux' /dev/null takes what is written and cannot be synced")
	}
	s := openSpool(t, t.TempDir())
	whole := s.file
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, err := null.WriteAt([]byte("x"), 0); err != nil || null.Sync() == nil {
		t.Fatalf("it is to take what is written (%v), and not to be synced", err)
	}
	s.file = null
	err = s.Append(numbered(1))
	s.file = whole
	if err == nil || s.Pending() != 0 {
		t.Errorf("taken without a sync: %v, %d wait", err, s.Pending())
	}
}

func TestTwoDaemonsInOneFolderHaveTwoFilesAndTheLivingAdoptTheDead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := openSpool(t, dir), openSpool(t, dir)
	if a.file.Name() == b.file.Name() {
		t.Fatal("two spools share a file")
	}
	for n, s := range []*Spool{a, b} {
		if err := s.Append(numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	box := &inbox{}
	if n, err := a.Adopt(t.Context(), box.deliver); n != 0 || err != nil {
		t.Errorf("adopted %d of a living daemon: %v", n, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	away := errors.New("away")
	if n, err := a.Adopt(t.Context(), func(context.Context, Event) error { return away }); n != 0 || !errors.Is(err, away) {
		t.Errorf("adopted %d: %v", n, err)
	}
	if n, err := a.Adopt(t.Context(), box.deliver); n != 1 || err != nil {
		t.Errorf("adopted %d: %v", n, err)
	}
	if n, err := a.Adopt(t.Context(), box.deliver); n != 0 || err != nil {
		t.Errorf("adopted %d twice: %v", n, err)
	}
	if diff := cmp.Diff([]string{"body 1"}, box.bodies()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := openSpool(t, dir); c.file.Name() != b.file.Name() {
		t.Error("a file without a daemon is not taken again")
	}
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSpool(SpoolOptions{Dir: filepath.Join(file, "spool")}); err == nil {
		t.Error("opened below a file")
	}
}

func BenchmarkSpool(b *testing.B) {
	s := openSpool(b, b.TempDir())
	e := numbered(1)
	e.Body = []byte(body)
	for b.Loop() {
		if err := s.Append(e); err != nil {
			b.Fatal(err)
		}
	}
}
