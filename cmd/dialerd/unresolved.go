package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
)

// unresolvedJSON is a call without an outcome.
type unresolvedJSON struct {
	Team     string         `json:"team"`
	Campaign string         `json:"campaign"`
	Lead     string         `json:"lead"`
	Phone    campaign.Phone `json:"phone"`
	Attempt  string         `json:"attempt"`
	State    string         `json:"state"`
	Since    stamp          `json:"since"`
	AgeS     float64        `json:"age_s"`
	Agent    text           `json:"agent"`
	CallID   text           `json:"call_id"`
}

func (a *app) unresolvedCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "unresolved",
		Short: "List calls that have no outcome yet, and since when",
		Long: "Lists the accepted and unknown calls that are older than reconcile.unresolved of their team and still have no outcome.\n" +
			"They go on being looked up; none of them is dialled again before its outcome is known or its time is over.",
		Example: "  dialerd unresolved\n  dialerd unresolved --campaign spring --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := a.unresolved(cmd.Context(), name, a.now())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"attempts": found})
			}
			if len(found) == 0 {
				a.say("every call has its outcome, or is too young to be missed\n")
				return nil
			}
			rows := make([][]string, len(found))
			for i, u := range found {
				age := time.Duration(u.AgeS * float64(time.Second)).Round(time.Second)
				rows[i] = []string{u.Campaign, string(u.Phone), u.State, u.Since.String(), age.String(), u.Attempt, dash(string(u.CallID))}
			}
			printTable(a.out, []string{"campaign", "phone", "state", "since", "age", "attempt", "call"}, rows)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "campaign", "", "calls of this campaign only")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) unresolved(ctx context.Context, name string, now time.Time) ([]unresolvedJSON, error) {
	settings, err := a.load()
	if err != nil {
		return nil, err
	}
	if _, err := a.open(ctx); err != nil {
		return nil, err
	}
	teams := settings.Teams
	if name != "" {
		r, err := a.record(ctx, name)
		if err != nil {
			return nil, err
		}
		t, ok := settings.Team(r.Team)
		if !ok {
			return nil, fmt.Errorf("campaign %q is of team %q, which the settings do not have", name, r.Team)
		}
		teams = []config.Team{*t}
	}
	found := []unresolvedJSON{}
	for i := range teams {
		t := &teams[i]
		attempts, err := a.store.Unresolved(ctx, t.Name, now.Add(-t.Reconcile.Unresolved))
		if err != nil {
			return nil, err
		}
		for _, at := range attempts {
			if name == "" || at.Campaign == name {
				found = append(found, unresolvedJSON{
					t.Name, at.Campaign, at.Lead, at.Phone, at.ID, string(at.State), stamp(at.At), seconds(now.Sub(at.At)), text(at.Agent), text(at.CallID),
				})
			}
		}
	}
	slices.SortFunc(found, func(a, b unresolvedJSON) int {
		return cmp.Or(time.Time(a.Since).Compare(time.Time(b.Since)), cmp.Compare(a.Attempt, b.Attempt))
	})
	return found, nil
}
