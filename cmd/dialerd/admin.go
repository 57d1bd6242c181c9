package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/web"
)

// admin is what the operator's listener serves. Lists that are sent to it are read until ctx ends.
func (d *daemon) admin(ctx context.Context) http.Handler {
	source := &web.Source{Store: d.dialer.Store, Now: d.a.now, ID: d.id(), Queues: d.depths, Clock: d.a.clockOffset}
	for i := range d.settings.Teams {
		t := &d.settings.Teams[i]
		source.Teams = append(source.Teams, shown(t, d.limiters[t.Name]))
	}
	if d.hooks != nil {
		source.Hooks = d.hookCounts
	}
	jobs := newImportJobs(ctx, d.a, d.log)
	d.onStop("imports", jobs.stop)
	d.loop(ctx, jobs.sweep)
	imports := &web.Imports{Start: jobs.start, Rejects: jobs.rejects}
	return web.Handler(web.Config{Source: source, Imports: imports, Metrics: d.metrics, Ready: d.ready, Warn: d.warnings, Version: version, Log: d.log})
}

// shown is a team of the settings for the operator's view; without a limiter the use of its limit is not known.
func shown(t *config.Team, limiter *store.Limiter) web.Team {
	return web.Team{
		Name: t.Name, Limiter: limiter, Unresolved: t.Reconcile.Unresolved, Plan: t.Plan.Tariff(), MaxInFlight: t.MaxInFlight, Budget: t.Budget.Bound(),
	}
}

// depths counts tasks, in the words of a package that does not know the queue.
func (d *daemon) depths(ctx context.Context) (map[string]web.Depth, error) {
	depths, err := d.tasks.Depths(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]web.Depth, len(depths))
	for name, depth := range depths {
		all[name] = web.Depth(depth)
	}
	return all, nil
}

// hookCounts is what came to the listener for events.
func (d *daemon) hookCounts() web.Hooks {
	s := &d.hooks.Stats
	return web.Hooks{
		Received: s.Received.Load(), Bytes: s.Bytes.Load(), Kept: s.Kept.Load(), Spooled: s.Spooled.Load(), Drained: s.Drained.Load(),
		Unreadable: s.Unreadable.Load(), Refused: s.Refused.Load(), Overloaded: s.Overloaded.Load(), Unarchived: s.Unarchived.Load(),
	}
}

// clockOffset is how far this machine's clock is ahead of Redis'. Redis read its own between the two readings here, so what lies
// between them is the round trip and no offset.
func (a *app) clockOffset(ctx context.Context) (time.Duration, error) {
	before := time.Now()
	at, err := a.client.Time(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("read the clock of redis: %w", err)
	}
	after := time.Now()
	switch {
	case at.Before(before):
		return before.Sub(at), nil
	case at.After(after):
		return after.Sub(at), nil
	}
	return 0, nil
}
