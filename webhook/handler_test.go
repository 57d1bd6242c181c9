package webhook

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEachRequestHasItsAnswer(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	h.Prefix, h.MaxBody = "/dialerd", 2000
	at := serve(t, h)
	secret := Secret(secretToken, team)
	for _, tt := range []struct {
		name, method, path, header, body string
		status, kept                     int
	}{
		{name: "a response", path: hookPath(KindResponse, agent), body: body, status: 200, kept: 1},
		{name: "a transfer", path: hookPath(KindTransfer, agent), body: body, status: 200, kept: 1},
		{name: "with the prefix that a proxy left on", path: "/dialerd" + hookPath(KindResponse, agent), body: body, status: 200, kept: 1},
		{name: "an automation", path: "/automation/default", header: AutomationSecret(secretToken, team), body: body, status: 200, kept: 1},
		{name: "not JSON", path: hookPath(KindResponse, agent), body: "a=b&c=d", status: 200, kept: 1},
		{name: "not UTF-8", path: hookPath(KindResponse, agent), body: "\xff\xfe\x00", status: 200, kept: 1},
		{name: "an empty object", path: hookPath(KindResponse, agent), body: "{}", status: 200, kept: 1},
		{name: "nothing at all", path: hookPath(KindResponse, agent), body: " \n", status: 200},
		{name: "as long as may be", path: hookPath(KindResponse, agent), body: strings.Repeat("x", 2000), status: 200, kept: 1},
		{name: "too long", path: hookPath(KindResponse, agent), body: strings.Repeat("x", 2001), status: 413},
		{name: "looked at", method: http.MethodGet, path: hookPath(KindResponse, agent), status: 405},
		{name: "looked at with a wrong secret", method: http.MethodGet, path: "/hooks/x/default/NEW_RESPONSE/" + agent, status: 405},
		{name: "put", method: http.MethodPut, path: "/automation/default", header: AutomationSecret(secretToken, team), body: body, status: 405},
		{name: "wrong secret", path: "/hooks/" + strings.Repeat("A", len(secret)) + "/default/NEW_RESPONSE/" + agent, body: body, status: 404},
		{name: "half the secret", path: "/hooks/" + secret[:20] + "/default/NEW_RESPONSE/" + agent, body: body, status: 404},
		{name: "no secret", path: "/hooks//default/NEW_RESPONSE/" + agent, body: body, status: 404},
		{name: "the other door's secret", path: "/hooks/" + AutomationSecret(secretToken, team) + "/default/NEW_RESPONSE/" + agent, body: body, status: 404},
		{name: "another team's secret", path: "/hooks/" + Secret(secretToken, "other") + "/default/NEW_RESPONSE/" + agent, body: body, status: 404},
		{name: "unknown team", path: "/hooks/" + secret + "/other/NEW_RESPONSE/" + agent, body: body, status: 404},
		{name: "a type nobody subscribed", path: "/hooks/" + secret + "/default/ACTION_FAILED/" + agent, body: body, status: 404},
		{name: "no agent", path: "/hooks/" + secret + "/default/NEW_RESPONSE", body: body, status: 404},
		{name: "too much path", path: hookPath(KindResponse, agent) + "/x", body: body, status: 404},
		{name: "somewhere else", path: "/", body: body, status: 404},
		{name: "automation without a secret", path: "/automation/default", body: body, status: 404},
		{name: "automation with the hooks' secret", path: "/automation/default", header: secret, body: body, status: 404},
		{name: "automation of an unknown team", path: "/automation/other", header: AutomationSecret(secretToken, team), body: body, status: 404},
	} {
		before := len(b.all())
		if tt.method == "" {
			tt.method = http.MethodPost
		}
		r, err := http.NewRequestWithContext(t.Context(), tt.method, at+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.header != "" {
			r.Header.Set(SecretHeader, tt.header)
		}
		res := do(t, r)
		if res.status != tt.status || res.text != "" {
			t.Errorf("%s: answered %d %q, want %d and nothing", tt.name, res.status, res.text, tt.status)
		}
		if kept := len(b.all()) - before; kept != tt.kept {
			t.Errorf("%s: kept %d events, want %d", tt.name, kept, tt.kept)
		}
		if got := res.header.Get("Allow"); (got == http.MethodPost) != (tt.status == 405) {
			t.Errorf("%s: Allow is %q", tt.name, got)
		}
	}
	got := map[string]int64{
		"received": h.Stats.Received.Load(), "kept": h.Stats.Kept.Load(), "unreadable": h.Stats.Unreadable.Load(), "refused": h.Stats.Refused.Load(),
		"bytes": h.Stats.Bytes.Load(), "spooled": h.Stats.Spooled.Load(), "overloaded": h.Stats.Overloaded.Load(),
	}
	want := map[string]int64{
		"received": 9, "kept": 8, "unreadable": 5, "refused": 17,
		"bytes": int64(4*len(body) + 7 + 3 + 2 + 2 + 2000), "spooled": 0, "overloaded": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestAnEventTellsWhatIsNeededToKeepIt(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	at := serve(t, h)
	other := strings.Replace(body, `"interview":{"id":"aB3dE9fG"}`, `"interview":{"id":"ZZZZ9999"}`, 1)
	nobody := strings.Replace(body, `"interview":{"id":"aB3dE9fG"},`, ``, 1)
	post(t, at+hookPath(KindTransfer, agent), other)
	post(t, at+hookPath(KindResponse, "my%2Fagent"), nobody)
	post(t, at+"/automation/default", nobody)
	post(t, at+hookPath(KindResponse, agent), "broken")
	events := b.all()
	want := []Event{
		{Team: team, Kind: KindTransfer, Agent: "ZZZZ9999", Body: []byte(other), At: noon}, // the body's own agent wins
		{Team: team, Kind: KindResponse, Agent: "my/agent", Body: []byte(nobody), At: noon},
		{Team: team, Kind: KindAutomation, Body: []byte(nobody), At: noon},
		{Team: team, Kind: KindResponse, Agent: agent, Body: []byte("broken"), At: noon, Unreadable: true},
	}
	seen := map[string]bool{}
	for i := range events {
		if d := events[i].Digest; len(d) != 32 || seen[d] {
			t.Errorf("event %d: digest %q is not 32 characters of its own", i, d)
		}
		seen[events[i].Digest] = true
		events[i].Digest = ""
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestWhoHasNoKeyLearnsNothing(t *testing.T) {
	t.Parallel()
	h, _ := newHandler()
	at := serve(t, h)
	var first http.Header
	for _, path := range []string{
		"/hooks/wrong/default/NEW_RESPONSE/" + agent, "/hooks/" + Secret(secretToken, team) + "/nobody/NEW_RESPONSE/" + agent, "/automation/nobody", "/nothing/here",
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, at+path, strings.NewReader(body))
		res := do(t, r)
		res.header.Del("Date")
		if first == nil {
			first = res.header
		}
		if diff := cmp.Diff(first, res.header); res.status != 404 || res.text != "" || diff != "" {
			t.Errorf("%s: %d %q, headers differ from the first:\n%s", path, res.status, res.text, diff)
		}
	}
}

func TestABodyMustArriveInTime(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	h.ReadTimeout = 50 * time.Millisecond
	address := strings.TrimPrefix(serve(t, h), "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST "+hookPath(KindResponse, agent)+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"id\":")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestTimeout || len(b.all()) != 0 {
		t.Errorf("answered %d with %d events kept, want 408 and none", res.StatusCode, len(b.all()))
	}
}

func TestABodyIsNoLargerThanItMayBeWhateverItSays(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	at := serve(t, h) + hookPath(KindResponse, agent)
	never, say := io.Pipe() // a body that does not come
	defer say.Close()
	for name, tt := range map[string]struct {
		body io.Reader
		says int64
	}{
		"says nothing":  {io.LimitReader(strings.NewReader(strings.Repeat("x", DefaultMaxBody+1)), DefaultMaxBody+1), -1},
		"says too much": {never, 1 << 40}, // is refused without being read
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, tt.body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = tt.says
		if res := do(t, r); res.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: answered %d", name, res.status)
		}
	}
	if len(b.all()) != 0 {
		t.Errorf("%d events", len(b.all()))
	}
}

func TestReadingInTimeLeavesTheConnectionAlone(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	h.ReadTimeout = 20 * time.Millisecond
	h.Receive = func(ctx context.Context, events ...Event) error { // longer than the body may take: its deadline is over by now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.NewTimer(60 * time.Millisecond).C:
			return b.receive(ctx, events...)
		}
	}
	at := serve(t, h)
	for range 3 {
		if res := post(t, at+hookPath(KindResponse, agent), body); res.status != 200 {
			t.Fatalf("answered %d", res.status)
		}
	}
	if n := len(b.all()); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

func TestAnEventSurvivesASenderThatHangsUp(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	hungUp, started := make(chan struct{}), make(chan struct{})
	h.Receive = func(ctx context.Context, events ...Event) error {
		close(started)
		<-hungUp
		if err := ctx.Err(); err != nil {
			return err
		}
		return b.receive(ctx, events...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, hookPath(KindResponse, agent), strings.NewReader(body))
	go func() { <-started; cancel(); close(hungUp) }()
	h.ServeHTTP(httptest.NewRecorder(), r)
	if n := len(b.all()); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestWithoutAnyPlaceToKeepItTheSenderIsAskedToComeAgain(t *testing.T) {
	t.Parallel()
	full, err := OpenSpool(SpoolOptions{Dir: t.TempDir(), Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for name, spool := range map[string]*Spool{"no spool": nil, "full spool": full} {
		h, b := newHandler()
		h.Spool = spool
		b.fail(errors.New("redis is away"))
		res := post(t, serve(t, h)+hookPath(KindResponse, agent), body)
		if res.status != 429 || res.header.Get("Retry-After") != "30" {
			t.Errorf("%s: answered %d, Retry-After %q", name, res.status, res.header.Get("Retry-After"))
		}
		if h.Stats.Overloaded.Load() != 1 || h.Stats.Kept.Load() != 0 {
			t.Errorf("%s: overloaded %d, kept %d", name, h.Stats.Overloaded.Load(), h.Stats.Kept.Load())
		}
	}
}

func TestReceiveIsNotWaitedForLongerThanItsTime(t *testing.T) {
	t.Parallel()
	for name, receive := range map[string]func(context.Context, ...Event) error{
		"deaf":     func(context.Context, ...Event) error { <-t.Context().Done(); return nil },
		"panicked": func(context.Context, ...Event) error { panic(body) },
	} {
		h, _ := newHandler()
		h.Receive, h.Timeout, h.Spool = receive, 30*time.Millisecond, openSpool(t, t.TempDir())
		log := &notes{}
		h.Log = log.logger()
		res := post(t, serve(t, h)+hookPath(KindResponse, agent), body)
		if res.status != 200 || h.Spool.Pending() != 1 || h.Stats.Spooled.Load() != 1 {
			t.Errorf("%s: answered %d with %d in the spool, want 200 and 1", name, res.status, h.Spool.Pending())
		}
		if strings.Contains(log.String(), "private") {
			t.Errorf("%s: the log quotes the event: %s", name, log)
		}
	}
}

func TestLogsHoldNoSecretNoBodyAndNoPhone(t *testing.T) {
	t.Parallel()
	h, b := newHandler()
	log := &notes{}
	h.Log, h.Spool, h.Archive = log.logger(), openSpool(t, t.TempDir()), &Archive{Dir: "/dev/null/no"}
	at := serve(t, h)
	post(t, at+hookPath(KindResponse, agent), body)
	post(t, at+hookPath(KindResponse, agent), "broken "+phone+" private")
	post(t, at+hookPath(KindResponse, agent), strings.Repeat("private", 1<<20))
	post(t, at+"/automation/nobody", body)
	b.fail(errors.New("redis is away"))
	post(t, at+hookPath(KindResponse, agent), body)
	_ = h.Spool.Close()
	post(t, at+hookPath(KindResponse, agent), body)
	text := log.String()
	for _, told := range []string{"cannot be read", "did not arrive", "wait in the spool", "not in the archive", "cannot be kept"} {
		if !strings.Contains(text, told) {
			t.Errorf("the log does not tell of: %s", told)
		}
	}
	for _, secret := range []string{Secret(secretToken, team), AutomationSecret(secretToken, team), secretToken, phone, phone[1:], "private"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %q:\n%s", secret, text)
		}
	}
}

func BenchmarkHandler(b *testing.B) {
	h, _ := newHandler()
	h.Receive = func(context.Context, ...Event) error { return nil }
	path := hookPath(KindResponse, agent)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}

func BenchmarkHandlerRefusing(b *testing.B) {
	h, _ := newHandler()
	for name, path := range map[string]string{"wrong_secret": "/hooks/" + Secret("x", team) + "/default/NEW_RESPONSE/" + agent, "unknown_team": "/hooks/" + Secret(secretToken, team) + "/nobody12/NEW_RESPONSE/" + agent} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
				if w.Code != 404 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

func FuzzHandlerBody(f *testing.F) {
	for _, seed := range []string{body, "", "{}", "[]", "null", `{"call":{"id":1}}`, `{"id":"x","metadata":"{\"a\":1}"}`, "\xff", `[[[[`, `{"id":"1","id":"2"}`, `{"a":1e999}`} {
		f.Add([]byte(seed))
	}
	h, inbox := newHandler()
	f.Fuzz(func(t *testing.T, text []byte) {
		before := len(inbox.all())
		for range 2 {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, hookPath(KindResponse, agent), strings.NewReader(string(text))))
			if w.Code != 200 {
				t.Fatalf("answered %d", w.Code)
			}
		}
		events := inbox.all()[before:]
		inbox.mu.Lock()
		inbox.events = nil
		inbox.mu.Unlock()
		if strings.TrimSpace(string(text)) == "" && len(events) == 0 {
			return
		}
		if len(events) != 2 || events[0].Digest != events[1].Digest || string(events[1].Body) != string(text) {
			t.Fatalf("two deliveries became %+v", events)
		}
	})
}

func FuzzHandlerPath(f *testing.F) {
	f.Add(hookPath(KindResponse, agent), "")
	f.Add("/automation/default", "x")
	f.Add("/hooks/%2F/%00/NEW_RESPONSE/%", "x")
	h, inbox := newHandler()
	right := AutomationSecret(secretToken, team)
	f.Fuzz(func(t *testing.T, path, secret string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path, r.URL.RawPath = path, path
		r.Header.Set(SecretHeader, secret)
		before := len(inbox.all())
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		kept := len(inbox.all()) - before
		if knows := strings.Contains(path, Secret(secretToken, team)) || secret == right; (w.Code != 404 || kept != 0) && !knows {
			t.Fatalf("%q %q answered %d and kept %d", path, secret, w.Code, kept)
		}
	})
}
