package thoughtly

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// token is what no error and no log line may show. Its characters are those that escaping changes.
const token = `tk_live/"S3cr&t+<0>`

const phone = "+15551234567"

// ledger is a limiter that never waits and keeps account.
type ledger struct {
	err error // what Take fails with

	mu      sync.Mutex
	classes []string
	replies []Reply
}

func (l *ledger) Take(_ context.Context, class string) (Slot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.classes = append(l.classes, class)
	if l.err != nil {
		return Slot{}, l.err
	}
	return Slot{At: time.Now(), Done: l.done}, nil
}

func (l *ledger) done(r Reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replies = append(l.replies, r)
}

// account is the classes taken and what became of the slots, so far.
func (l *ledger) account() ([]string, []Reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.classes), slices.Clone(l.replies)
}

func newClient(t *testing.T, baseURL string) (*Client, *ledger) {
	t.Helper()
	l := &ledger{}
	c := &Client{BaseURL: baseURL, Token: token, TeamID: "team-1", Limiter: l, Timeout: 30 * time.Second, Now: time.Now}
	t.Cleanup(c.CloseIdleConnections)
	return c, l
}

// seen is a request as it arrived.
type seen struct {
	method, uri, body string
	header            http.Header
	proto             string
}

// api is a server over real TCP that keeps what arrives.
type api struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

func newAPI(t *testing.T, answer http.HandlerFunc) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewServer(a.keep(answer))
	t.Cleanup(a.Close)
	return a
}

func (a *api) keep(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.seen = append(a.seen, seen{method: r.Method, uri: r.RequestURI, body: string(body), header: r.Header.Clone(), proto: r.Proto})
		a.mu.Unlock()
		answer(w, r)
	}
}

func (a *api) requests() []seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen)
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func acquire(t *testing.T, c *Client) *Permit {
	t.Helper()
	p, err := c.Acquire(t.Context(), ClassCall)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// place places one call with a deadline far away.
func place(t *testing.T, c *Client) (Call, error) {
	t.Helper()
	p := acquire(t, c)
	return p.Call(t.Context(), CallRequest{ContactID: "c1", AgentID: "a1", Metadata: map[string]string{"dialerd_attempt": "at1"}}, p.At().Add(time.Minute))
}

// failure is err as the package's own.
func failure(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v (%T), want an *Error", err, err)
	}
	return e
}

// eventually waits until done says so.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("timed out waiting for: %s", what)
		}
	}
}
