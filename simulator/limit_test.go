package simulator

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	at := func(seconds ...float64) []float64 { return seconds }
	for name, k := range map[string]struct {
		limit Limit
		at    []float64 // seconds since a full minute
		let   []bool
	}{
		"fixed windows forget at their border": {
			Limit{Requests: 2, NoSliding: true}, at(58, 59, 59.5, 60, 61, 62), []bool{true, true, false, true, true, false},
		},
		"their phase can be shifted": {
			Limit{Requests: 2, NoSliding: true, Phase: 59 * time.Second}, at(57, 58, 59, 60, 61), []bool{true, true, true, true, false},
		},
		"sliding windows have no border": {
			Limit{Requests: 2, NoFixed: true}, at(58, 59, 60, 61), []bool{true, true, false, false},
		},
		"exactly per apart is apart": {
			Limit{Requests: 2, NoFixed: true}, at(0, 1, 60, 61), []bool{true, true, true, true},
		},
		"what is refused is counted": {
			Limit{Requests: 2, NoFixed: true}, at(0, 1, 30, 61, 90.5), []bool{true, true, false, true, true},
		},
		"hammering keeps the door shut": {
			Limit{Requests: 2, NoFixed: true}, at(0, 1, 40, 59, 61, 80, 100), []bool{true, true, false, false, false, false, false},
		},
		"unless it is forgiven": {
			Limit{Requests: 2, NoFixed: true, ForgivingOver: true}, at(0, 1, 40, 59, 61, 62, 80), []bool{true, true, false, false, true, true, false},
		},
		"both by default": {
			Limit{Requests: 2}, at(58, 59, 60, 119, 119.5, 181, 181.5, 182), []bool{true, true, false, true, false, true, true, false},
		},
		"none": {Limit{Requests: 1, NoFixed: true, NoSliding: true}, at(1, 1, 1), []bool{true, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m limiter
			var got []bool
			for _, s := range k.at {
				wait := m.arrive(k.limit.withDefaults(), time.Unix(1_800_000_000, 0).Add(Seconds(s).Duration()))
				got = append(got, wait == 0)
			}
			if diff := cmp.Diff(k.let, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLimiterSaysHowLongToWait(t *testing.T) {
	t.Parallel()
	var m limiter
	l := Limit{Requests: 1}.withDefaults()
	start := time.Unix(1_800_000_000, 0) // a full minute
	if w := m.arrive(l, start.Add(10*time.Second)); w != 0 {
		t.Fatalf("first: %s", w)
	}
	if w := m.arrive(l, start.Add(15*time.Second)); w != 55*time.Second {
		t.Errorf("second: wait %s, want the sliding window's 55 s", w)
	}
}

func TestEveryAuthenticatedRequestCountsForItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, Config{
			Profile: quiet(), Limit: Limit{Requests: 5, RetryAfter: true},
			Teams: []Team{{ID: DefaultTeamID, Token: DefaultToken}, {ID: "t2", Token: "k2"}},
		})
		token := c.head.Get("x-api-token")
		c.head.Set("x-api-token", "wrong")
		for range 10 {
			c.want(401, "GET", "/user", "")
		}
		c.head.Set("x-api-token", token)
		c.want(200, "GET", "/user", "")
		c.want(404, "GET", "/nowhere", "")
		c.want(405, "PUT", "/user", "")
		c.want(400, "POST", "/contact/create", "{}")
		c.want(404, "GET", "/contact/x", "")
		a := c.want(429, "GET", "/user", "")
		if a.header.Get("Retry-After") != "60" || !a.failed() {
			t.Errorf("429: %v %s", a.header, a.text)
		}
		c.head.Set("x-api-token", "k2")
		c.head.Set("team_id", "t2")
		c.want(200, "GET", "/user", "") // another token, another limit
		c.want(200, "GET", "/_sim/summary", "")
		if p := s.Peak(time.Minute); p != 6 {
			t.Errorf("peak %d, want 6: five and the one that was too many", p)
		}
		time.Sleep(time.Minute)
		s.Foreign("t2", 5)
		c.want(429, "GET", "/user", "")
		if n := len(s.Requests()); n != 18 {
			t.Errorf("%d requests in the log, want 18: foreign and admin ones are none", n)
		}
	})
}

func TestPeakLooksAtWindowsOfAnyPhase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, Config{Profile: quiet(), Limit: Limit{Requests: 100}})
		for _, gap := range []Seconds{0, 50, 5, 5, 5, 45, 30} { // at 0 50 55 60 65 110 140
			time.Sleep(gap.Duration())
			c.want(200, "GET", "/user", "")
		}
		got := []int{s.Peak(time.Minute), s.Peak(15 * time.Second), s.Peak(16 * time.Second), s.Peak(time.Hour)}
		if diff := cmp.Diff([]int{4, 3, 4, 7}, got); diff != "" {
			t.Error(diff) // 0 and 60 are in no common minute; 50 and 65 in no common 15 s; 50 and 110 in no common minute
		}
	})
}
