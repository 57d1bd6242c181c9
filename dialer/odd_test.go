package dialer

import (
	"bytes"
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// A status word that nobody has seen before is kept with its attempt and counted, whether the call has ended with it or seems to go on for
// ever; once the campaign says what it means, calls end with that, and what was counted before stays.
func TestAStatusWordThatNobodyKnowsIsKeptCountedAndMapped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		word, silent := []byte(`"HUNG_UP"`), false
		f.garble = func(body []byte) []byte {
			for _, known := range []string{`"COMPLETED"`, `"SUCCESS"`, `"success"`, `"completed"`} {
				body = bytes.ReplaceAll(body, []byte(known), word)
			}
			if silent { // nothing says that the call is over
				body = bytes.ReplaceAll(body, []byte(`"end_time":"`), []byte(`"other_time":"`))
				body = bytes.ReplaceAll(body, []byte(`"duration_ms":"`), []byte(`"other_ms":"`))
			}
			return body
		}
		c := always("spring")
		c.Outcomes[campaign.Unknown] = campaign.Outcome{}
		counted := func(want map[string]int) {
			t.Helper()
			counts, err := f.store.Counts(context.Background(), c.Name)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(counts.OddWords, want) {
				t.Errorf("counted %v, want %v", counts.OddWords, want)
			}
			f.consistent(c)
		}
		last := func(i int) campaign.Attempt {
			t.Helper()
			l := f.lead(c, i)
			if len(l.Attempts) != 1 {
				t.Fatalf("lead %d has %d attempts", i, len(l.Attempts))
			}
			return l.Attempts[0]
		}
		f.load(c, 2)
		f.add()
		f.subscribe()
		time.Sleep(4 * time.Minute)
		for i := range 2 {
			if a := last(i); a.State != campaign.Settled || a.Disposition != campaign.Unknown || a.Status != "HUNG_UP" {
				t.Errorf("lead %d: %+v", i, a)
			}
		}
		counted(map[string]int{"HUNG_UP": 2})

		word, silent = []byte(`"GONE"`), true
		f.loadFrom(c, 2, 1)
		time.Sleep(3 * time.Minute)
		if a := last(2); a.State != campaign.Accepted || a.Status != "GONE" {
			t.Errorf("it goes on for all that is known: %+v", a)
		}
		counted(map[string]int{"HUNG_UP": 2, "GONE": 1})

		c.Statuses = map[string]campaign.Disposition{"gone": campaign.NotInterested}
		f.loadFrom(c, 3, 1)
		time.Sleep(3 * time.Minute)
		if a := last(3); a.State != campaign.Settled || a.Disposition != campaign.NotInterested {
			t.Errorf("a word that the campaign knows: %+v", a)
		}
		time.Sleep(4 * time.Minute) // the look-up knows the end of the third call, in a word that everybody knows
		if a := last(2); a.State != campaign.Settled {
			t.Errorf("looked up: %+v", a)
		}
		counted(map[string]int{"HUNG_UP": 2})
		f.close()
		synctest.Wait()
	})
}
