package main

import (
	"context"
	"runtime/debug"
	"time"
)

// startTime is after which a daemon has done what it does once.
const startTime = 5 * time.Second

// release gives memory back that only the start needed.
func (d *daemon) release(ctx context.Context) {
	t := time.NewTimer(startTime)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return
	case <-t.C:
	}
	debug.FreeOSMemory()
	if err := releaseProgram(); err != nil {
		d.log.Debug("pages of the program stay in memory", "err", err)
	}
}
