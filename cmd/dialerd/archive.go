package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/audit"
)

// archiveEvery is how often what waits of the record of decisions is brought to disk.
const archiveEvery = time.Second

// archiver brings the record of a team to this data folder.
func (a *app) archiver(team string) *audit.Archiver {
	return &audit.Archiver{
		Store: a.store, Team: team, Dir: filepath.Join(a.settings.DataDir, "audit"), Host: hostname(), Keep: a.settings.Audit.Keep, Now: a.now,
	}
}

// archive brings the record of all teams to disk until the daemon stops. Every daemon tries; one of them has the folder.
func (d *daemon) archive(ctx context.Context) {
	teams := []string{store.GlobalTeam}
	for i := range d.settings.Teams {
		teams = append(teams, d.settings.Teams[i].Name)
	}
	all := make([]*audit.Archiver, len(teams))
	said := make([]string, len(teams))
	for i, team := range teams {
		all[i] = d.a.archiver(team)
		all[i].Log = d.log
	}
	every(ctx, archiveEvery, func(ctx context.Context) {
		for i, archiver := range all {
			said[i] = d.archiveTeam(ctx, archiver, said[i])
		}
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for i, archiver := range all {
		said[i] = d.archiveTeam(ctx, archiver, said[i])
		if err := archiver.Close(); err != nil {
			d.log.Warn("archive of the record did not close", "team", teams[i], "err", err)
		}
	}
}

// archiveTeam is one round. What stands against it is told of once; it returns that.
func (d *daemon) archiveTeam(ctx context.Context, archiver *audit.Archiver, said string) string {
	_, err := archiver.Once(ctx, 0)
	if err == nil || errors.Is(err, audit.ErrBusy) || errors.Is(err, store.ErrFenced) || ctx.Err() != nil {
		if said != "" && err == nil {
			d.log.Info("the record of decisions is archived again", "team", archiver.Team)
		}
		return ""
	}
	if err.Error() == said {
		return said
	}
	if _, elsewhere := errors.AsType[*audit.ElsewhereError](err); elsewhere {
		d.log.Info("the record of decisions is kept elsewhere", "team", archiver.Team, "where", err)
	} else {
		d.log.Error("the record of decisions cannot be archived: calls go on until too many entries wait", "team", archiver.Team, "err", err)
	}
	return err.Error()
}
