package simulator

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A working day of a small campaign in virtual time, over real HTTP in memory.
func TestADayInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hooks{}
		s := New(Config{Seed: 1, Client: h.client()})
		c := newCaller(t, &http.Client{Transport: &http.Transport{DialContext: s.Dialer(), DisableKeepAlives: true}}, "http://fake.example")
		c.subscribe(EventResponse, DefaultAgentID)
		start := time.Now()
		for i := range 480 { // one a minute
			c.call(c.contact(fmt.Sprintf("+1212555%04d", i)), fmt.Sprint(i))
			time.Sleep(time.Minute)
		}
		time.Sleep(time.Hour)
		if d := time.Since(start); d < 9*time.Hour || d > 9*time.Hour+5*time.Minute {
			t.Errorf("the day lasted %s", d)
		}
		sum := s.Summary("attempt")
		if sum.Rings != 480 || *sum.Twice != 0 || sum.Throttled != 0 || sum.OpenCalls != 0 || sum.Peak > 5 || sum.Webhooks.Accepted != 480 {
			t.Errorf("%+v", sum)
		}
		s.Close()
	})
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a bubble fails when a goroutine or timer is left waiting
		h := &hooks{}
		s, c := inBubble(t, Config{Profile: quiet(), Client: h.client()})
		c.subscribe(EventResponse, DefaultAgentID)
		id := c.contact(phone1)
		c.call(id, "a")
		if err := s.Inject(Fault{Kind: "hang_after", Next: 2}, Fault{Kind: "slow_before", Next: 1, Delay: 1e6}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if a, err := c.try(context.Background(), "GET", "/user", ""); err == nil {
					t.Errorf("answered %d", a.status)
				}
			})
		}
		synctest.Wait()
		s.Close()
		s.Close()
		wg.Wait()
		time.Sleep(time.Hour)
		if n := len(h.all()); n != 0 {
			t.Errorf("%d webhooks after Close", n)
		}
	})
}

func TestStartServesUntilClose(t *testing.T) {
	t.Parallel()
	s := New(Config{Profile: quiet()})
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c := newCaller(t, hc, url)
	c.want(200, "GET", "/user", "")
	if _, err := New(Config{}).Start("256.0.0.1:0"); err == nil {
		t.Error("listened on nonsense")
	}
	s.Close()
	if a, err := c.try(t.Context(), "GET", "/user", ""); err == nil {
		t.Errorf("answered %d after Close", a.status)
	}
	if _, err := s.Start("127.0.0.1:0"); err == nil {
		t.Error("started after Close")
	}
}

func TestWebhooksReachAListeningSubscriber(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	sink := httptest.NewServer(h)
	defer sink.Close()
	_, c := overTCP(t, Config{Profile: Calm(), Speed: 10000})
	c.want(200, "POST", "/webhooks/subscribe", `{"type":"NEW_RESPONSE","url":"`+sink.URL+`/x"}`)
	c.call(c.contact(phone1), "a")
	eventually(t, "the webhook", func() bool { return len(h.all()) == 1 })
}

func TestOffsetMovesTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tuesday := time.Date(2026, 11, 24, 16, 55, 0, 0, time.UTC)
		s, c := inBubble(t, Config{Profile: quiet(), Offset: time.Until(tuesday)})
		c.call(c.contact(phone1), "a")
		if at := s.Rings()[0].At; !at.Equal(tuesday) {
			t.Errorf("rang at %s", at)
		}
	})
}

func TestTransportTellsTheTraceThatTheRequestWasWritten(t *testing.T) {
	t.Parallel()
	_, c := inBubble(t, Config{Profile: quiet()})
	wrote := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { wrote = true }})
	if _, err := c.try(ctx, "GET", "/user", ""); err != nil || !wrote {
		t.Errorf("wrote %v, %v", wrote, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.try(gone, "GET", "/user", ""); err == nil {
		t.Error("a cancelled request was sent")
	}
}

func TestRingsAfterAnOptOutAreCounted(t *testing.T) {
	t.Parallel()
	for _, suppress := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, c := inBubble(t, Config{Profile: quiet(always(OptOut), func(p *Profile) { p.People.SuppressAfterOptOut = suppress })})
			id := c.contact(phone1)
			c.call(id, "a")
			time.Sleep(time.Hour)
			c.call(id, "b")
			time.Sleep(time.Hour)
			if got := s.Summary("").AfterOptOut; (got == 1) == suppress {
				t.Errorf("suppressing %v: %d", suppress, got)
			}
		})
	}
}
