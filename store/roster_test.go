package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The last to ask is believed, whatever its clock says, or a stamp from the future would stand for ever; and what is said of one team's
// agents changes nothing else of that team, and nothing of another one.
func TestTheLastRosterIsBelieved(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		if got, err := d.Roster(ctx, testTeam); got != nil || err != nil {
			d.Fatalf("before anybody asked: %+v, %v", got, err)
		}
		home := teamKey(testTeam, "team")
		_, err := d.PauseTeam(ctx, testTeam, "bad token")
		d.must(err)
		before := d.Client().HGetAll(ctx, home).Val()
		zone := time.FixedZone("far", 3*3600)
		for _, want := range []Roster{
			{At: d.now.Add(240 * time.Hour).In(zone), Access: "a", Status: map[string]string{"x": "ACTIVE", "y": "ARCHIVED"}},
			{At: d.now, Access: "b", Status: map[string]string{"z": ""}},
			{At: d.now.Add(-time.Hour), Access: "b", Status: map[string]string{}},
		} {
			d.must(d.PutRoster(ctx, testTeam, want))
			got, err := d.Roster(ctx, testTeam)
			d.must(err)
			want.At = want.At.UTC()
			if diff := cmp.Diff(&want, got); diff != "" {
				d.Error(diff)
			}
		}
		after := d.Client().HGetAll(ctx, home).Val()
		delete(after, "agents")
		if diff := cmp.Diff(before, after); diff != "" {
			d.Errorf("a roster changes more of its team: %s", diff)
		}
		if got, err := d.Roster(ctx, "beta"); got != nil || err != nil {
			d.Errorf("team beta knows %+v, %v", got, err)
		}
		d.must(d.Client().HSet(ctx, home, "agents", "{").Err())
		if got, err := d.Roster(ctx, testTeam); got != nil || err == nil {
			d.Errorf("what cannot be read is %+v, %v", got, err)
		}
	})
}

// When an agent came back is remembered for a while: what was refused until then says nothing about leads.
func TestARosterTellsWhenAnAgentCameBack(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 11, 23, 12, minute, 0, 0, time.UTC) }
	var last *Roster
	for _, step := range []struct {
		minute int
		status map[string]string
		back   map[string]time.Time
	}{
		{minute: 0, status: map[string]string{"x": "ACTIVE", "y": "ARCHIVED"}},
		{minute: 1, status: map[string]string{"x": "active", "y": "ARCHIVED"}},
		{minute: 2, status: map[string]string{"x": "ARCHIVED", "y": "ACTIVE"}, back: map[string]time.Time{"y": at(2)}},
		{minute: 3, status: map[string]string{"y": ""}, back: map[string]time.Time{"y": at(2)}},
		{minute: 4, status: map[string]string{"x": "ACTIVE", "y": "ACTIVE"}, back: map[string]time.Time{"x": at(4), "y": at(2)}},
		{minute: 63, status: map[string]string{"x": "ACTIVE", "y": "ACTIVE"}, back: map[string]time.Time{"x": at(4)}},
		{minute: 70, status: map[string]string{"x": "ARCHIVED", "y": "ACTIVE"}},
	} {
		r := &Roster{At: at(step.minute), Status: step.status}
		r.Follow(last)
		if diff := cmp.Diff(step.back, r.Back); diff != "" {
			t.Errorf("minute %d: %s", step.minute, diff)
		}
		last = r
	}
}

func TestAgentsUnderWayAreThoseWithCallsThatAreNotSettled(t *testing.T) {
	each(t, func(d *desk) {
		wants := func(want ...string) {
			d.Helper()
			got, err := d.AgentsUnderWay(d.Context(), testTeam)
			d.must(err)
			if slices.Sort(got); !slices.Equal(got, want) {
				d.Errorf("agents %q are under way, want %q", got, want)
			}
		}
		d.staged(2)
		wants()
		first, second := d.begin(d.pickOne()), d.begin(d.pickOne())
		wants("aB3dE9fG")
		d.settle(first, "completed", closedNext)
		wants("aB3dE9fG")
		d.settle(second, "completed", closedNext)
		wants()
	})
}
