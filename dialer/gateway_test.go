package dialer

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// gatewayPage is what a proxy answers by itself.
const gatewayPage = "<html><head><title>Not Found</title></head><body><h1>Not Found</h1></body></html>"

// gateway stands before the API and answers requests of one path itself while it is shut.
type gateway struct {
	http.RoundTripper
	path   string
	status int
	body   string
	shut   atomic.Bool
	tries  atomic.Int64 // requests that it has answered
}

func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	if !g.shut.Load() || r.URL.Path != g.path {
		return g.RoundTripper.RoundTrip(r)
	}
	g.tries.Add(1)
	return &http.Response{
		Status: http.StatusText(g.status), StatusCode: g.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Location": {"https://elsewhere.example.com/"}}, Body: io.NopCloser(strings.NewReader(g.body)),
	}, nil
}

// behind starts a daemon behind the gateway, which is shut.
func (f *fleet) behind(g *gateway) {
	f.t.Helper()
	g.RoundTripper = f.sim.Transport()
	g.shut.Store(true)
	f.addOn(f.redis.Client(f.t), g)
	f.subscribe()
}

// A gateway that answers for the API says nothing about the contacts that were to be made: they are made once it is open again. What the
// API itself says no to is held at once.
func TestAGatewaysRefusalOfContactsHoldsNobody(t *testing.T) {
	t.Parallel()
	const said = `{"data":null,"error":{"message":"no good"}}`
	for _, tt := range []struct {
		status int
		body   string
		end    fate
	}{
		{404, gatewayPage, done},
		{405, gatewayPage, done},
		{308, "", done},
		{400, gatewayPage, done},
		{415, said, done},
		{404, said, done}, // it is the address that is not there
		{400, said, rejected},
		{422, said, rejected},
	} {
		synctest.Test(t, func(t *testing.T) {
			const n = 6
			f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
			f.warm()
			c := always("spring")
			f.load(c, n)
			g := &gateway{path: "/contact/create", status: tt.status, body: tt.body}
			f.behind(g)
			time.Sleep(30 * time.Second)
			g.shut.Store(false)
			tries := g.tries.Load()
			if tries != n {
				t.Errorf("%d %q: %d tries in half a minute, want one of each", tt.status, tt.body, tries)
			}
			for i := range n {
				if l := f.lead(c, i); l.Reason != campaign.ReasonInvalidContact || l.Note == "" || (l.State == campaign.LeadHeld) != (tt.end == rejected) {
					t.Errorf("%d %q: lead %d is %s (%s): %q", tt.status, tt.body, i, l.State, l.Reason, l.Note)
				}
			}
			time.Sleep(5 * time.Minute)
			f.close()
			synctest.Wait()
			f.fates(c, n, tt.end)
			f.once()
			f.consistent(c)
		})
	}
}

// A gateway's refusal of calls spends no attempt and holds nobody, however many leads it meets: they are called once it is open again.
func TestAGatewaysRefusalOfCallsHoldsNobody(t *testing.T) {
	t.Parallel()
	const said = `{"data":null,"error":{"message":"no good"}}`
	for _, tt := range []struct {
		status int
		body   string
	}{{404, gatewayPage}, {405, gatewayPage}, {308, ""}, {400, gatewayPage}, {415, said}} {
		synctest.Test(t, func(t *testing.T) {
			const n = 6
			f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
			f.warm()
			c := always("spring")
			f.load(c, n)
			g := &gateway{path: "/contact/call", status: tt.status, body: tt.body}
			f.behind(g)
			time.Sleep(50 * time.Second)
			if tries := g.tries.Load(); tries != n {
				t.Errorf("%d %q: %d calls in 50 seconds, want one of each", tt.status, tt.body, tries)
			}
			for i := range n {
				l := f.lead(c, i)
				if l.State != campaign.LeadWaiting || l.Reason != campaign.ReasonInvalidContact || l.Note == "" || l.Spent() != 0 || l.Restaged {
					t.Errorf("%d %q: lead %d is %s (%s): %q, %d attempts spent", tt.status, tt.body, i, l.State, l.Reason, l.Note, l.Spent())
				}
			}
			g.shut.Store(false)
			time.Sleep(5 * time.Minute)
			f.close()
			synctest.Wait()
			f.fates(c, n, done)
			f.once()
			f.consistent(c)
		})
	}
}

