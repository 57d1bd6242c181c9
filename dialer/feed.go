package dialer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialerd/dialerd/queue"
)

const (
	// feedEvery is how often the queue is topped up, unless Dialer.FeedEvery says otherwise.
	feedEvery = 500 * time.Millisecond
	// feedRounds is how many rounds ahead tickets are queued: a few seconds of work, so that nobody waits for a ticket and the queue
	// never holds more than a pause, an opt-out or a closing window leaves worthless.
	feedRounds = 6
	// feedersAtOnce is how many teams are looked at at once: a thousand, one after the other, would take longer than a round.
	feedersAtOnce = 16
	// maxTickets bounds the tickets of one team per round, whatever its limit is.
	maxTickets = 500
	// reconcileEvery and sweepEvery are how often a team's open calls and its lost wake-ups are looked for.
	reconcileEvery = 10 * time.Second
	sweepEvery     = 10 * time.Second
)

// Feed keeps a few seconds of tickets queued for every team that has work, until ctx ends. Any number of daemons may feed at
// once: a ticket's id is its place on the time line, so the same ticket made twice is one ticket.
func (d *Dialer) Feed(ctx context.Context) error {
	tick := time.NewTicker(d.feedEvery())
	defer tick.Stop()
	for {
		d.feedAll(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// feedAll tops up the tickets of all teams.
func (d *Dialer) feedAll(ctx context.Context) {
	names := sortedKeys(d.Teams)
	d.stillAll(ctx, names)
	var next atomic.Int64
	var feeders sync.WaitGroup
	for range min(feedersAtOnce, len(names)) {
		feeders.Go(func() {
			var b bundle
			for i := next.Add(1) - 1; i < int64(len(names)); i = next.Add(1) - 1 {
				if err := d.feedTeam(ctx, d.Teams[names[i]], &b); err != nil && ctx.Err() == nil {
					d.Log.Error("feed failed", "team", names[i], "err", err)
				}
			}
			if err := d.enqueueAll(ctx, b.open); err != nil && ctx.Err() == nil {
				d.Log.Error("feed failed", "err", err)
			}
		})
	}
	feeders.Wait()
}

// FeedTeam tops up the tickets of one team.
func (d *Dialer) FeedTeam(ctx context.Context, team *Team) error {
	var b bundle
	err := d.feedTeam(ctx, team, &b)
	return errors.Join(err, d.enqueueAll(ctx, b.open))
}

// feedTeam tops up the tickets of one team. Those that may share a task with other teams' are left in the bundle.
func (d *Dialer) feedTeam(ctx context.Context, team *Team, b *bundle) error {
	now := d.Now()
	view, err := d.view(ctx, team.Name)
	if err != nil {
		return err
	}
	var errs []error
	add := func(t queue.Task) {
		if err := d.Queue.Enqueue(ctx, t); err != nil {
			errs = append(errs, err)
		}
	}
	ahead := feedRounds * d.feedEvery()
	calls, stages := d.demand(team, view, now, ahead)
	// Calls go first: contacts are made with the slots that they leave, though never with none.
	spare := max(int(ahead/team.spacing())-calls, 1)
	if err := d.enqueueAll(ctx, b.add(team.Name, d.offer("dial "+team.Name, now, team.spacing(), calls))); err != nil {
		errs = append(errs, err)
	}
	for _, slot := range d.offer("stage "+team.Name, now, team.spacing(), min(stages, spare)) {
		add(queue.Stage{Team: team.Name, Slot: slot})
	}
	if view.follow != "" {
		add(queue.Follow{Team: team.Name, Attempt: view.follow}) // while it is queued or at work this adds nothing
	}
	if n := round(now, reconcileEvery); d.turned("reconcile", team.Name, n) {
		due, err := d.Store.Unsettled(ctx, team.Name, now, 1)
		if err != nil {
			errs = append(errs, err)
		} else if len(due) > 0 {
			add(queue.Reconcile{Team: team.Name, Round: n})
		}
	}
	if n := round(now, sweepEvery); d.turned("sweep", team.Name, n) {
		due, err := d.sweepDue(ctx, team.Name)
		if err != nil {
			errs = append(errs, err)
		} else if due {
			add(queue.Sweep{Team: team.Name, Round: n})
		}
	}
	errs = append(errs, d.feedImports(ctx, view, now))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("feed team %s: %w", team.Name, err)
	}
	return nil
}

// offer names the tickets that come into sight now: one for each slot of the limit in the time ahead, at most n. There is one more
// for every nine, since some come to nothing, and a hiccup is to be made up for. This daemon names each one once.
func (d *Dialer) offer(work string, now time.Time, spacing time.Duration, n int) []int64 {
	spacing = max(spacing*9/10, 1)
	ahead := feedRounds * d.feedEvery()
	first := now.UnixNano() / int64(spacing)
	last := first + min(int64(ahead/spacing), int64(min(n, maxTickets))-1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rounds == nil {
		d.rounds = make(map[string]int64)
	}
	if d.rounds[work] > first+2*int64(ahead/spacing) { // the clock was set back: nothing is offered that far ahead
		d.rounds[work] = first - 1
	}
	var ids []int64
	for id := max(first, d.rounds[work]+1); id <= last; id++ {
		ids = append(ids, id)
	}
	d.rounds[work] = max(d.rounds[work], last)
	return ids
}

func (d *Dialer) feedEvery() time.Duration { return cmp.Or(d.FeedEvery, feedEvery) }

// turned reports whether this daemon sees a round of a team's regular work for the first time.
func (d *Dialer) turned(work, team string, n int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rounds == nil {
		d.rounds = make(map[string]int64)
	}
	if d.rounds[work+" "+team] == n {
		return false
	}
	d.rounds[work+" "+team] = n
	return true
}

func round(now time.Time, every time.Duration) int64 { return now.UnixNano() / int64(every) }
