package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every kind of fault: does the phone ring, and what does the client see? Over TCP, because half of them are about connections.
func TestFaults(t *testing.T) {
	t.Parallel()
	seen := func(a answerOf, err error) string {
		switch {
		case errors.Is(err, syscall.ECONNRESET):
			return "reset"
		case errors.Is(err, context.Canceled):
			return "given up"
		case errors.Is(err, io.ErrUnexpectedEOF):
			return "cut"
		case err != nil:
			return err.Error()
		case a.failed():
			return fmt.Sprint(a.status, " error")
		case a.data != nil:
			return fmt.Sprint(a.status, " data")
		case len(a.text) > hugeReply:
			return "huge"
		default:
			return fmt.Sprint(a.status, " ", strings.TrimSpace(a.text))
		}
	}
	cases := map[string]string{
		"400": "400 error", "401": "401 error", "403": "403 error", "404": "404 error", "409": "409 error", "422": "422 error", "429": "429 error",
		"408_before": "408 error", "408_after": "408 error", "500_before": "500 error", "500_after": "500 error",
		"503_before": "503 error", "503_after": "503 error",
		"502_before": "502 <html><body><h1>502 Bad Gateway</h1></body></html>", "502_after": "502 <html><body><h1>502 Bad Gateway</h1></body></html>",
		"200_error_before": "200 error", "200_error_after": "200 error", "307_before": "307 error", "307_after": "307 error",
		"empty_before": "200 ", "empty_after": "200 ", "junk_before": "200 OK", "junk_after": "200 OK", "huge_before": "huge", "huge_after": "huge",
		"hang_before": "given up", "hang_after": "given up", "reset_before": "reset", "reset_after": "reset",
		"cut_before": "cut", "cut_after": "cut", "slow_before": "200 data", "slow_after": "200 data",
	}
	for _, status := range []string{"400", "401", "403", "404", "409", "422", "429"} {
		cases[status+"_after"] = cases[status]
	}
	var kindsTested []string
	for _, kind := range FaultKinds() {
		if _, is := cases[kind]; !is {
			t.Errorf("%s has no case", kind)
		}
		kindsTested = append(kindsTested, kind)
	}
	if len(kindsTested) != len(cases) {
		t.Errorf("%d kinds, %d cases", len(kindsTested), len(cases))
	}
	for kind, want := range cases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, c := overTCP(t, Config{Profile: quiet()})
			id := c.contact(phone1)
			if err := s.Inject(Fault{Op: OpCall, Kind: kind, Next: 1, Delay: 0.01}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if strings.HasPrefix(kind, "hang") { // give up once the server has the request, and has rung when it should
				rung := len(s.Rings()) + strings.Count(kind, "_after")
				go func() {
					eventually(t, "the request that hangs", func() bool { return len(s.Requests()) == 2 && len(s.Rings()) == rung })
					cancel()
				}()
			}
			if got := seen(c.try(ctx, "POST", "/contact/call", callBody(id, "a1"))); got != want {
				t.Errorf("the client saw %.80q, want %q", got, want)
			}
			rings := RingsByAttempt(s.Rings(), "attempt")["a1"]
			wantRings := 0
			if strings.HasSuffix(kind, "_after") || kind == "slow_before" {
				wantRings = 1
			}
			if rings != wantRings {
				t.Errorf("%d rings, want %d", rings, wantRings)
			}
			if wantRings == 1 && s.Rings()[0].Fault != kind {
				t.Errorf("the ring says fault %q", s.Rings()[0].Fault)
			}
			log := s.Requests()[1]
			if log.Fault != kind || log.Op != OpCall || log.Phone != phone1 {
				t.Errorf("log %+v", log)
			}
			if log.Status == 0 != (want == "given up" || want == "reset") {
				t.Errorf("log says status %d", log.Status)
			}
			c.call(id, "a2") // it was the next request only
		})
	}
}

func TestInMemoryAResetIsAReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, Config{Profile: quiet()})
		id := c.contact(phone1)
		if err := s.Inject(Fault{Kind: "reset_after", Next: 1}, Fault{Kind: "cut_after", Next: 1}, Fault{Kind: "hang_after", Next: 1}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []error{syscall.ECONNRESET, io.ErrUnexpectedEOF, context.DeadlineExceeded} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if a, err := c.try(ctx, "POST", "/contact/call", callBody(id, "a")); !errors.Is(err, want) {
				t.Errorf("%d %v, want %v", a.status, err, want)
			}
			cancel()
		}
		if n := len(s.Rings()); n != 3 {
			t.Errorf("%d rings", n)
		}
	})
}

func TestAReadRequestIsNotUnsentByHangingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, Config{Profile: quiet()})
		id := c.contact(phone1)
		if err := s.Inject(Fault{Op: OpCall, Kind: "slow_before", Next: 1, Delay: 20}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		if _, err := c.try(ctx, "POST", "/contact/call", callBody(id, "a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if n := len(s.Rings()); n != 0 {
			t.Fatalf("%d rings", n)
		}
		time.Sleep(6 * time.Second)
		if n := len(s.Rings()); n != 1 {
			t.Errorf("%d rings once the server got to it, want 1", n)
		}
	})
}

func TestAStormHitsAllUntilItIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, Config{Profile: quiet()})
		if err := s.Inject(Fault{Kind: "429", For: 30, RetryAfter: 5}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if a := c.want(429, "GET", "/user", ""); a.header.Get("Retry-After") != "5" {
				t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
			}
			time.Sleep(10 * time.Second)
		}
		c.want(200, "GET", "/user", "")
	})
}

