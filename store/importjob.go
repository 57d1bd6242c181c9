package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// ImportState is where an import that a daemon does stands.
type ImportState string

// The states of an import. It ends as done, failed or interrupted.
const (
	ImportWaiting     ImportState = "waiting" // for its turn
	ImportRunning     ImportState = "running"
	ImportDone        ImportState = "done"
	ImportFailed      ImportState = "failed"      // Error says why
	ImportInterrupted ImportState = "interrupted" // its daemon ended before it; what was read is in, and it can be repeated
)

// ImportJob is an import that a daemon does.
type ImportJob struct {
	ID       string      `json:"id"`
	Campaign string      `json:"campaign"`
	Source   string      `json:"source"`
	Daemon   string      `json:"daemon"`
	State    ImportState `json:"state"`

	Created time.Time `json:"created"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Seen    time.Time `json:"seen"` // set by PutImport

	Rows     int      `json:"rows"`     // read so far
	Rejected int      `json:"rejected"` // of them
	Share    *float64 `json:"share,omitempty"`

	Warnings []string        `json:"warnings,omitempty"`
	Error    string          `json:"error,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"` // the counts of one that is over, as far as rows were taken in
}

const (
	// importGone is how long after an import was last heard of it is taken for interrupted.
	importGone = 15 * time.Second
	// ImportKept is how long an import can be asked for after it was last heard of.
	ImportKept = 7 * 24 * time.Hour
)

// Over reports whether nothing of the import will change any more.
func (j *ImportJob) Over() bool { return j.State != ImportWaiting && j.State != ImportRunning }

func importKey(id string) string { return teamKey(globalTeam, "import:"+id) }

// PutImport says how far an import is. One that goes on is to be put every few seconds.
func (s *Store) PutImport(ctx context.Context, j ImportJob, now time.Time) error {
	j.Seen = now.UTC()
	raw, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("put import %s: %w", j.ID, err)
	}
	if err := s.client.Set(ctx, importKey(j.ID), raw, ImportKept).Err(); err != nil {
		return fmt.Errorf("put import %s: %w", j.ID, err)
	}
	return nil
}

// ImportJob reads an import. One that goes on, and was not heard of for some time, is interrupted: its daemon has died.
func (s *Store) ImportJob(ctx context.Context, id string, now time.Time) (*ImportJob, error) {
	raw, err := s.client.Get(ctx, importKey(id)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("import %q: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read import %q: %w", id, err)
	}
	var j ImportJob
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, fmt.Errorf("read import %q: %w", id, err)
	}
	if !j.Over() && now.Sub(j.Seen) > importGone {
		j.State, j.Ended = ImportInterrupted, j.Seen
	}
	return &j, nil
}
