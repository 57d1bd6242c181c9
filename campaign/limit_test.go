package campaign

import (
	"testing"
	"time"
)

// The caps and pauses that a person is shown, and that Begin is given, are those that Decide asks: each of them says no by itself, for
// as long as it counts what has happened.
func TestEveryCapThatIsListedIsAsked(t *testing.T) {
	t.Parallel()
	s := subject(t)
	s.Plan.Attempts.Gap, s.Plan.Attempts.AfterConversation = 0, 3*24*time.Hour
	s.Place = compile(t, &s, []string{"FR", "US-FL", "US-ME"}, []string{newYork, "Europe/Paris"})
	now := noon(t).Add(-3 * time.Hour) // open in both zones
	limits, quiets := s.Plan.Limits(s.Place, now), s.Plan.Quiets(s.Lead, s.Place, now)
	if len(limits) < 5 || len(quiets) < 3 {
		t.Fatalf("caps %+v, pauses %+v", limits, quiets)
	}
	for _, l := range limits {
		for _, c := range []struct {
			ago   time.Duration
			count int
		}{{l.Per + CapMargin - time.Second, l.N}, {l.Per + CapMargin, 0}} {
			s.Facts.Calls = nil
			for range l.N {
				s.Facts.Calls = append(s.Facts.Calls, now.Add(-c.ago))
			}
			if got := l.Count(s.Facts.Calls, now); got != c.count {
				t.Errorf("%s: %d of %d calls count %s after them, want %d", l.Source(), got, l.N, c.ago, c.count)
			}
			free := l.free(s.Facts.Calls, now)
			if free.IsZero() != (c.count == 0) {
				t.Errorf("%s: free at %s with %d that count", l.Source(), free, c.count)
			}
			if a := s.askCaps(now); a.ok && c.count > 0 || !a.ok && a.until.Before(free) {
				t.Errorf("%s: asked, the caps say %+v", l.Source(), a)
			}
		}
	}
	s.Facts.Calls = nil
	for _, q := range quiets {
		s.Facts.LastConversation, s.Facts.LastRefusal = time.Time{}, time.Time{}
		last := now.Add(-q.Per - CapMargin + time.Second)
		if q.Refusal {
			s.Facts.LastRefusal = last
		} else {
			s.Facts.LastConversation = last
		}
		if a := s.askTalked(now); a.ok || a.until.Before(now.Add(time.Second)) {
			t.Errorf("%s: asked, the pauses say %+v", q.Source(), a)
		}
	}
}

func TestDecideAllocatesNothingForAPhoneWithAHistory(t *testing.T) {
	s := subject(t)
	now := noon(t)
	s.Plan.Attempts.AfterConversation = 7 * 24 * time.Hour
	s.Place = compile(t, &s, []string{"US-FL", "US-ME"}, []string{newYork})
	s.Facts.Calls = []time.Time{now.Add(-20 * 24 * time.Hour), now.Add(-10 * 24 * time.Hour)}
	s.Facts.LastConversation, s.Facts.LastRefusal = now.Add(-10*24*time.Hour), now.Add(-90*24*time.Hour)
	if d := Decide(s, now); d.Verdict != Call {
		t.Fatalf("%+v", d)
	}
	if n := testing.AllocsPerRun(200, func() { Decide(s, now) }); n != 0 {
		t.Errorf("Decide allocates %v times", n)
	}
}
