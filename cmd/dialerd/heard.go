package main

import (
	"context"
	"time"
)

// subscribeSoon starts the work on subscriptions. What it returns is closed when that has looked at all of them once; nil where this
// daemon has no webhooks.
func (d *daemon) subscribeSoon(loops context.Context) <-chan struct{} {
	if !d.has(roleHooks) {
		return nil
	}
	first := make(chan struct{})
	d.loop(loops, func(ctx context.Context) { d.subscribe(ctx, first) })
	return first
}

// feed finds work for the fleet. It gives the subscriptions a head start: beside calls they get one slot of the limit in twenty, and
// the first calls would end before anybody is told.
func (d *daemon) feed(ctx context.Context, first <-chan struct{}) {
	if first != nil {
		longest := time.NewTimer(subscribeFirst)
		defer longest.Stop()
		select {
		case <-first:
		case <-longest.C:
		case <-ctx.Done():
			return
		}
	}
	if err := d.dialer.Feed(ctx); err != nil {
		d.log.Error("feed ended", "err", err)
	}
}

// hear notes that this daemon has subscribed the webhooks of a team's agents.
func (d *daemon) hear(team string, agents []string) {
	for _, agent := range agents {
		d.heard.Store(team+"/"+agent, true)
	}
}

// hears reports whether this daemon has subscribed an agent's webhooks.
func (d *daemon) hears(team, agent string) bool {
	_, ok := d.heard.Load(team + "/" + agent)
	return ok
}