func TestFaultsAreAimedAtOperationsAndPhones(t *testing.T) {
	t.Parallel()
	s, c := overTCP(t, Config{Profile: quiet()})
	one, two := c.contact(phone1), c.contact(phone2)
	if err := s.Inject(Fault{Op: OpCall, Kind: "500_before", Share: 1, Phones: []string{phone2}}, Fault{Op: OpUser, Kind: "403", Next: 2}); err != nil {
		t.Fatal(err)
	}
	c.call(one, "a")
	c.want(500, "POST", "/contact/call", callBody(two, "b"))
	c.want(403, "GET", "/user", "")
	c.want(403, "GET", "/user", "")
	c.want(200, "GET", "/user", "")
	s.ClearFaults()
	c.call(two, "b")
	for _, bad := range []Fault{{Kind: "500", Next: 1}, {Kind: "429"}, {Kind: "429", Next: 1, For: 1}, {Kind: "429", Share: 2}, {Op: "dial", Kind: "429", Next: 1}} {
		if s.Inject(bad) == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}

func TestSharesOfFaultsAreBySeedAndPhone(t *testing.T) {
	t.Parallel()
	hit := func(seed uint64, backwards bool) map[string]int {
		out := map[string]int{}
		synctest.Test(t, func(t *testing.T) {
			p := quiet(func(p *Profile) {
				p.Faults = []Fault{{Op: OpCall, Kind: "500_before", Share: 0.1}, {Op: OpCall, Kind: "500_after", Share: 0.2}}
			})
			s, c := inBubble(t, Config{Seed: seed, Profile: p, Limit: Limit{NoFixed: true, NoSliding: true}})
			for i := range 400 {
				if backwards {
					i = 399 - i
				}
				id := c.contact(fmt.Sprintf("+1212555%04d", i))
				out[fmt.Sprint(i)] = c.do("POST", "/contact/call", callBody(id, "a")).status
			}
			sum := s.Summary("")
			if b, a := sum.Faults["500_before"], sum.Faults["500_after"]; b < 20 || b > 60 || a < 55 || a > 105 || sum.Rings != 400-b {
				t.Errorf("%d before, %d after, %d rings", b, a, sum.Rings)
			}
		})
		return out
	}
	forth := hit(4, false)
	if diff := cmp.Diff(forth, hit(4, true)); diff != "" {
		t.Errorf("the order of requests changed who was hit:\n%s", diff)
	}
	if cmp.Diff(forth, hit(5, false)) == "" {
		t.Error("another seed hits the same")
	}
}

func TestARefusedRequestHidesNothing(t *testing.T) {
	t.Parallel()
	s, c := overTCP(t, Config{Profile: quiet()})
	if err := s.Inject(Fault{Op: OpCall, Kind: "hang_after", Share: 1}); err != nil {
		t.Fatal(err)
	}
	c.want(404, "POST", "/contact/call", callBody("nobody", "a"))
}

func TestLatency(t *testing.T) {
	t.Parallel()
	l := Latency{Base: 0.1, Mean: 0.05, TailShare: 0.1, Tail: 2}
	d, sum, tails := roll(1), time.Duration(0), 0
	const n = 10000
	for range n {
		v := l.draw(d)
		if v < 100*time.Millisecond {
			t.Fatalf("%s is under the base", v)
		}
		if v > time.Second {
			tails++
		}
		sum += v
	}
	if mean := sum / n; mean < 230*time.Millisecond || mean > 270*time.Millisecond { // 0.1 + 0.05 + 0.1 × 1
		t.Errorf("mean %s", mean)
	}
	if tails < 300 || tails > 700 {
		t.Errorf("%d tails", tails)
	}
	synctest.Test(t, func(t *testing.T) {
		for before, arrived := range map[float64]time.Duration{0: 0, 1: 2 * time.Second, 0.25: 500 * time.Millisecond} {
			start := time.Now()
			s, c := inBubble(t, Config{Profile: quiet(func(p *Profile) { p.API.Latency = Latency{Base: 2, Before: before} })})
			c.want(200, "GET", "/user", "")
			if at := s.Requests()[0].At.Sub(start); at != arrived || time.Since(start) != 2*time.Second {
				t.Errorf("before %v: arrived after %s, answered after %s", before, at, time.Since(start))
			}
		}
		s, c := inBubble(t, Config{Profile: quiet(func(p *Profile) { p.API.Latency = Latency{Base: 2, Before: 1} })})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.try(ctx, "GET", "/user", ""); err == nil {
			t.Error("answered in time")
		}
		time.Sleep(time.Minute)
		if n := len(s.Requests()); n != 0 {
			t.Errorf("%d requests arrived that were cut on the way", n)
		}
	})
}

func TestRepliesOvertakeEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, Config{Profile: quiet()})
		if err := s.Inject(Fault{Kind: "slow_after", Next: 1, Delay: 5}); err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 2)
		for _, name := range []string{"first", "second"} {
			go func() {
				_, _ = c.try(context.Background(), "GET", "/user", "")
				done <- name
			}()
			synctest.Wait()
		}
		if got := <-done + " " + <-done; got != "second first" {
			t.Errorf("replies came %s", got)
		}
	})
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	_, c := overTCP(t, Config{Profile: quiet()})
	if a := c.do("POST", "/contact/create", `{"phone_number":"`+strings.Repeat("1", maxBody)+`"}`); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", a.status)
	}
}
