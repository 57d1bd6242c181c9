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
}

func (a *app) fsckCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check that counters, queues and indexes agree with the leads",
		Long: "Derives every counter, queue and index anew from the leads and compares. It changes nothing and may run beside daemons:\n" +
			"what differs is looked at twice. The exit code is 3 when something is wrong.",
		Example: "  dialerd fsck\n  dialerd fsck --team west --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, err := a.fsck(cmd.Context(), name)
			if err != nil {
				return err
			}
			if a.json {
				if err := a.printJSON(out); err != nil {
					return err
				}
			} else {
				for _, d := range out.Differences {
					a.say("%s\n", d)
				}
				if out.More > 0 {
					a.say("… and %d more\n", out.More)
				}
				a.say("%s, %s, %s, %s\n", plural(len(out.Teams), "team"), plural(out.Leads, "lead"), plural(out.Attempts, "attempt"),
					plural(len(out.Differences)+out.More, "difference"))
			}
			if !out.OK {
				return &exitError{code: exitBroken, err: fmt.Errorf("the record contradicts itself: keep a copy of it and report this")}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "team", "", "check this team only")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) fsck(ctx context.Context, name string) (*fsckJSON, error) {
	st, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	teams := []string{name}
	if name == "" {
		if teams, err = st.Teams(ctx); err != nil {
			return nil, err
		}
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