// A lead whose calls alone are refused so is held in the end, with what was said.
func TestALeadWhoseCallsAloneAreRefusedIsHeldInTheEnd(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), calm(), simulator.Config{Seed: 1, Profile: answers()})
		f.warm()
		c := always("spring")
		f.load(c, 1)
		g := &gateway{path: "/contact/call", status: 404, body: gatewayPage}
		f.behind(g)
		time.Sleep(150 * time.Minute)
		f.close()
		synctest.Wait()
		l := f.lead(c, 0)
		if l.State != campaign.LeadHeld || l.Reason != campaign.ReasonInvalidContact || !strings.Contains(l.Note, "status 404") || l.Spent() != 0 {
			t.Errorf("the lead is %s (%s): %q, %d attempts spent", l.State, l.Reason, l.Note, l.Spent())
		}
		if tries := g.tries.Load(); tries != 12 {
			t.Errorf("%d tries, want 12", tries)
		}
		f.consistent(c)
	})
}

// A lead that the API itself says no to is called once: what the agents have to say about it comes before a second call.
func TestALeadThatTheAPIRefusesIsCalledOnce(t *testing.T) {
	t.Parallel()
	for body, status := range map[string]int{`{"data":null,"error":{"message":"no good"}}`: 400, `{"error":"no good"}`: 422, "no good": 400} {
		synctest.Test(t, func(t *testing.T) {
			const n = 6
			f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
			f.warm()
			c := always("spring")
			f.load(c, n)
			g := &gateway{path: "/contact/call", status: status, body: body}
			f.behind(g)
			time.Sleep(2 * time.Minute)
			f.close()
			synctest.Wait()
			f.fates(c, n, rejected)
			if tries := g.tries.Load(); tries != n {
				t.Errorf("%d: %d leads were called %d times", status, n, tries)
			}
			for i := range n {
				if l := f.lead(c, i); !strings.Contains(l.Note, "no good") {
					t.Errorf("%d: lead %d is held with %q", status, i, l.Note)
				}
			}
			f.consistent(c)
		})
	}
}

// An agent that is archived while its calls go on is found out before anybody is held for it.
func TestAnAgentArchivedBetweenCallsHoldsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 10
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		f.heard.expect = "campaign is not called"
		f.warm()
		c := always("spring")
		h := f.add()
		f.subscribe()
		f.load(c, n)
		for len(f.sim.Rings()) == 0 {
			time.Sleep(time.Second)
		}
		// So short a time before that nobody asks again at the first refusals.
		fresh := store.Roster{At: time.Now(), Status: map[string]string{simulator.DefaultAgentID: simulator.AgentActive}}
		if err := f.store.PutRoster(t.Context(), teamName, fresh); err != nil {
			t.Fatal(err)
		}
		f.sim.SetAgentStatus(simulator.DefaultAgentID, simulator.AgentArchived)
		time.Sleep(10 * time.Second)
		waiting := 0
		for i := range n {
			if suspected(f.lead(c, i)) {
				waiting++
			}
		}
		if waiting == 0 {
			t.Error("nobody was refused: the test tests nothing")
		}
		time.Sleep(time.Minute)
		for i := range n {
			l := f.lead(c, i)
			if l.State == campaign.LeadHeld {
				t.Errorf("lead %d is held (%s): %q", i, l.Reason, l.Note)
			}
		}
		f.sim.SetAgentStatus(simulator.DefaultAgentID, simulator.AgentActive)
		if err := h.dialer.Agents(t.Context(), h.dialer.Teams[teamName]); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Minute)
		f.close()
		synctest.Wait()
		f.fates(c, n, done)
		f.once()
		f.consistent(c)
	})
}
