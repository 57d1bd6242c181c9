package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dialerd/dialerd/store"
)

// sweepEvery is how often a daemon looks for what imports have left: soon after it took the place of one that died, too, for whose imports
// it takes some seconds to be over.
const sweepEvery = time.Minute

// sweep takes away, now and then, what imports have left on this machine.
func (j *importJobs) sweep(ctx context.Context) {
	every(ctx, j.sweeps, func(ctx context.Context) {
		if err := j.a.sweepImports(ctx); err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "what imports left could not be taken away", "err", err)
		}
	})
}

// sweepImports takes away lists that were sent to a daemon that died before it had read them, and rejected rows that nobody can ask for
// any more. Both are people's data.
func (a *app) sweepImports(ctx context.Context) error {
	s, err := a.load()
	if err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(uploads(s.DataDir), "*"))
	if err != nil {
		return fmt.Errorf("look for lists that were sent: %w", err)
	}
	var errs []error
	for _, path := range left {
		job, err := a.store.ImportJob(ctx, filepath.Base(path), a.now())
		switch {
		case errors.Is(err, store.ErrNotFound):
			errs = append(errs, removeOld(path, uploadLeft)) // it may just be coming in
		case err != nil:
			errs = append(errs, err)
		case job.Over():
			errs = append(errs, removeOld(path, 0))
		}
	}
	rejects, err := filepath.Glob(jobRejects(s.DataDir, "*"))
	if err != nil {
		return fmt.Errorf("look for rejected rows: %w", err)
	}
	for _, path := range rejects {
		errs = append(errs, removeOld(path, store.ImportKept))
	}
	return errors.Join(errs...)
}

// removeOld takes a file away that was last written so long ago, by this machine's own clock, as files are dated.
func removeOld(path string, age time.Duration) error {
	info, err := os.Stat(path)
	if err == nil && time.Since(info.ModTime()) >= age {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("take away what an import left: %w", err)
	}
	return nil
}
