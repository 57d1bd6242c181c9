package thoughtly

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fixed is a limiter whose shared clock is ahead of ours by skew.
type fixed struct {
	ledger
	skew time.Duration
}

func (f *fixed) Take(ctx context.Context, class string) (Slot, error) {
	s, err := f.ledger.Take(ctx, class)
	s.At = s.At.Add(f.skew)
	return s, err
}

// inProcess is an API without a network: every request is handed to serve.
type inProcess struct {
	serve http.HandlerFunc
	delay time.Duration
}

func (i inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(i.delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	i.serve(w, r)
	return w.Result(), nil
}

func virtual(transport http.RoundTripper) (*Client, *fixed) {
	f := &fixed{}
	return &Client{BaseURL: "http://thoughtly.test", Token: "t", Limiter: f, Now: time.Now, Transport: transport}, f
}

var someCall = CallRequest{ContactID: "c", AgentID: "a"}

func TestAPermitIsReleasedOnce(t *testing.T) {
	t.Parallel()
	c, f := virtual(inProcess{serve: says(200, `{}`)})
	p := acquire(t, c)
	var all sync.WaitGroup
	for range 20 {
		all.Go(p.Release)
	}
	all.Wait()
	if _, err := p.Call(t.Context(), someCall, p.Now().Add(time.Minute)); failure(t, err).Kind != KindNotSent {
		t.Errorf("a call on a released permit: %v", err)
	}
	if _, replies := f.account(); !cmp.Equal(replies, []Reply{{}}) {
		t.Errorf("slots %+v", replies)
	}
}

func TestAPermitSendsOneCall(t *testing.T) {
	t.Parallel()
	a := newAPI(t, says(200, `{"data":{"id":"r"}}`))
	c, l := newClient(t, a.URL)
	p := acquire(t, c)
	var all sync.WaitGroup
	var mu sync.Mutex
	calls := 0
	for range 20 {
		all.Go(func() {
			_, err := p.Call(t.Context(), someCall, p.Now().Add(time.Minute))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				calls++
			} else if e, _ := errors.AsType[*Error](err); e.Kind != KindNotSent || e.MayHaveRung() {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	p.Release()
	if _, replies := l.account(); calls != 1 || len(a.requests()) != 1 || !cmp.Equal(replies, []Reply{{Sent: true, Answered: true}}) {
		t.Errorf("%d calls, %d requests, slots %+v", calls, len(a.requests()), replies)
	}
}

func TestASlotWithoutDoneIsNoPanic(t *testing.T) {
	t.Parallel()
	p := &Permit{c: &Client{}}
	p.Release()
}

func TestTheDeadlineIsOnTheSharedClock(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, 90 * time.Second, -90 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c, f := virtual(inProcess{serve: says(200, `{}`), delay: time.Hour})
			f.skew = skew
			p := acquire(t, c)
			if p.Skew() != -skew || !p.At().Equal(time.Now().Add(skew)) {
				t.Errorf("skew %s, at %s", p.Skew(), p.At())
			}
			time.Sleep(2 * time.Second)
			if got := p.Now().Sub(p.At()); got != 2*time.Second {
				t.Errorf("the shared clock went %s in 2 s", got)
			}
			begun := time.Now()
			_, err := p.Call(t.Context(), someCall, p.At().Add(5*time.Second))
			if took := time.Since(begun); took != 3*time.Second || !errors.Is(err, context.DeadlineExceeded) || !failure(t, err).MayHaveRung() {
				t.Errorf("skew %s: ended after %s with %v", skew, took, err)
			}
		})
	}
}

func TestNothingIsSentOnAPermitWhoseTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		served := 0
		c, f := virtual(inProcess{serve: func(http.ResponseWriter, *http.Request) { served++ }})
		for name, call := range map[string]func(p *Permit) error{
			"deadline passed": func(p *Permit) error {
				_, err := p.Call(t.Context(), someCall, p.Now())
				return err
			},
			"no deadline": func(p *Permit) error {
				_, err := p.Call(t.Context(), someCall, time.Time{})
				return err
			},
			"the permit is too old": func(p *Permit) error {
				time.Sleep(DefaultTimeout)
				_, err := p.Call(t.Context(), someCall, p.Now().Add(time.Hour))
				return err
			},
			"the caller has given up": func(p *Permit) error {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				_, err := p.Call(ctx, someCall, p.Now().Add(time.Hour))
				return err
			},
		} {
			e := failure(t, call(acquire(t, c)))
			if again, _ := e.Retry(); e.Kind != KindNotSent || e.Sent || e.MayHaveRung() || !again || e.Fault() != FaultOurs && name != "the caller has given up" {
				t.Errorf("%s: got %v, retry %t, fault %s", name, e, again, e.Fault())
			}
		}
		if _, replies := f.account(); served != 0 || !cmp.Equal(replies, []Reply{{}, {}, {}, {}}) {
			t.Errorf("%d requests sent, slots %+v", served, replies)
		}
	})
}

