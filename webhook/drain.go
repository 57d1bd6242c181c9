package webhook

import (
	"context"
	"time"
)

// How often Drain tries. A daemon that waits for its store costs next to nothing, and an opt-out in the spool is not a second late.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
	adoptEvery = time.Minute
)

// Drain hands on what waits in the spool, and what daemons that are gone left in its folder, until ctx is done. While Receive fails
// it tries again after pauses of up to a second.
func (h *Handler) Drain(ctx context.Context) {
	if h.Spool == nil {
		<-ctx.Done()
		return
	}
	look := time.NewTicker(adoptEvery)
	defer look.Stop()
	pause, adopt, said := firstPause, true, false
	for {
		taken, err := h.drainOnce(ctx, adopt)
		if ctx.Err() != nil {
			return
		}
		if taken > 0 {
			h.log().Info("events from the spool were handed on", "events", taken, "waiting", h.Spool.Pending())
			pause = firstPause
		}
		if err != nil {
			if !said { // once until it works again
				h.log().Warn("events wait in the spool", "waiting", h.Spool.Pending(), "err", err)
				said = true
			}
			if !wait(ctx, pause) {
				return
			}
			pause = min(2*pause, lastPause)
			continue
		}
		pause, adopt, said = firstPause, false, false
		select {
		case <-ctx.Done():
			return
		case <-h.Spool.wake:
		case <-look.C:
			adopt = true
		}
	}
}

// drainOnce is one pass, over what is left of others first: it is older.
func (h *Handler) drainOnce(ctx context.Context, adopt bool) (taken int, err error) {
	if adopt {
		taken, err = h.Spool.Adopt(ctx, h.give)
	}
	if err == nil {
		var own int
		own, err = h.Spool.Drain(ctx, h.give)
		taken += own
	}
	h.Stats.Drained.Add(int64(taken))
	return taken, err
}

// wait says false if ctx was done first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
