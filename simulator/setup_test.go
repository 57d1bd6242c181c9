package simulator

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const phone1, phone2, phone3 = "+12125550111", "+13125550122", "+14155550133"

// quiet is a calm world without latency, without delays of webhooks and where everybody completes.
func quiet(change ...func(*Profile)) Profile {
	p := Calm()
	p.API.Latency, p.Webhooks.Delay = Latency{}, Span{}
	p.People.Weights = map[Outcome]float64{Completed: 1}
	for _, f := range change {
		f(&p)
	}
	return p
}

// always makes everybody do the same.
func always(o Outcome) func(*Profile) {
	return func(p *Profile) { p.People.Weights = map[Outcome]float64{o: 1} }
}

// caller is a client that knows nothing but HTTP.
type caller struct {
	t    *testing.T
	http *http.Client
	base string
	head http.Header
}

// overTCP starts a server with a real listener.
func overTCP(t *testing.T, cfg Config) (*Server, *caller) {
	t.Helper()
	s := New(cfg)
	hs := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); hs.Close() })
	hc := hs.Client()
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s, newCaller(t, hc, hs.URL)
}

// inBubble makes a server that is reached without network.
func inBubble(t *testing.T, cfg Config) (*Server, *caller) {
	t.Helper()
	s := New(cfg)
	t.Cleanup(s.Close)
	return s, newCaller(t, &http.Client{Transport: s.Transport()}, "http://fake")
}

func newCaller(t *testing.T, hc *http.Client, base string) *caller {
	return &caller{t, hc, base, http.Header{
		"X-Api-Token": {DefaultToken}, "Team_id": {DefaultTeamID}, "Content-Type": {"application/json"},
	}}
}

// answerOf is a reply as it came over the wire.
type answerOf struct {
	status int
	header http.Header
	text   string
	data   json.RawMessage
	err    json.RawMessage // null or absent: none
}

func (a answerOf) failed() bool { return len(a.err) > 0 && string(a.err) != "null" }

// into decodes the data of the reply.
func (a answerOf) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.data, v); err != nil {
		t.Fatalf("data %s: %v", a.data, err)
	}
}

func (a answerOf) id(t *testing.T) string {
	t.Helper()
	var v struct{ ID string }
	a.into(t, &v)
	return v.ID
}

// try sends a request and returns what came, or the error of the transport.
func (c *caller) try(ctx context.Context, method, path, body string) (answerOf, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return answerOf{}, err
	}
	r.Header = c.head.Clone()
	r.GetBody = nil
	res, err := c.http.Do(r)
	if err != nil {
		return answerOf{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	a := answerOf{status: res.StatusCode, header: res.Header, text: string(b)}
	if err != nil {
		return a, err
	}
	var env struct{ Data, Error json.RawMessage }
	if json.Unmarshal(b, &env) == nil {
		a.data, a.err = env.Data, env.Error
	}
	return a, nil
}

func (c *caller) do(method, path, body string) answerOf {
	c.t.Helper()
	a, err := c.try(c.t.Context(), method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// want is do, and the status must be as said.
func (c *caller) want(status int, method, path, body string) answerOf {
	c.t.Helper()
	a := c.do(method, path, body)
	if a.status != status {
		c.t.Fatalf("%s %s %s: status %d, want %d: %s", method, path, body, a.status, status, a.text)
	}
	return a
}

// contact makes a contact and returns its id.
func (c *caller) contact(phone string) string {
	c.t.Helper()
	return c.want(200, "POST", "/contact/create", `{"phone_number":"`+phone+`","name":"Ann Example"}`).id(c.t)
}

// callBody is a request to call a contact for an attempt.
func callBody(contact, attempt string) string {
	return `{"contact_id":"` + contact + `","interview_id":"` + DefaultAgentID + `","metadata":{"attempt":"` + attempt + `"}}`
}

func (c *caller) call(contact, attempt string) answerOf {
	c.t.Helper()
	return c.want(200, "POST", "/contact/call", callBody(contact, attempt))
}

// hooks receives webhooks.
type hooks struct {
	mu     sync.Mutex
	got    []hook
	answer func(n int) (status int, retryAfter string) // n from 1; nil: 200
}

type hook struct {
	path string
	at   time.Time
	body map[string]any
	raw  string
}

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	k := hook{path: r.URL.Path, at: time.Now(), raw: string(b)}
	_ = json.Unmarshal(b, &k.body)
	h.mu.Lock()
	h.got = append(h.got, k)
	n := len(h.got)
	h.mu.Unlock()
	if h.answer != nil {
		status, after := h.answer(n)
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.Header().Set("Location", "http://elsewhere.example/")
		w.WriteHeader(status)
	}
}

func (h *hooks) all() []hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]hook(nil), h.got...)
}

// client is for Config.Client.
func (h *hooks) client() *http.Client { return &http.Client{Transport: InMemory(h)} }

func (c *caller) subscribe(event, data string) {
	c.t.Helper()
	body := `{"type":"` + event + `","url":"http://hooks.example/` + event + "/" + data + `"`
	if data != "" {
		body += `,"data":"` + data + `"`
	}
	c.want(200, "POST", "/webhooks/subscribe", body+"}")
}

// eventually polls until ok, for tests on real time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Errorf("never: %s", what)
			return
		}
	}
}
