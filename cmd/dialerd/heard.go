package main

import (
	"context"
	"time"
)

// subscribeSoon starts the work on subscriptions, and gives it a head start over the calls: beside them it gets one slot of the limit
// in twenty, and the first calls would end before anybody is told.
func (d *daemon) subscribeSoon(ctx, loops context.Context) {
	first := make(chan struct{})
	d.loop(loops, func(ctx context.Context) { d.subscribe(ctx, first) })
	longest := time.NewTimer(subscribeFirst)
	defer longest.Stop()
	select {
	case <-first:
	case <-longest.C:
	case <-ctx.Done():
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
