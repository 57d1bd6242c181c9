package web

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

func TestPageShowsWhatIsSoWithoutAnyScript(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.busyDay()
	code, body := get(t, d.handler(), "/")
	if code != http.StatusOK {
		t.Fatalf("%d: %s", code, body)
	}
	wantAll(t, body, `<noscript><meta http-equiv="refresh"`, "1 campaign runs, 1 cannot. 2 things need you.", `id="c-spring"`,
		"Waits for its schedule, until today 13:00 EDT.", "<caption>Campaigns that are done</caption>", "node-a-4711", "no answer", "of 500")
	if phone := regexp.MustCompile(`\+?1?212555\d{4}`).FindString(body); phone != "" {
		t.Errorf("the page shows the phone %s", phone)
	}
	if strings.Contains(body, " style=") || strings.Contains(body, "<script>") {
		t.Error("the page has styles or scripts that its own policy forbids")
	}
}

func TestPageEscapesWhatTheRecordHolds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.apply(simple("spring"))
	d.must(d.SetProblem(t.Context(), "spring", `<script>alert(1)</script>`))
	_, body := get(t, d.handler(), "/")
	if strings.Contains(body, "<script>alert") {
		t.Error("the problem of a campaign was not escaped")
	}
}

func TestEmptyRecordSaysHowToBegin(t *testing.T) {
	t.Parallel()
	_, body := get(t, newDesk(t).handler(), "/")
	wantAll(t, body, "There are no campaigns yet.", "dialerd campaign apply", "No daemon was heard of")
}

func TestReadyzSaysWhyNot(t *testing.T) {
	t.Parallel()
	var why error
	h := Handler(Config{Source: newDesk(t).source, Ready: func(context.Context) error { return why }})
	for _, tt := range []struct {
		why  error
		code int
		body string
	}{
		{nil, http.StatusOK, "ready\n"},
		{errors.New("checking the credentials of team acme"), http.StatusServiceUnavailable, "not ready: checking the credentials of team acme\n"},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, "not ready: no answer within 2s: context deadline exceeded\n"},
	} {
		why = tt.why
		if code, body := get(t, h, "/readyz"); code != tt.code || body != tt.body {
			t.Errorf("got %d %q, want %d %q", code, body, tt.code, tt.body)
		}
		if code, body := get(t, h, "/healthz"); code != http.StatusOK || body != "ok\n" {
			t.Errorf("healthz says %d %q although the process lives", code, body)
		}
	}
}

func TestReadyzSaysWhatIsAmissAndStaysReady(t *testing.T) {
	t.Parallel()
	h := Handler(Config{Source: newDesk(t).source, Warn: func(context.Context) []string { return []string{"1 of 2 replicas of redis answer", "another"} }})
	if code, body := get(t, h, "/readyz"); code != http.StatusOK || body != "ready\nwarning: 1 of 2 replicas of redis answer\nwarning: another\n" {
		t.Errorf("got %d %q", code, body)
	}
}

func TestWithoutRedisThePageShowsWhatWasKnown(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, redistest.Options{})
	d := &desk{T: t, Store: store.New(server.Client(t), store.Options{}), now: start}
	d.source = &Source{Store: d.Store, Now: func() time.Time { return d.now }, Teams: []Team{{Name: team}}}
	d.apply(simple("spring"))
	h := d.handler()
	get(t, h, "/")
	server.Kill(t)
	d.later(time.Minute)
	code, body := get(t, h, "/")
	if code != http.StatusServiceUnavailable {
		t.Errorf("the page says %d", code)
	}
	wantAll(t, body, "The record cannot be read", "Below is what was known at 15:00:00 UTC", `id="c-spring"`)
	if code, body = get(t, h, "/api/v1/status"); code != http.StatusServiceUnavailable || !strings.Contains(body, `"error"`) {
		t.Errorf("the API says %d %s", code, body)
	}
	if code, body = get(t, h, "/metrics"); code != http.StatusOK || !strings.Contains(body, "dialerd_record_up 0") {
		t.Errorf("the metrics say %d", code)
	}
	if code, _ = get(t, h, "/healthz"); code != http.StatusOK {
		t.Errorf("healthz says %d: a restart of this process mends no Redis", code)
	}
}

