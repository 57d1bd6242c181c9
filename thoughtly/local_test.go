package thoughtly

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLocalLimiterSpacesRequestsWithinTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLocalLimiter(100, time.Minute, time.Now)
		var at []time.Time
		for range 1000 {
			s, err := l.Take(t.Context(), ClassCall)
			if err != nil || !s.At.Equal(time.Now()) {
				t.Fatal(s, err)
			}
			s.Done(Reply{Sent: true, Answered: true})
			at = append(at, s.At)
		}
		for i := range at[100:] {
			if span := at[i+100].Sub(at[i]); span < time.Minute {
				t.Fatalf("101 requests within %s", span)
			}
		}
		if took := at[999].Sub(at[0]); took > 10*time.Minute+20*time.Second {
			t.Errorf("1000 requests took %s", took)
		}
	})
}

func TestTheLocalLimiterWaitsAfterA429(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{0: time.Minute, 7 * time.Second: 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := NewLocalLimiter(100, time.Minute, time.Now)
			s, _ := l.Take(t.Context(), ClassCall)
			s.Done(Reply{Sent: true, Answered: true, Throttled: true, RetryAfter: asked})
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := l.Take(ctx, ClassCall); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a slot while throttled: %v", err)
			}
			if _, err := l.Take(t.Context(), ClassCall); err != nil || time.Since(begun) < want || time.Since(begun) > want+2*time.Second {
				t.Errorf("asked for %s: waited %s, %v", asked, time.Since(begun), err)
			}
		})
	}
}

func TestTheLocalLimiterGivesUpWithItsCaller(t *testing.T) {
	t.Parallel()
	l := NewLocalLimiter(0, time.Hour, time.Now) // at least one an hour
	if _, err := l.Take(t.Context(), ClassCall); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Take(ctx, ClassCall); err == nil {
		t.Error("a slot for nobody")
	}
}
