package webhook

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// gate is a Receive that lets groups through one by one, and notes how large they were.
type gate struct {
	inbox
	open chan struct{}
	mu   sync.Mutex
	came []int
}

func (g *gate) receive(ctx context.Context, events ...Event) error {
	g.mu.Lock()
	g.came = append(g.came, len(events))
	g.mu.Unlock()
	select {
	case <-g.open:
		return g.inbox.receive(ctx, events...)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) groups() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.came)
}

// newGate is a handler of two teams with a gate behind it.
func newGate() (*Handler, *gate) {
	g := &gate{open: make(chan struct{})}
	return &Handler{
		Teams: map[string]Keys{team: NewKeys(secretToken, team), "beta": NewKeys(secretToken, "beta")}, Receive: g.receive, Now: func() time.Time { return noon },
	}, g
}

// send serves one event of a team, and tells its answer when there is one.
func send(h *Handler, name, body string) <-chan int {
	answered := make(chan int, 1)
	path := "/hooks/" + Secret(secretToken, name) + "/" + name + "/" + KindResponse + "/" + agent
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
		answered <- w.Code
	}()
	return answered
}

// queued is how many events of a team wait.
func (g *groups) queued(name string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.teams[name]; c != nil {
		return len(c.waiting)
	}
	return 0
}

func TestWhatComesMeanwhileGoesTogether(t *testing.T) {
	t.Parallel()
	h, g := newGate()
	h.Timeout = time.Minute
	dir := t.TempDir()
	h.Archive = &Archive{Dir: dir}
	var answers []<-chan int
	for n := range mostGroups {
		answers = append(answers, send(h, team, call(n)))
		eventually(t, "a group of one", func() bool { return len(g.groups()) == n+1 })
	}
	for n := mostGroups; n < mostGroups+groupEvents+3; n++ {
		answers = append(answers, send(h, team, call(n)))
		eventually(t, "it waits", func() bool { return h.groups.queued(team) == n+1-mostGroups })
	}
	other := send(h, "beta", call(1))
	eventually(t, "another team's goes at once", func() bool { return len(g.groups()) == mostGroups+1 })
	for _, answered := range append(answers, other) {
		select {
		case code := <-answered:
			t.Fatalf("answered %d before it was received", code)
		default:
		}
	}
	close(g.open)
	for n, answered := range append(answers, other) {
		if code := <-answered; code != http.StatusOK {
			t.Errorf("event %d answered %d", n, code)
		}
	}
	sizes := g.groups()
	slices.Sort(sizes)
	if want := append(slices.Repeat([]int{1}, mostGroups+1), 3, groupEvents); !slices.Equal(sizes, want) {
		t.Errorf("groups of %v, want %v", sizes, want)
	}
	seen := map[string]int{}
	for _, e := range g.all() {
		seen[e.Team+" "+string(e.Body)]++
	}
	if len(seen) != len(answers)+1 || len(g.all()) != len(seen) {
		t.Errorf("%d events received, %d of them different, want %d", len(g.all()), len(seen), len(answers)+1)
	}
	h.Wait()
	lines, err := os.ReadFile(filepath.Join(dir, noon.Format(time.DateOnly)+archiveExt))
	if n := bytes.Count(lines, []byte("\n")); err != nil || n != len(answers)+1 {
		t.Errorf("%d lines in the archive, %v; want each once", n, err)
	}
	if len(h.groups.teams) != 0 {
		t.Errorf("%d teams are still thought to be at work", len(h.groups.teams))
	}
}

func TestAGroupIsNoLargerThanItMayBe(t *testing.T) {
	t.Parallel()
	var g groups
	for _, size := range []int{groupBytes, groupBytes / 2, groupBytes / 2, 1, 1} {
		g.join(&member{event: Event{Team: team, Body: make([]byte, size)}})
	}
	var sizes []int
	for group := g.next(team); len(group) > 0; group = g.next(team) {
		sizes = append(sizes, len(group))
	}
	if !slices.Equal(sizes, []int{3, 2}) {
		t.Errorf("groups of %v, want 3 (the first counts for nothing) and 2", sizes)
	}
}

func TestAGroupThatIsNotReceivedIsSpooledEventByEvent(t *testing.T) {
	t.Parallel()
	h, g := newGate()
	dir := t.TempDir()
	h.Timeout, h.Spool, h.Archive = time.Minute, openSpool(t, t.TempDir()), &Archive{Dir: dir}
	g.fail(errAway)
	var answers []<-chan int
	for n := range mostGroups {
		answers = append(answers, send(h, team, call(n)))
		eventually(t, "a group of one", func() bool { return len(g.groups()) == n+1 })
	}
	for n := mostGroups; n < mostGroups+5; n++ {
		answers = append(answers, send(h, team, call(n)))
		eventually(t, "it waits", func() bool { return h.groups.queued(team) == n+1-mostGroups })
	}
	close(g.open)
	for n, answered := range answers {
		if code := <-answered; code != http.StatusOK {
			t.Errorf("event %d answered %d", n, code)
		}
	}
	if n := h.Spool.Pending(); n != len(answers) {
		t.Errorf("%d in the spool, want %d", n, len(answers))
	}
	g.fail(nil)
	stop := drain(t, h)
	eventually(t, "all events", func() bool { return len(g.all()) == len(answers) && h.Spool.Pending() == 0 })
	stop()
	h.Wait()
	lines, err := os.ReadFile(filepath.Join(dir, noon.Format(time.DateOnly)+archiveExt))
	if n := bytes.Count(lines, []byte("\n")); err != nil || n != len(answers) {
		t.Errorf("%d lines in the archive, %v; want each once", n, err)
	}
}

func TestAStoreThatHangsHoldsNobodyLongerThanTheTime(t *testing.T) {
	t.Parallel()
	h, g := newGate()
	h.Timeout, h.Spool = 100*time.Millisecond, openSpool(t, t.TempDir())
	h.Receive = func(ctx context.Context, events ...Event) error {
		err := g.receive(ctx, events...)
		<-g.open // it does not heed its context
		return err
	}
	var answers []<-chan int
	for n := range mostGroups + 3 {
		answers = append(answers, send(h, team, call(n)))
	}
	for n, answered := range answers {
		if code := <-answered; code != http.StatusOK {
			t.Errorf("event %d answered %d", n, code)
		}
	}
	if n := h.Spool.Pending(); n != len(answers) {
		t.Errorf("%d in the spool, want %d", n, len(answers))
	}
	eventually(t, "nobody waits", func() bool { return h.groups.queued(team) == 0 })
	close(g.open) // the store is back
	stop := drain(t, h)
	eventually(t, "the spool is drained", func() bool { return h.Spool.Pending() == 0 })
	stop()
	h.Wait()
}
