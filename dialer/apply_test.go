package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// Once a campaign's new definition is applied no call begins under the old one, however fresh a daemon's view of it is.
func TestNoCallBeginsUnderAnOldDefinition(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 5, Profile: answers()})
		open := always("a")
		open.Schedule.Start, open.Schedule.Stop = []string{"5 12 * * *"}, []string{"0 3 * * *"} // until then contacts are made
		closed := open
		closed.Calling.Hours[morning().Weekday()] = nil
		f.load(open, 300)
		f.add()
		f.add()
		f.subscribe()
		type span struct{ from, to time.Time }
		var shut []span
		time.Sleep(5 * time.Minute)
		for i := range 12 {
			time.Sleep(4*time.Second + time.Duration(i)*137*time.Millisecond) // at any age of the daemons' views
			if _, err := f.store.Apply(ctx, closed, time.Now()); err != nil {
				t.Fatal(err)
			}
			from := time.Now()
			time.Sleep(2 * time.Second)
			shut = append(shut, span{from, time.Now()})
			if _, err := f.store.Apply(ctx, open, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		f.close()
		synctest.Wait()
		began := 0
		err := f.store.EachLead(ctx, "a", func(l *campaign.Lead) error {
			for _, a := range l.Attempts {
				began++
				for _, s := range shut {
					if a.At.After(s.from) && a.At.Before(s.to) {
						t.Errorf("a call began %s after its hours were gone", a.At.Sub(s.from))
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if began < 50 {
			t.Errorf("only %d calls: nothing is tested", began)
		}
		f.once()
	})
}