// The limiter counts on it that a request is over one timeout after its slot opened, whenever it was used.
func TestARequestEndsWithinTheLifeOfItsPermit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := virtual(inProcess{delay: time.Hour})
		p := acquire(t, c)
		begun := time.Now()
		time.Sleep(10 * time.Second)
		_, err := p.Call(t.Context(), someCall, p.Now().Add(time.Hour))
		if took := time.Since(begun); took != DefaultTimeout || failure(t, err).Kind != KindAmbiguous {
			t.Errorf("ended %s after the slot opened: %v", took, err)
		}
	})
}

func TestTheWallClockCountsWhileTheMonotonicStandsStill(t *testing.T) {
	t.Parallel()
	w := &watch{t: time.Now()}
	c := &Client{BaseURL: "http://thoughtly.test", Token: "t", Limiter: &ledger{}, Now: w.now, Transport: inProcess{serve: says(200, `{}`)}}
	p := acquire(t, c)
	w.sleep(8 * time.Hour)
	if got := p.Now().Sub(p.At()); got != 8*time.Hour {
		t.Errorf("the permit thinks %s have passed", got)
	}
	_, err := p.Call(t.Context(), someCall, p.At().Add(time.Hour))
	if failure(t, err).Kind != KindNotSent {
		t.Errorf("got %v", err)
	}
}

func TestAForeignTransportIsBelievedOnlyWhenItCouldNotDial(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		kind Kind
	}{
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, KindNotSent},
		{&net.DNSError{Err: "no such host"}, KindNotSent},
		{&net.OpError{Op: "write", Err: errors.New("broken pipe")}, KindAmbiguous},
		{io.EOF, KindAmbiguous},
		{errors.New("anything"), KindAmbiguous},
	} {
		c, f := virtual(failing{tt.err})
		p := acquire(t, c)
		_, err := p.Call(t.Context(), someCall, p.Now().Add(time.Minute))
		e := failure(t, err)
		_, replies := f.account()
		if e.Kind != tt.kind || e.MayHaveRung() != (tt.kind == KindAmbiguous) || !cmp.Equal(replies, []Reply{{Sent: tt.kind == KindAmbiguous}}) {
			t.Errorf("%v: got %v, slots %+v", tt.err, err, replies)
		}
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestAPanicBelowLeavesTheSlotSettledAsSent(t *testing.T) {
	t.Parallel()
	c, f := virtual(inProcess{serve: func(http.ResponseWriter, *http.Request) { panic("boom") }})
	func() {
		defer func() { _ = recover() }()
		_, _ = c.GetUser(t.Context())
	}()
	if _, replies := f.account(); !cmp.Equal(replies, []Reply{{Sent: true}}) {
		t.Errorf("slots %+v", replies)
	}
}

func TestADayOfCallsRunsInVirtualTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		served := 0
		c := &Client{BaseURL: "http://thoughtly.test", Token: "t", Now: time.Now, Limiter: NewLocalLimiter(100, time.Minute, time.Now)}
		c.Transport = inProcess{delay: 80 * time.Millisecond, serve: func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if !strings.Contains(string(body), `"contact_id":"c"`) {
				t.Errorf("body %s", body)
			}
			served++
			says(200, `{"data":{"call_id":"r"}}`)(w, r)
		}}
		begun := time.Now()
		for time.Since(begun) < 24*time.Hour {
			p := acquire(t, c)
			if _, err := p.Call(t.Context(), someCall, p.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if served < 1400 {
			t.Errorf("%d calls in a day", served)
		}
	})
}
