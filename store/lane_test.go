package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlaceIsWhatALaneStandsFor(t *testing.T) {
	each(t, func(d *desk) {
		d.staged(1)
		for lane, want := range map[string]Place{
			testLane:  {Zones: []string{"America/New_York"}, Regions: []string{"US-NY"}},
			"nowhere": {},
			"":        {},
		} {
			got, err := d.Place(d.Context(), testName, lane)
			d.must(err)
			if diff := cmp.Diff(want, got); diff != "" {
				d.Errorf("lane %q: %s", lane, diff)
			}
		}
		if _, err := d.Place(d.Context(), "nobody's", testLane); err == nil {
			d.Error("a campaign that nobody knows has a lane")
		}
	})
}