func TestGuardLetsOnlyReadersOfThisMachineIn(t *testing.T) {
	t.Parallel()
	h := Handler(Config{Source: newDesk(t).source})
	for _, tt := range []struct {
		method, host string
		code         int
	}{
		{http.MethodGet, "localhost:8081", 200},
		{http.MethodGet, "127.0.0.1:8081", 200},
		{http.MethodGet, "[::1]:8081", 200},
		{http.MethodGet, "dialer.example.com", 421},    // a proxy that keeps the name: no setting says that it is one
		{http.MethodGet, "evil.example.com:8081", 421}, // DNS rebinding
		{http.MethodGet, "localhost.evil.example.com", 421},
		{http.MethodPost, "localhost:8081", 405},
		{http.MethodDelete, "localhost:8081", 405},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(tt.method, "/healthz", nil)
		r.Host = tt.host
		h.ServeHTTP(w, r)
		if w.Code != tt.code {
			t.Errorf("%s for %s: %d, want %d", tt.method, tt.host, w.Code, tt.code)
		}
		if got := w.Header(); got.Get("X-Frame-Options") != "DENY" || got.Get("X-Content-Type-Options") != "nosniff" ||
			got.Get("Cache-Control") != "no-store" || !strings.Contains(got.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s for %s: headers %v", tt.method, tt.host, got)
		}
	}
}

func TestStaticFilesAreServedAndNamedByTheirContent(t *testing.T) {
	t.Parallel()
	h := newDesk(t).handler()
	_, body := get(t, h, "/")
	links := regexp.MustCompile(`(?:src|href)="(static/[^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(links) < 4 {
		t.Fatalf("the page names %d static files", len(links))
	}
	for _, l := range links {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/"+l[1], nil)
		r.Host = "localhost"
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, Cache-Control %q", l[1], w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if code, _ := get(t, h, "/static/../templates/page.html"); code == http.StatusOK {
		t.Error("templates can be fetched")
	}
}

// listen opens the events of a server and hands out the names of those that come.
func listen(t *testing.T, server *httptest.Server) (names <-chan string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q", got)
	}
	out := make(chan string, 100)
	go func() {
		defer close(out)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				out <- name
			}
		}
	}()
	return out
}

func next(t *testing.T, names <-chan string) (name string, open bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case name, open = <-names:
		return name, open
	case <-ctx.Done():
		t.Fatal("nothing came for ten seconds")
		return "", false
	}
}

// ticking is the clock of the tests, moving: a page that is live needs one.
func ticking() func() time.Time {
	began := time.Now()
	return func() time.Time { return start.Add(time.Since(began)) }
}

func TestEventsCarryWhatChangedAndEndWithTheServer(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.apply(simple("spring"))
	d.add("spring", 2, store.NewLead{Lane: east})
	d.heartbeat("node-a", "feed", "work")
	d.source.Now = ticking()
	server := httptest.NewServer(d.handler())
	t.Cleanup(server.Close)
	names := listen(t, server)
	for _, want := range sections {
		if got, _ := next(t, names); got != want {
			t.Fatalf("got %q first, want %q", got, want)
		}
	}
	_, err := d.SetHold(t.Context(), "spring", campaign.HoldPaused, start)
	d.must(err)
	seen := map[string]bool{}
	for !seen["board"] {
		name, open := next(t, names)
		if !open {
			t.Fatal("the events ended")
		}
		seen[name] = true
	}
	if !seen["headline"] || seen["fleet"] || seen["attention"] {
		t.Errorf("sent were %v", seen)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("a listener kept the server from ending: %v", err)
	}
	for open := true; open; {
		_, open = next(t, names)
	}
}

func TestEventsHaveRoomForSoManyListeners(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	server := httptest.NewServer(d.handler())
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	for range maxListeners {
		listen(t, server)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
	d.must(err)
	response, err := server.Client().Do(r)
	d.must(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", response.StatusCode)
	}
}
