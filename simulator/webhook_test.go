package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// paths are where webhooks went, in order, with their status.
func (h *hooks) paths() (out []string) {
	for _, k := range h.all() {
		out = append(out, strings.TrimSuffix(k.path, "/"+DefaultAgentID)+" "+fmt.Sprint(k.body["status"]))
	}
	return out
}

// afterCalls makes n calls to as many phones in a world, waits a day and returns what came.
func afterCalls(t *testing.T, n int, p Profile) (h *hooks, s *Server) {
	t.Helper()
	h = &hooks{}
	synctest.Test(t, func(t *testing.T) {
		var c *caller
		s, c = inBubble(t, Config{Seed: 11, Profile: p, Client: h.client(), Limit: Limit{NoFixed: true, NoSliding: true}})
		c.subscribe(EventResponse, DefaultAgentID)
		c.subscribe(EventTransfer, DefaultAgentID)
		for i := range n {
			c.call(c.contact(fmt.Sprintf("+1212555%04d", i)), "a")
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		s.Close()
	})
	return h, s
}

func TestEventsOfACall(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]struct {
		change func(*Profile)
		want   []string
	}{
		"one at the end": {always(NoAnswer), []string{"/NEW_RESPONSE NO_ANSWER"}},
		"a transfer comes before the end": {
			always(Transferred), []string{"/PHONE_TRANSFER IN_PROGRESS", "/NEW_RESPONSE TRANSFERRED"},
		},
		"an early one has not started": {
			func(p *Profile) { p.Webhooks.Early = 1 }, []string{"/NEW_RESPONSE NOT_STARTED", "/NEW_RESPONSE COMPLETED"},
		},
		"reordered ones come after the end": {
			func(p *Profile) { always(Transferred)(p); p.Webhooks.Early, p.Webhooks.Reorder = 1, 1 },
			[]string{"/NEW_RESPONSE TRANSFERRED", "/NEW_RESPONSE NOT_STARTED", "/PHONE_TRANSFER IN_PROGRESS"},
		},
		"all lost": {func(p *Profile) { p.Webhooks.Early, p.Webhooks.Loss = 1, 1 }, nil},
		"doubled": {
			func(p *Profile) { p.Webhooks.Double = 1 }, []string{"/NEW_RESPONSE COMPLETED", "/NEW_RESPONSE COMPLETED"},
		},
		"stuck calls never end": {always(Stuck), nil},
		"a blocked call ends at once": {
			always(Suppressed), []string{"/NEW_RESPONSE SUPPRESSED"},
		},
		"a stray one follows": {
			func(p *Profile) { always(NoAnswer)(p); p.Webhooks.Stray = 1 },
			[]string{"/NEW_RESPONSE NO_ANSWER", "/NEW_RESPONSE COMPLETED"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := afterCalls(t, 1, quiet(k.change, func(p *Profile) { p.Webhooks.Delay = Span{1, 1} }))
			if diff := cmp.Diff(k.want, h.paths()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWebhooksGoAstrayInTheStatedShares(t *testing.T) {
	t.Parallel()
	const n = 600
	h, s := afterCalls(t, n, quiet(func(p *Profile) {
		p.Webhooks.Loss, p.Webhooks.Double, p.Webhooks.Late, p.Webhooks.LateBy = 0.3, 0.3, 0.2, Span{3600, 7200}
	}))
	k := s.Hooks()
	near := func(what string, got int, want float64) {
		if d := float64(got)/n - want; d < -0.07 || d > 0.07 {
			t.Errorf("%s: %d of %d, want about %.2f", what, got, n, want)
		}
	}
	near("lost", k.Lost, 0.3)
	near("doubled", k.Doubled, 0.3*0.7)
	if k.Sent != n-k.Lost+k.Doubled || k.Accepted != k.Sent || len(h.all()) != k.Sent || k.Events != n {
		t.Errorf("counts do not add up: %+v, got %d", k, len(h.all()))
	}
	late, seen := 0, map[any]bool{}
	for _, got := range h.all() {
		end, err := time.Parse(time.RFC3339, fmt.Sprint(got.body["end_time"]))
		if err != nil {
			t.Fatal(err)
		}
		if id := got.body["id"]; !seen[id] && got.at.Sub(end) >= time.Hour {
			late++
		}
		seen[got.body["id"]] = true
	}
	near("late", late, 0.2*0.7)
}

func TestSubscriptionsAreMatchedByEventAndAgent(t *testing.T) {
	t.Parallel()
	for _, off := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := &hooks{}
			_, c := inBubble(t, Config{Profile: quiet(func(p *Profile) { p.API.UnscopedOff = off }), Client: h.client()})
			c.subscribe(EventResponse, DefaultAgentID)
			c.subscribe(EventResponse, "hK7mN2pQ")
			c.subscribe(EventResponse, "")
			c.subscribe(EventTransfer, DefaultAgentID)
			c.call(c.contact(phone1), "a")
			time.Sleep(time.Hour)
			var got []string
			for _, k := range h.all() {
				got = append(got, k.path)
			}
			slices.Sort(got)
			want := []string{"/NEW_RESPONSE/", "/NEW_RESPONSE/" + DefaultAgentID}
			if off {
				want = want[1:]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("unscoped off %v:\n%s", off, diff)
			}
		})
	}
}

func TestBeforeReplyWebhooksAreThereFirst(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[Outcome][]string{
		Completed: {"/NEW_RESPONSE NOT_STARTED"},
		Busy:      {"/NEW_RESPONSE NOT_STARTED", "/NEW_RESPONSE BUSY"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := &hooks{}
			p := quiet(always(outcome), func(p *Profile) { p.Webhooks.BeforeReply, p.Webhooks.Delay = 1, Span{60, 60} })
			_, c := inBubble(t, Config{Profile: p, Client: h.client()})
			c.subscribe(EventResponse, DefaultAgentID)
			c.call(c.contact(phone1), "a")
			if diff := cmp.Diff(want, h.paths()); diff != "" {
				t.Errorf("%s: when the reply was there:\n%s", outcome, diff)
			}
		})
	}
}

func TestOnly429IsRetriedAndOnlyOnce(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]struct {
		answer func(n int) (int, string)
		posts  int
		after  time.Duration
	}{
		"429 with seconds":   {func(int) (int, string) { return 429, "90" }, 2, 90 * time.Second},
		"429 without":        {func(int) (int, string) { return 429, "" }, 2, time.Second},
		"429 then 200":       {func(n int) (int, string) { return []int{429, 200}[n-1], "7" }, 2, 7 * time.Second},
		"500":                {func(int) (int, string) { return 500, "1" }, 1, 0},
		"400":                {func(int) (int, string) { return 400, "" }, 1, 0},
		"redirect":           {func(int) (int, string) { return http.StatusFound, "" }, 1, 0},
		"200 the first time": {func(int) (int, string) { return 200, "" }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &hooks{answer: k.answer}
				s, c := inBubble(t, Config{Profile: quiet(), Client: h.client()})
				c.subscribe(EventResponse, DefaultAgentID)
				c.call(c.contact(phone1), "a")
				time.Sleep(time.Hour)
				got := h.all()
				if len(got) != k.posts || s.Hooks().Retried != k.posts-1 {
					t.Fatalf("%d posts, want %d; %+v", len(got), k.posts, s.Hooks())
				}
				if k.posts == 2 && (got[1].at.Sub(got[0].at) != k.after || got[0].raw != got[1].raw) {
					t.Errorf("came back after %s, want %s, with the same body", got[1].at.Sub(got[0].at), k.after)
				}
			})
		})
	}
}

func TestAReceiverThatIsAwayLosesTheEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := InMemory(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		s, c := inBubble(t, Config{Profile: quiet(), Client: &http.Client{Transport: away}})
		c.subscribe(EventResponse, DefaultAgentID)
		c.call(c.contact(phone1), "a")
		time.Sleep(time.Hour)
		if diff := cmp.Diff(HookCounts{Events: 1, Sent: 1, Failed: 1}, s.Hooks()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInboundCallsRaiseEventsButDoNotRing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hooks{}
		s, c := inBubble(t, Config{Profile: quiet(func(p *Profile) { p.Records.Shape = ShapeDocumented }), Client: h.client()})
		c.subscribe(EventResponse, DefaultAgentID)
		if !s.Inbound(DefaultTeamID, DefaultAgentID, phone2) || s.Inbound("x", DefaultAgentID, phone2) {
			t.Error("Inbound")
		}
		time.Sleep(time.Minute)
		got := h.all()
		if len(got) != 1 || got[0].body["call"].(map[string]any)["direction"] != "inbound" || len(s.Rings()) != 0 || s.OpenCalls() != 0 {
			t.Errorf("%v, %d rings", got, len(s.Rings()))
		}
	})
}

func TestSpeedShortensTheWorldButNotWhatItReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hooks{}
		p := quiet(func(p *Profile) {
			p.People.Ring, p.People.Talk, p.Webhooks.Delay = Span{10, 10}, Span{100, 100}, Span{10, 10}
		})
		s, c := inBubble(t, Config{Profile: p, Client: h.client(), Speed: 100})
		c.subscribe(EventResponse, DefaultAgentID)
		start := time.Now()
		c.call(c.contact(phone1), "a")
		if s.OpenCalls() != 1 {
			t.Errorf("%d calls open", s.OpenCalls())
		}
		time.Sleep(time.Minute)
		got := h.all()
		if len(got) != 1 || got[0].at.Sub(start) != 1200*time.Millisecond || got[0].body["duration_ms"] != "100000" || s.OpenCalls() != 0 {
			t.Errorf("%+v, want one after 1.2 s that reports 100 s", got)
		}
	})
}
