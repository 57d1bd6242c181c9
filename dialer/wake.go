package dialer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dialerd/dialerd/queue"
)

const (
	// wakeWait is how long a kept event waits for others that share its wake-up: a task costs Redis far more than an event. The queue looks for
	// work five times a second, so nobody notices.
	wakeWait = 20 * time.Millisecond
	// maxWaking bounds the wake-ups that wait. Whoever brings one beyond it waits until they are in the queue.
	maxWaking = 64
	// wakesAtOnce is how many go into the queue side by side: what reaches Redis in one moment waits for one sync of its disk.
	wakesAtOnce = 8
)

// wakeSoon has an event settled soon, together with others of any team that came within the same moment. Those that wait when the daemon is
// ended are found by another one's sweep.
func (d *Dialer) wakeSoon(ctx context.Context, event queue.Settle) {
	d.mu.Lock()
	last := len(d.waking) - 1
	if last < 0 || !d.waking[last].Join(event) {
		d.waking = append(d.waking, event)
	}
	if last < 0 { // whoever takes them takes all
		time.AfterFunc(wakeWait, func() { d.wakeAll(ctx) })
	}
	many := len(d.waking) > maxWaking
	d.mu.Unlock()
	if many {
		d.wakeAll(ctx)
	}
}

// wakeAll wakes what waits for it, one call after the other. The events are kept by now, whatever becomes of the request that brought one.
func (d *Dialer) wakeAll(ctx context.Context) {
	door := d.door("wake", 1)
	door <- struct{}{}
	defer func() { <-door }()
	d.mu.Lock()
	tasks := d.waking
	d.waking = nil
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	var enqueuing sync.WaitGroup
	for part := range slices.Chunk(tasks, (len(tasks)+wakesAtOnce)/wakesAtOnce) {
		enqueuing.Go(func() {
			for _, task := range part {
				if err := d.Queue.Enqueue(ctx, task); err != nil {
					d.Log.Warn("wake-up of events failed; the sweep will find them", "team", task.Team, "events", len(task.Events()), "err", err)
				}
			}
		})
	}
	enqueuing.Wait()
}
