package dialer

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/thoughtly"
)

// Agents leave the time where they like; what cannot be kept is none.
func TestCallbackTimeIsFoundWhereverItIs(t *testing.T) {
	t.Parallel()
	said := campaign.Promise{Zones: []string{"America/Los_Angeles"}, Ended: time.Date(2026, 3, 3, 17, 0, 0, 0, time.UTC)}
	want := time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC)
	for body, want := range map[string]time.Time{
		`"metadata":{"callback_at":"2026-03-04T15:00:00"}`:                                           want,
		`"data_points":{"Callback Time":"2026-03-04 15:00"}`:                                         want,
		`"summary_data":{"summary":"later","data_points":{"call_back_time":"2026-03-04T23:00:00Z"}}`: want,
		`"metadata":{"callback_time":"2026-03-03T08:00:00","call_back_at":"2026-03-04T15:00"}`:       want,
		`"metadata":{"callback_time":"2026-03-03T08:00:00"}`:                                         {},
		`"metadata":{"callback_time":"some day"}`:                                                    {},
		`"metadata":{"other":"2026-03-04T15:00:00"}`:                                                 {},
		`"summary":"{\"notes\":[{\"callback\":\"2026-03-04T15:00:00\"}]}"`:                           want,
		`"data_points":{"callback":"15:00"}`:                                                         want.AddDate(0, 0, -1),
		`"data_points":{"callback":"8am"}`:                                                           want.Add(-7 * time.Hour),
	} {
		r, err := thoughtly.DecodeEvent([]byte(`{"call_id":"c1","contact_id":"k","status":"COMPLETED","outcome":"callback",` + body + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := callbackTime(&r, said); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// A time without an offset is on the clock of the person, not of the campaign; one that is over rings nobody again at once.
func TestCallbacksAreKeptByThePersonsClock(t *testing.T) {
	t.Parallel()
	ended := regexp.MustCompile(`"end_time":"[^"]+"`)
	for said, want := range map[string]time.Time{
		"2026-03-04T15:00:00": time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC),
		"2026-03-05":          time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC),
		"2026-03-03T08:00:00": {}, // an hour before the call in California, and three before it in New York
	} {
		synctest.Test(t, func(t *testing.T) {
			p := answers()
			p.People.Phones = map[string][]simulator.Outcome{phone(2): {simulator.Callback, simulator.Completed}}
			p.People.Callback = simulator.Span{Min: 300, Max: 300}
			p.Records.Unlabelled = 0
			f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 7, Profile: p})
			written := 0
			f.garble = func(body []byte) []byte {
				if at := regexp.MustCompile(`"callback_time":"[^"]*"`); at.Match(body) && ended.Match(body) {
					written++
					return at.ReplaceAll(body, []byte(`"callback_time":"`+said+`"`))
				}
				return body
			}
			c := always("spring")
			c.Attempts.Gap = 0
			f.loadFrom(c, 2, 1) // California
			f.add()
			f.subscribe()
			time.Sleep(4 * time.Minute)
			f.close()
			synctest.Wait()
			l := f.lead(c, 2)
			if len(f.sim.Rings()) != 1 || written == 0 || l.State != campaign.LeadWaiting {
				t.Fatalf("%s: %d rings, %d times written, the lead is %s", said, len(f.sim.Rings()), written, l.State)
			}
			if want.IsZero() {
				want = l.Attempts[0].At.Add(24 * time.Hour)
				if wait := l.Due.Sub(want); wait < 0 || wait > 3*time.Minute || l.Promised {
					t.Errorf("%s: due %s, promised %t, want a day after the call", said, l.Due, l.Promised)
				}
			} else if !l.Due.Equal(want) || !l.Promised {
				t.Errorf("%s: due %s, promised %t, want %s", said, l.Due, l.Promised, want)
			}
		})
	}
}
