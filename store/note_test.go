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
		d.wants(d.SetProblem(ctx, "nobody", "x"), ErrNotFound)
		d.wants(d.SetImported(ctx, "nobody", d.now), ErrNotFound)
	})
}
