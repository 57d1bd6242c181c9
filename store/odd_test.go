package store

import (
	"maps"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// A word that nobody knows is counted once for each call that it is the last word of, whatever is told how often, and the lead's being
// forgotten changes no count.
func TestAWordThatNobodyKnowsIsCountedByCalls(t *testing.T) {
	each(t, func(d *desk) {
		leads := d.staged(3)
		ids := make([]string, len(leads))
		for i := range leads {
			q := d.request(d.pickOne())
			q.Reserve = time.Minute // charged where nobody tells how long the call was
			id, _, err := d.Begin(d.Context(), q)
			d.must(err)
			ids[i] = id
		}
		counted := func(want map[string]int) {
			d.Helper()
			counts, err := d.Counts(d.Context(), testName)
			d.must(err)
			if !maps.Equal(counts.OddWords, want) {
				d.Errorf("counted %v, want %v", counts.OddWords, want)
			}
			d.sound()
		}
		keep := func(id, word string, news bool) {
			d.Helper()
			if applied, err := d.KeepWord(d.Context(), id, word); err != nil || applied != news {
				d.Errorf("%s %s: applied %t, %v", id, word, applied, err)
			}
		}
		keep(ids[0], "GONE", false) // the API has not taken it
		for _, id := range ids[:2] {
			_, err := d.Accepted(d.Context(), id, "call "+id, d.now.Add(time.Minute), d.now)
			d.must(err)
			keep(id, "GONE", true)
			keep(id, "GONE", false)
		}
		counted(map[string]int{"GONE": 2})
		keep(ids[1], "LOST", true)
		counted(map[string]int{"GONE": 1, "LOST": 1})

		ended := func(i int, status string, odd bool) {
			d.Helper()
			_, err := d.Settle(d.Context(), Settlement{AttemptID: ids[i], Disposition: campaign.Completed, Status: status, Odd: odd, Next: closedNext}, d.now)
			d.must(err)
		}
		ended(0, "", false) // given up: what it said last is all that is known
		ended(1, "COMPLETED", false)
		ended(2, "ODD", true)
		ended(2, "ODDER", true) // late
		counted(map[string]int{"GONE": 1, "ODD": 1})
		for _, lead := range leads {
			_, err := d.Forget(d.Context(), ForgetRequest{Team: testTeam, Phone: d.leadOf(lead).Phone, Reason: "asked", Names: func([]byte) bool { return false }})
			d.must(err)
		}
		counted(map[string]int{"GONE": 1, "ODD": 1})
	})
}
