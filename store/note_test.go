package store

import (
	"testing"
	"time"
)

func TestNotesOfACampaign(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		before, err := d.Campaign(ctx, testName)
		d.must(err)
		for _, at := range []time.Duration{time.Hour, 2 * time.Hour, time.Hour} { // it never goes back
			d.must(d.SetImported(ctx, testName, d.now.Add(at)))
		}
		d.must(d.SetProblem(ctx, testName, "no agent"))
		got, err := d.Campaign(ctx, testName)
		d.must(err)
		if !got.ImportedAt.Equal(d.now.Add(2*time.Hour)) || got.Problem != "no agent" || got.Epoch != before.Epoch {
			d.Errorf("got %s, %q, epoch %d", got.ImportedAt, got.Problem, got.Epoch)
		}
		d.must(d.SetProblem(ctx, testName, ""))
		got, err = d.Campaign(ctx, testName)
		d.must(err)
		if got.Problem != "" {
			d.Errorf("got %q", got.Problem)
		}
		// What the settings of one daemon forbid is told of, and counts while that daemon lives.
		bar := Bar{Daemon: "host-1", At: d.now, Why: "budget.cost: needs a price"}
		d.must(d.SetBar(ctx, testName, bar))
		got, err = d.Campaign(ctx, testName)
		d.must(err)
		if got.Barred != bar || got.AgentProblem != "" || got.Problem != "the settings of daemon host-1 forbid it: budget.cost: needs a price" {
			d.Errorf("got %+v", got)
		}
		d.must(d.Heartbeat(ctx, Daemon{ID: "host-1"}, d.now.Add(3*time.Minute)))
		for after, want := range map[time.Duration]bool{time.Minute: true, 4 * time.Minute: true, 5 * time.Minute: false} {
			if stands, err := d.BarStands(ctx, bar, d.now.Add(after)); err != nil || stands != want {
				d.Errorf("after %s it stands: %t, %v", after, stands, err)
			}
		}
		d.must(d.SetBar(ctx, testName, Bar{Daemon: "host-1"}))
		if got, err = d.Campaign(ctx, testName); err != nil || got.Problem != "" {
			d.Errorf("got %q, %v", got.Problem, err)
		}
		d.wants(d.SetProblem(ctx, "nobody", "x"), ErrNotFound)
		d.wants(d.SetImported(ctx, "nobody", d.now), ErrNotFound)
	})
}
