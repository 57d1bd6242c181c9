package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// A pick looks first into lanes in which somebody waited when the team was read, and finds those all the same who came to another one since.
func TestAPickLooksFirstWhereSomebodyWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{})
		c := always("spring")
		f.load(c, 20)
		d := &Dialer{Store: f.store, Now: time.Now, Log: f.log, Teams: map[string]*Team{teamName: {Name: teamName}}}
		read := func() *campaignView {
			t.Helper()
			d.forget(teamName)
			v, err := d.view(ctx, teamName)
			if err != nil {
				t.Fatal(err)
			}
			return v.campaigns[0]
		}
		lanes := read().open(time.Now())
		if len(lanes) < 3 {
			t.Fatalf("the lanes %v are too few", lanes)
		}
		stage := func(lane string) {
			t.Helper()
			claims, err := f.store.Stageable(ctx, store.StageRequest{Campaign: c.Name, Lanes: []string{lane}, N: 1, Now: time.Now(), Lease: time.Minute})
			if err != nil || len(claims) != 1 {
				t.Fatalf("%d leads of lane %s, %v", len(claims), lane, err)
			}
			if _, err := f.store.Staged(ctx, claims[0], "contact-"+lane); err != nil {
				t.Fatal(err)
			}
		}
		first, last := lanes[0], lanes[len(lanes)-1]
		stage(last)
		view := read()
		stage(first)
		for _, want := range []string{last, first, ""} {
			claim, err := d.pickFrom(ctx, d.Teams[teamName], view, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if got := claim; want == "" && got != nil || want != "" && (got == nil || got.Lead.Lane != want) {
				t.Errorf("got %+v, want a lead of lane %q", got, want)
			}
		}
		f.close()
	})
}
