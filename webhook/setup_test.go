package webhook

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	secretToken = "tk_live_S3cr3t"
	team        = "default"
	agent       = "aB3dE9fG"
	phone       = "+15551234567"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// body is a response record as the API really posts it.
const body = `{"id":"0f9b6a1e-0000-4000-8000-000000000001","created":"2026-03-10T11:58:00.000Z","updated":"2026-03-10T11:59:00.000Z","version":2,
 "interview":{"id":"aB3dE9fG"},"contact":{"id":"c-1","phone_number":"+15551234567","name":"Ada"},"type":"PHONE_CALL","status":"COMPLETED",
 "start_time":"2026-03-10T11:58:00.000Z","end_time":"2026-03-10T11:59:00.000Z","duration_ms":"60000","recording_url":null,
 "transcript":"Agent: hello\nUser: hi, this is private","metadata":{"dialerd_attempt":"1.a.1"}}`

// inbox is a Receive that keeps what it gets, or fails as told.
type inbox struct {
	mu     sync.Mutex
	events []Event
	err    error
	calls  int
}

func (b *inbox) receive(_ context.Context, events ...Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.err != nil {
		return b.err
	}
	b.events = append(b.events, events...)
	return nil
}

// deliver is receive for what takes one event at a time.
func (b *inbox) deliver(ctx context.Context, e Event) error { return b.receive(ctx, e) }

func (b *inbox) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *inbox) all() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Event(nil), b.events...)
}

func (b *inbox) tries() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}

// bodies are the bodies of what came, in order.
func (b *inbox) bodies() []string {
	var all []string
	for _, e := range b.all() {
		all = append(all, string(e.Body))
	}
	return all
}

// notes is a log that can be read.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func (n *notes) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// newHandler is a handler of one team with an inbox behind it.
func newHandler() (*Handler, *inbox) {
	b := &inbox{}
	h := &Handler{Teams: map[string]Keys{team: NewKeys(secretToken, team)}, Receive: b.receive, Now: func() time.Time { return noon }}
	return h, b
}

// serve puts a handler on a real socket.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func hookPath(kind, agent string) string {
	return "/hooks/" + Secret(secretToken, team) + "/" + team + "/" + kind + "/" + agent
}

// reply is what the handler answered.
type reply struct {
	status int
	header http.Header
	text   string
}

// post sends a body, with the right secret for an automation.
func post(t testing.TB, url, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(SecretHeader, AutomationSecret(secretToken, team))
	return do(t, r)
}

// client has connections of its own: the end of any test server closes the idle ones of the default transport, also in the middle of
// another test's request.
var client = &http.Client{Transport: &http.Transport{}}

func do(t testing.TB, r *http.Request) reply {
	t.Helper()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(said)}
}

func openSpool(t testing.TB, dir string) *Spool {
	t.Helper()
	s, err := OpenSpool(SpoolOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// drain lets a handler drain until the test ends, or stop is called.
func drain(t testing.TB, h *Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); h.Drain(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// eventually waits until ok says so.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(20 * time.Second)
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("timed out waiting for: %s", what)
		}
	}
}
