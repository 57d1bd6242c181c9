package dialer

import (
	"context"
	"errors"

	"github.com/dialerd/dialerd/queue"
)

// bundle gathers the tickets of many teams into few tasks. A task costs Redis three writes, each of which waits for the disk, and that
// is more than some steps of the call itself. No task carries two tickets of a team: a team's own are spread over all workers.
type bundle struct {
	open []queue.Dial // open[i] takes the i-th ticket of a team
}

// add takes in the tickets of a team that is new to the bundle, and gives out the tasks that are full.
func (b *bundle) add(team string, slots []int64) (full []queue.Dial) {
	for i, slot := range slots {
		ticket := queue.Dial{Team: team, Slot: slot}
		switch {
		case i == len(b.open):
			b.open = append(b.open, ticket)
		case !b.open[i].Join(ticket):
			full = append(full, b.open[i])
			b.open[i] = ticket
		}
	}
	return full
}

// enqueueAll puts tasks of tickets into the queue.
func (d *Dialer) enqueueAll(ctx context.Context, tasks []queue.Dial) error {
	var errs []error
	for _, t := range tasks {
		if err := d.Queue.Enqueue(ctx, t); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
