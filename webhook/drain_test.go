package webhook

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var errAway = errors.New("redis is away")

// call is a body of its own call.
func call(n int) string { return strings.Replace(body, "000000000001", fmt.Sprintf("%012d", n), 1) }

func TestWhileTheStoreIsAwayEventsWaitAndKeepTheirOrder(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	h.Spool = openSpool(t, t.TempDir())
	at := serve(t, h)
	b.fail(errAway)
	var want []string
	send := func(n int) {
		want = append(want, call(n))
		if res := post(t, at+hookPath(KindResponse, agent), call(n)); res.status != 200 {
			t.Fatalf("event %d answered %d", n, res.status)
		}
	}
	for n := range 20 {
		send(n)
	}
	if tries := b.tries(); tries != 1 {
		t.Errorf("Receive was tried %d times, though the first had to wait: want 1", tries)
	}
	drain(t, h)
	send(20)
	eventually(t, "some more tries", func() bool { return b.tries() > 3 })
	b.fail(nil)
	send(21)
	eventually(t, "all events", func() bool { return len(b.all()) == 22 && h.Spool.Pending() == 0 })
	send(22)
	if diff := cmp.Diff(want, b.bodies()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if kept, spooled := h.Stats.Kept.Load(), h.Stats.Spooled.Load(); kept+spooled != 23 || spooled < 21 {
		t.Errorf("kept %d, spooled %d", kept, spooled)
	}
	eventually(t, "as many drained as spooled", func() bool { return h.Stats.Drained.Load() == h.Stats.Spooled.Load() })
}

func TestAFullSpoolDoesNotShutOutAStoreThatIsBack(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	s, err := OpenSpool(SpoolOptions{Dir: t.TempDir(), Limit: 1200})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h.Spool = s
	at := serve(t, h)
	b.fail(errAway)
	for n, want := range []int{200, 429} {
		if res := post(t, at+hookPath(KindResponse, agent), call(n)); res.status != want {
			t.Fatalf("event %d answered %d, want %d", n, res.status, want)
		}
	}
	b.fail(nil)
	if res := post(t, at+hookPath(KindResponse, agent), call(3)); res.status != 200 || len(b.all()) != 1 {
		t.Errorf("answered %d, %d kept", res.status, len(b.all()))
	}
}

// TestMain lets the test binary be a daemon that spools events and waits to be killed.
func TestMain(m *testing.M) {
	dir := os.Getenv("WEBHOOK_TEST_SPOOL")
	if dir == "" {
		os.Exit(m.Run())
	}
	h, b := newHandler()
	b.fail(errAway)
	var err error
	if h.Spool, err = OpenSpool(SpoolOptions{Dir: dir}); err != nil {
		panic(err)
	}
	for n := range 10 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, hookPath(KindResponse, agent), strings.NewReader(call(n))))
		_, _ = fmt.Fprintln(os.Stdout, w.Code)
	}
	select {}
}

func TestADaemonThatWasKilledLosesNothingItAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), "WEBHOOK_TEST_SPOOL="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 10 {
		if !lines.Scan() || lines.Text() != "200" {
			t.Fatalf("the daemon answered %q", lines.Text())
		}
	}

	// While it lives its file is its own.
	next := openSpool(t, dir)
	if next.Pending() != 0 {
		t.Error("a file was taken from a living daemon")
	}
	_ = next.Close()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()

	f, err := os.OpenFile(dir+"/events-1.jsonl", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"at":"2026-03-10T12:00:00Z","team":"def`) // it died in the middle of an eleventh
	_ = f.Close()

	h, b := newHandler()
	h.Spool = openSpool(t, dir)
	drain(t, h)
	if res := post(t, serve(t, h)+hookPath(KindResponse, agent), call(10)); res.status != 200 {
		t.Fatalf("answered %d", res.status)
	}
	eventually(t, "eleven events", func() bool { return len(b.all()) >= 11 })
	var want []string
	for n := range 11 {
		want = append(want, call(n))
	}
	if diff := cmp.Diff(want, b.bodies()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestANewDaemonDrainsWhatTheLastOneLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := openSpool(t, dir), openSpool(t, dir)
	for n, s := range []*Spool{a, b} { // two were at work, one comes back
		if err := s.Append(numbered(n)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h, box := newHandler()
	h.Spool = openSpool(t, dir)
	stop := drain(t, h)
	eventually(t, "both events", func() bool { return len(box.all()) == 2 && h.Stats.Drained.Load() == 2 })
	stop()
}
