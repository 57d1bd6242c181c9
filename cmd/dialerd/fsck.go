package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/store"
)

// fsckJSON is what `fsck` prints.
type fsckJSON struct {
	OK          bool     `json:"ok"`
	Teams       []string `json:"teams"`
	Leads       int      `json:"leads"`
	Attempts    int      `json:"attempts"`
	Differences []string `json:"differences"`
	More        int      `json:"more"` // differences that are not listed

	Changes *[]string `json:"changes,omitempty"` // what --repair changed; differences are then what it could not mend
}

func (a *app) fsckCommand() *cobra.Command {
	var name string
	var repair bool
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check that counters, queues and indexes agree with the leads, and mend them",
		Long: "Derives every counter, queue and index anew from the leads and compares. It changes nothing and may run beside daemons:\n" +
			"what differs is looked at twice. The exit code is 3 when something is wrong.\n\n" +
			"With --repair it writes what differs, beside running daemons as well: each lead in one step, the counters in one step in\n" +
			"which no lead can have changed. The leads themselves are believed. Every change is in the record of decisions.\n" +
			"The exit code is then 3 when something is left that a person has to see to.",
		Example: "  dialerd fsck\n  dialerd fsck --repair\n  dialerd fsck --team west --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			work := a.fsck
			if repair {
				work = a.repair
			}
			out, err := work(cmd.Context(), name)
			if err != nil {
				return err
			}
			if err := a.show(out, func() { a.printFsck(out) }); err != nil {
				return err
			}
			if !out.OK {
				return &exitError{code: exitBroken, err: fmt.Errorf("the record contradicts itself: keep a copy of it and report this%s",
					map[bool]string{false: "; dialerd fsck --repair mends counters, queues and indexes"}[repair])}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "team", "", "check this team only")
	cmd.Flags().BoolVar(&repair, "repair", false, "write what differs as the leads say it")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printFsck(out *fsckJSON) {
	if out.Changes != nil {
		for _, c := range *out.Changes {
			a.say("mended: %s\n", c)
		}
	}
	for _, d := range out.Differences {
		a.say("%s\n", d)
	}
	if out.More > 0 {
		a.say("… and %d more\n", out.More)
	}
	a.say("%s, %s, %s, %s\n", plural(len(out.Teams), "team"), plural(out.Leads, "lead"), plural(out.Attempts, "attempt"),
		plural(len(out.Differences)+out.More, "difference"))
}

// fsckTeams are the teams to check: the one that is named, or all that have something in the record.
func (a *app) fsckTeams(ctx context.Context, name string) (*store.Store, []string, error) {
	st, err := a.open(ctx)
	if err != nil || name != "" {
		return st, []string{name}, err
	}
	teams, err := st.Teams(ctx)
	return st, teams, err
}

// repair mends the record and says what it changed, and what is still wrong.
func (a *app) repair(ctx context.Context, name string) (*fsckJSON, error) {
	st, teams, err := a.fsckTeams(ctx, name)
	if err != nil {
		return nil, err
	}
	changes, more := []string{}, 0
	for _, team := range teams {
		done, err := st.Repair(ctx, team, a.now())
		if done != nil {
			changes, more = append(changes, done.Changes...), more+done.More
		}
		if err != nil {
			return nil, fmt.Errorf("%w\n%s had been made by then", err, plural(len(changes)+more, "change"))
		}
	}
	if more > 0 {
		changes = append(changes, fmt.Sprintf("… and %d more, see dialerd audit export", more))
	}
	out, err := a.fsck(ctx, name)
	if err == nil {
		out.Changes = &changes
	}
	return out, err
}

func (a *app) fsck(ctx context.Context, name string) (*fsckJSON, error) {
	st, teams, err := a.fsckTeams(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &fsckJSON{Teams: append([]string{}, teams...), Differences: []string{}}
	for _, team := range teams {
		report, err := twice(ctx, st, team)
		if err != nil {
			return nil, err
		}
		out.Leads, out.Attempts, out.More = out.Leads+report.Leads, out.Attempts+report.Attempts, out.More+report.More
		out.Differences = append(out.Differences, report.Differences...)
	}
	out.OK = len(out.Differences) == 0
	return out, nil
}

// twice checks a team, and again if something differs: while daemons work, only what differs both times is wrong.
func twice(ctx context.Context, st *store.Store, team string) (*store.Report, error) {
	first, err := st.FsckTeam(ctx, team)
	if err != nil || first.OK() {
		return first, err
	}
	second, err := st.FsckTeam(ctx, team)
	if err != nil {
		return nil, err
	}
	second.Differences = slices.DeleteFunc(second.Differences, func(d string) bool { return !slices.Contains(first.Differences, d) })
	if len(second.Differences) == 0 {
		second.More = 0
	}
	return second, nil
}
