package dialer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// Two campaigns with the same phones and caps of their own, two days of three daemons each: whoever rings counts the rings of both, by the
// fake's own log, in every stretch of time that a cap names.
func TestVirtualDaysOfTwoCampaignsWithTheSamePhones(t *testing.T) {
	inWhole(t)
	t.Parallel()
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		const n, lifetime = 15, 20
		start := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC) // Monday, 12:00 in New York
		f := newFleet(t, start, slow(), simulator.Config{Seed: 4, Profile: nobodyThere()})
		few, more := restless("few"), restless("more")
		few.Attempts = campaign.Caps{Lifetime: lifetime, Per24h: 3, Per7d: 4, Per30d: lifetime, Gap: 40 * time.Minute}
		more.Attempts = campaign.Caps{Lifetime: lifetime, Per24h: 3, Per7d: lifetime, Per30d: 5, Gap: time.Hour}
		f.load(few, n)
		f.load(more, n)
		for _, day := range []time.Duration{4 * time.Hour, 6 * time.Hour} {
			for range 3 {
				f.add()
			}
			f.subscribe()
			time.Sleep(day)
			f.close()
			synctest.Wait()
			f.hosts = nil
			time.Sleep(24*time.Hour - day) // nothing runs at night: looking at Redis is what virtual time costs
		}

		f.checkCaps(few, more)
		f.once()
		f.consistent(few)
		f.consistent(more)
	})
	t.Logf("took %s", time.Since(began).Round(time.Millisecond))
}

// capsOf are a campaign's caps by the stretch of time that they count in.
func capsOf(c campaign.Campaign) map[time.Duration]int {
	const day = 24 * time.Hour
	return map[time.Duration]int{day: c.Attempts.Per24h, 7 * day: c.Attempts.Per7d, 30 * day: c.Attempts.Per30d}
}

// checkCaps holds every ring against the caps of the campaign that rang, over the rings of all. Each cap must have been reached by some.
func (f *fleet) checkCaps(all ...campaign.Campaign) {
	f.t.Helper()
	most := map[string]map[time.Duration]int{}
	closest := map[string]time.Duration{}
	for phone, rings := range simulator.RingsByPhone(f.sim.Rings()) {
		for i, r := range rings {
			for _, c := range all {
				if r.Metadata[MetaCampaign] != c.Name {
					continue
				}
				if most[c.Name] == nil {
					most[c.Name], closest[c.Name] = map[time.Duration]int{}, time.Hour*24
				}
				if i > 0 {
					gap := r.At.Sub(rings[i-1].At)
					closest[c.Name] = min(closest[c.Name], gap)
					if gap < c.Attempts.Gap {
						f.t.Errorf("%s rang for %s %s after the ring before, whoever's that was", phone, c.Name, gap)
					}
				}
				for per, limit := range capsOf(c) {
					within := 1
					for _, before := range rings[:i] {
						if r.At.Sub(before.At) < per {
							within++
						}
					}
					if within > limit {
						f.t.Errorf("%s rang for %s as the %d. time within %s, at most %d are allowed", phone, c.Name, within, per, limit)
					}
					most[c.Name][per] = max(most[c.Name][per], within)
				}
			}
		}
	}
	for _, c := range all {
		for per, limit := range capsOf(c) {
			if limit < c.Attempts.Lifetime && most[c.Name][per] != limit {
				f.t.Errorf("%s never made a call that was the last of %d within %s: that cap is not tested", c.Name, limit, per)
			}
		}
	}
	f.t.Logf("%d rings; most at once %v, closest %v", len(f.sim.Rings()), most, closest)
}
