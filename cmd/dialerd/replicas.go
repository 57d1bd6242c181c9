package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/store"
)

// replicated is an error while a replica of Redis that does not answer keeps calls from beginning.
func (d *daemon) replicated(ctx context.Context) error {
	for team := range d.dialer.Teams {
		r, err := d.dialer.Store.Replication(ctx, team, d.a.now())
		if err != nil {
			return err
		}
		if r.Blocked() {
			return errors.New(r.Word(0))
		}
	}
	return nil
}

// warnings says what is amiss although the daemon does its work.
func (d *daemon) warnings(ctx context.Context) []string {
	words, _, err := d.a.replicaWords(ctx, slices.Sorted(maps.Keys(d.dialer.Teams)))
	if err != nil {
		return []string{err.Error()}
	}
	for _, damage := range d.dialer.Store.Damaged("") {
		words = append(words, damage.String())
	}
	return words
}

// replicaWords says what is the matter with the replicas of the servers that hold the record of some teams, and whether that keeps calls
// from beginning.
func (a *app) replicaWords(ctx context.Context, teams []string) (words []string, blocked bool, err error) {
	daemons, err := a.store.Daemons(ctx, a.now())
	if err != nil {
		return nil, false, err
	}
	for _, team := range teams {
		r, err := a.store.Replication(ctx, team, a.now())
		if err != nil {
			return nil, false, err
		}
		blocked = blocked || r.Blocked()
		if word := r.Word(store.MostReplicas(daemons)); word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words, blocked, nil
}

// examineReplicas looks whether all copies of the record that Redis has had are there. A server without any has nothing to say.
func (a *app) examineReplicas(ctx context.Context, s *config.Settings) []finding {
	const check = "redis replicas"
	var teams []string
	for i := range s.Teams {
		teams = append(teams, s.Teams[i].Name)
	}
	words, blocked, err := a.replicaWords(ctx, teams)
	switch {
	case err != nil:
		return []finding{{check, findingFailed, err.Error()}}
	case blocked:
		return []finding{{check, findingFailed, strings.Join(words, "\n")}}
	case len(words) > 0:
		return []finding{{check, findingWarning, strings.Join(words, "\n") +
			"\nBring the replica back; where it was taken away for good, this goes once the daemons have been restarted"}}
	case a.store.MostReplicas() > 0:
		return []finding{{check, findingOK, plural(a.store.MostReplicas(), "replica") + " in step"}}
	}
	return nil
}
