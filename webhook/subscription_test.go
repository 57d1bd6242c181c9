package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/thoughtly"
)

const public = "https://d.example.com/dialerd"

// sub is a subscription at an address of ours.
func sub(secret, team, kind, agent string) thoughtly.Subscription {
	return thoughtly.Subscription{Type: kind, URL: public + "/hooks/" + secret + "/" + team + "/" + kind + "/" + agent, Data: agent}
}

func TestPlanAddsWhatIsMissingAndEndsOnlyWhatIsOurs(t *testing.T) {
	t.Parallel()
	type subs = []thoughtly.Subscription
	wanted := subs{sub("new", team, KindResponse, "a"), sub("new", team, KindTransfer, "a")}
	with := func(s thoughtly.Subscription, change func(*thoughtly.Subscription)) thoughtly.Subscription {
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name             string
		existing, wanted subs
		add, remove      subs
	}{
		{name: "nothing there", wanted: wanted, add: wanted},
		{name: "all there", existing: wanted, wanted: wanted},
		{name: "one vanished", existing: wanted[:1], wanted: wanted, add: wanted[1:]},
		{name: "with ids", existing: subs{with(wanted[0], func(s *thoughtly.Subscription) { s.ID = "7" }), wanted[1]}, wanted: wanted},
		{name: "data not shown", existing: subs{with(wanted[0], func(s *thoughtly.Subscription) { s.Data = "" }), wanted[1]}, wanted: wanted},
		{name: "type not shown", existing: subs{with(wanted[0], func(s *thoughtly.Subscription) { s.Type = "" }), wanted[1]}, wanted: wanted},
		{name: "type in small letters", existing: subs{with(wanted[0], func(s *thoughtly.Subscription) { s.Type = "new_response" }), wanted[1]}, wanted: wanted},
		{
			name: "for another agent's data", existing: subs{with(wanted[0], func(s *thoughtly.Subscription) { s.Data = "b" }), wanted[1]}, wanted: wanted,
			add: wanted[:1], remove: subs{with(wanted[0], func(s *thoughtly.Subscription) { s.Data = "b" })},
		},
		{name: "old secret", existing: append(subs{sub("old", team, KindResponse, "a")}, wanted...), wanted: wanted, remove: subs{sub("old", team, KindResponse, "a")}},
		{name: "agent not used", existing: append(subs{sub("new", team, KindTransfer, "z")}, wanted...), wanted: wanted, remove: subs{sub("new", team, KindTransfer, "z")}},
		{
			name: "stale without data", existing: append(subs{with(sub("old", team, KindResponse, "a"), func(s *thoughtly.Subscription) { s.Data, s.ID = "", "9" })}, wanted...),
			wanted: wanted, remove: subs{sub("old", team, KindResponse, "a")},
		},
		{name: "doubled", existing: append(subs{wanted[0]}, wanted...), wanted: wanted},
		{name: "wanted twice", wanted: append(subs{wanted[0]}, wanted...), add: wanted},
		{name: "nothing wanted", existing: subs{sub("old", team, KindResponse, "a")}},
		{
			name: "others'", wanted: wanted, existing: append(subs{
				sub("old", "sales", KindResponse, "a"), // another team of the fleet
				{Type: KindResponse, URL: "https://zap.example.com/hooks/x/default/NEW_RESPONSE/a", Data: "a"},
				{Type: KindResponse, URL: "https://d.example.com/hooks/old/default/NEW_RESPONSE/a", Data: "a"},          // without our prefix
				{Type: KindResponse, URL: "https://d.example.com/dialerd2/hooks/old/default/NEW_RESPONSE/a", Data: "a"}, // a longer one
				{Type: KindResponse, URL: "https://d.example.com/dialerd/hooks/old/default/NEW_RESPONSE", Data: "a"},    // not made by us
				{Type: KindResponse, URL: "https://d.example.com/dialerd/hooks/old/default/FOLDER_X/a", Data: "a"},      // nor this
				{Type: KindResponse, URL: "https://d.example.com/dialerd/other/old/default/NEW_RESPONSE/a", Data: "a"},  // nor this
				{Type: KindResponse, URL: "https://d.example.com.evil.example/dialerd/hooks/o/default/NEW_RESPONSE/a"},  // nor this
				{},
			}, wanted...),
		},
	} {
		add, remove := Plan(tt.existing, tt.wanted, public)
		if diff := cmp.Diff(tt.add, add); diff != "" {
			t.Errorf("%s: add (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.remove, remove); diff != "" {
			t.Errorf("%s: remove (-want +got):\n%s", tt.name, diff)
		}
	}
}

// api is the part of Thoughtly that subscriptions need.
type api struct {
	mu       sync.Mutex
	subs     []thoughtly.Subscription
	answer   string         // what GET answers instead of the list
	refuse   map[string]int // status by "METHOD agent" or "METHOD"
	requests []string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var in struct {
		Type, URL, Data string
	}
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, `{"data":null,"error":"no body"}`, http.StatusBadRequest)
			return
		}
	}
	sub := thoughtly.Subscription{Type: in.Type, URL: in.URL, Data: in.Data}
	a.requests = append(a.requests, strings.TrimSpace(r.Method+" "+in.Type+" "+in.Data))
	for _, key := range []string{r.Method, r.Method + " " + in.Data} {
		if status := a.refuse[key]; status != 0 {
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"data":null,"error":"no %s"}`, in.URL)
			return
		}
	}
	at := slices.Index(a.subs, sub)
	switch r.Method + " " + r.URL.Path {
	case "GET /webhooks":
		if a.answer != "" {
			_, _ = fmt.Fprint(w, a.answer)
			return
		}
		items := []map[string]any{}
		for i, s := range a.subs {
			items = append(items, map[string]any{"id": fmt.Sprint(i), "type": s.Type, "url": s.URL, "data": s.Data})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"webhooks": items}, "error": nil})
	case "POST /webhooks/subscribe":
		if at >= 0 {
			w.WriteHeader(http.StatusConflict)
			_, _ = fmt.Fprint(w, `{"data":null,"error":"webhook subscription already exists"}`)
			return
		}
		a.subs = append(a.subs, sub)
		_, _ = fmt.Fprint(w, `{"data":{},"error":null}`)
	case "DELETE /webhooks/unsubscribe":
		if at < 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		a.subs = slices.Delete(a.subs, at, at+1)
		_, _ = fmt.Fprint(w, `{"data":{}}`)
	default:
		w.WriteHeader(http.StatusTeapot)
	}
}

// asked is what was asked since the last time.
func (a *api) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.requests
	a.requests = nil
	return asked
}

// set changes the API between requests.
func (a *api) set(change func(a *api)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

func (a *api) list() []thoughtly.Subscription {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.subs)
}

func newAPI(t *testing.T) (*api, *thoughtly.Client) {
	t.Helper()
	a := &api{refuse: map[string]int{}}
	s := httptest.NewServer(a)
	c := &thoughtly.Client{BaseURL: s.URL, Token: secretToken, TeamID: "t", Limiter: thoughtly.NewLocalLimiter(1000, time.Second, time.Now), Now: time.Now}
	t.Cleanup(func() { c.CloseIdleConnections(); s.Close() })
	return a, c
}

func TestEnsureSubscribesOnceAndMendsWhatVanished(t *testing.T) {
	t.Parallel()
	a, c := newAPI(t)
	foreign := thoughtly.Subscription{Type: KindResponse, URL: "https://zap.example.com/x", Data: "a"}
	stale := sub(Secret("an old token", team), team, KindResponse, "a")
	a.set(func(a *api) { a.subs = []thoughtly.Subscription{foreign, stale} })
	s := &Subscriptions{PublicURL: public}
	secret := Secret(secretToken, team)
	want := []thoughtly.Subscription{
		foreign, sub(secret, team, KindResponse, "a"), sub(secret, team, KindTransfer, "a"), sub(secret, team, KindResponse, "b"), sub(secret, team, KindTransfer, "b"),
	}
	for _, step := range []struct {
		name  string
		done  Ensured
		asked []string
	}{
		{"first", Ensured{Held: true, Wanted: 4, Added: 4, Removed: 1}, []string{
			"GET", "POST NEW_RESPONSE a", "POST PHONE_TRANSFER a", "POST NEW_RESPONSE b", "POST PHONE_TRANSFER b", "DELETE NEW_RESPONSE a",
		}},
		{"again", Ensured{Held: true, Wanted: 4}, []string{"GET"}},
	} {
		done, err := s.Ensure(t.Context(), c, team, []string{"b", "a", "b"})
		if err != nil || done != step.done {
			t.Errorf("%s: %+v, %v", step.name, done, err)
		}
		if diff := cmp.Diff(step.asked, a.asked()); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(want, a.list()); diff != "" {
			t.Errorf("%s: subscriptions (-want +got):\n%s", step.name, diff)
		}
	}
	a.set(func(a *api) { a.subs = a.subs[:2] })
	if done, err := s.Ensure(t.Context(), c, team, []string{"a"}); err != nil || done.Added != 1 || done.Removed != 0 {
		t.Errorf("after some vanished: %+v, %v", done, err)
	}
	if done, err := s.Ensure(t.Context(), c, team, nil); err != nil || done != (Ensured{Held: true}) || len(a.list()) != 3 {
		t.Errorf("without agents: %+v, %v, %d subscriptions", done, err, len(a.list()))
	}
}

func TestEnsureGoesOnAfterAnErrorThatIsNotEverybodys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		refuse string
		status int
		asked  int // requests in all, of 1 list, 4 posts, 1 delete
		added  int
		fails  bool
	}{
		{"an agent that is gone", "POST a", 404, 6, 2, true},
		{"an agent that is wrong", "POST a", 400, 6, 2, true},
		{"a token that is not let in", "POST a", 401, 2, 0, true},
		{"too many requests", "POST a", 429, 2, 0, true},
		{"a server in trouble", "POST a", 500, 2, 0, true},
		{"a list that is not let in", "GET", 403, 1, 0, true},
		{"a list that is out of order", "GET", 500, 1, 0, true},
		{"a list that is not there", "GET", 404, 5, 4, true},
		{"already ended", "DELETE a", 404, 6, 4, false},
		{"cannot be ended", "DELETE a", 400, 6, 4, true},
	} {
		a, c := newAPI(t)
		a.set(func(a *api) {
			a.subs = []thoughtly.Subscription{sub("old", team, KindResponse, "a")}
			a.refuse[tt.refuse] = tt.status
		})
		s := &Subscriptions{PublicURL: public}
		done, err := s.Ensure(t.Context(), c, team, []string{"a", "b"})
		if asked := a.asked(); (err != nil) != tt.fails || len(asked) != tt.asked || done.Added != tt.added {
			t.Errorf("%s: %+v, %v, asked %v", tt.name, done, err, asked)
		}
		if err != nil && (strings.Contains(err.Error(), Secret(secretToken, team)) || strings.Contains(err.Error(), secretToken)) {
			t.Errorf("%s: the error shows a secret: %v", tt.name, err)
		}
	}
}

func TestAListThatCannotBeReadIsSubscribedWithoutOnce(t *testing.T) {
	t.Parallel()
	a, c := newAPI(t)
	a.set(func(a *api) { a.answer = `{"data":{"count":2},"error":null}` })
	s := &Subscriptions{PublicURL: public}
	for _, added := range []int{2, 0} {
		done, err := s.Ensure(t.Context(), c, team, []string{"a"})
		if err == nil || done.Added != added || done.Removed != 0 {
			t.Errorf("%+v, %v, want %d added and an error", done, err, added)
		}
	}
	if len(a.list()) != 2 {
		t.Errorf("%d subscriptions, want 2", len(a.list()))
	}
}

func TestOneDaemonAtATimeMindsATeam(t *testing.T) {
	t.Parallel()
	a, c := newAPI(t)
	var released bool
	s := &Subscriptions{PublicURL: public, Lock: func(context.Context, string) (bool, func(), error) { return false, nil, nil }}
	if done, err := s.Ensure(t.Context(), c, team, []string{"a"}); err != nil || done != (Ensured{}) || len(a.asked()) != 0 {
		t.Errorf("while another is at it: %+v, %v", done, err)
	}
	away := errors.New("away")
	s.Lock = func(context.Context, string) (bool, func(), error) { return false, nil, away }
	if _, err := s.Ensure(t.Context(), c, team, []string{"a"}); !errors.Is(err, away) || len(a.asked()) != 0 {
		t.Errorf("without the lock: %v", err)
	}
	s.Lock = func(_ context.Context, name string) (bool, func(), error) {
		return name == team, func() { released = true }, nil
	}
	if done, err := s.Ensure(t.Context(), c, team, []string{"a"}); err != nil || !done.Held || !released {
		t.Errorf("with the lock: %+v, %v, released %v", done, err, released)
	}
}

func TestNothingIsSubscribedThatCannotWork(t *testing.T) {
	t.Parallel()
	a, c := newAPI(t)
	noToken := &thoughtly.Client{BaseURL: c.BaseURL, Limiter: c.Limiter, Now: c.Now}
	for name, try := range map[string]func() error{
		"no public URL": func() error { _, err := (&Subscriptions{}).Ensure(t.Context(), c, team, []string{"a"}); return err },
		"plain http": func() error {
			_, err := (&Subscriptions{PublicURL: "http://d.example.com"}).Ensure(t.Context(), c, team, []string{"a"})
			return err
		},
		"an empty agent": func() error {
			_, err := (&Subscriptions{PublicURL: public}).Ensure(t.Context(), c, team, []string{""})
			return err
		},
		"no token": func() error {
			_, err := (&Subscriptions{PublicURL: public}).Ensure(t.Context(), noToken, team, []string{"a"})
			return err
		},
	} {
		if err := try(); err == nil || len(a.asked()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
