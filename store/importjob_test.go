package store

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnImportThatIsNotHeardOfWasInterrupted(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		share := 0.5
		for _, tt := range []struct {
			state ImportState
			after time.Duration
			want  ImportState
		}{
			{ImportWaiting, 0, ImportWaiting},
			{ImportRunning, 15 * time.Second, ImportRunning},
			{ImportRunning, 16 * time.Second, ImportInterrupted},
			{ImportWaiting, time.Hour, ImportInterrupted},
			{ImportDone, time.Hour, ImportDone},
			{ImportFailed, time.Hour, ImportFailed},
		} {
			put := ImportJob{
				ID: "a1", Campaign: "spring", Source: "upload/leads.csv", Daemon: "d", State: tt.state, Created: d.now, Started: d.now,
				Rows: 7, Rejected: 2, Share: &share, Warnings: []string{"w"}, Error: "e", Result: json.RawMessage(`{"rows":7}`),
			}
			d.must(d.PutImport(ctx, put, d.now))
			got, err := d.ImportJob(ctx, "a1", d.now.Add(tt.after))
			d.must(err)
			put.Seen, put.State = d.now, tt.want
			if tt.want == ImportInterrupted {
				put.Ended = d.now
			}
			if diff := cmp.Diff(&put, got); diff != "" {
				d.Errorf("%s after %s:\n%s", tt.state, tt.after, diff)
			}
		}
		if _, err := d.ImportJob(ctx, "a2", d.now); !errors.Is(err, ErrNotFound) {
			d.Errorf("an import that never was: %v", err)
		}
		if left := d.Client().TTL(ctx, importKey("a1")).Val(); left <= 6*24*time.Hour || left > ImportKept {
			d.Errorf("it is kept for another %s", left)
		}
	})
}
