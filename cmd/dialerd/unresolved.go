package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/dialer"
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

// oddJSON is a status word of the API that nobody knows.
type oddJSON struct {
	Team     string `json:"team"`
	Campaign string `json:"campaign"`
	Status   string `json:"status"`
	Calls    int    `json:"calls"` // of which it is the last word
}

func (a *app) unresolvedCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "unresolved",
		Short: "List calls that have no outcome yet, and since when",
		Long: "Lists the accepted and unknown calls that are older than reconcile.unresolved of their team and still have no outcome.\n" +
			"They go on being looked up; none of them is dialled again before its outcome is known or its time is over.\n\n" +
			"Lists as well the status words of the API that nobody knows, and how many calls have each as their last word. A call that ended\n" +
			"with one counts as unknown: say what it means under statuses in the campaign file, as in statuses: {HUNG_UP: no_answer}.",
		Example: "  dialerd unresolved\n  dialerd unresolved --campaign spring --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := a.unresolved(cmd.Context(), name, a.now())
			if err != nil {
				return err
			}
			odd, err := a.oddWords(cmd.Context(), name)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"attempts": found, "statuses": odd})
			}
			a.printUnresolved(found)
			a.printOdd(odd)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "campaign", "", "calls of this campaign only")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printUnresolved(found []unresolvedJSON) {
	if len(found) == 0 {
		a.say("every call has its outcome, or is too young to be missed\n")
		return
	}
	rows := make([][]string, len(found))
	for i, u := range found {
		age := time.Duration(u.AgeS * float64(time.Second)).Round(time.Second)
		rows[i] = []string{u.Campaign, string(u.Phone), u.State, u.Since.String(), age.String(), u.Attempt, dash(string(u.CallID))}
	}
	printTable(a.out, []string{"campaign", "phone", "state", "since", "age", "attempt", "call"}, rows)
}

func (a *app) printOdd(odd []oddJSON) {
	if len(odd) == 0 {
		return
	}
	rows := make([][]string, len(odd))
	for i, o := range odd {
		rows[i] = []string{o.Campaign, o.Status, strconv.Itoa(o.Calls)}
	}
	a.say("\nstatus words that nobody knows; say what they mean under statuses in the campaign file\n")
	printTable(a.out, []string{"campaign", "status", "calls"}, rows)
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

// oddWords lists the status words that nobody knows, of one campaign or of all of the teams in the settings.
func (a *app) oddWords(ctx context.Context, name string) ([]oddJSON, error) {
	odd := []oddJSON{}
	settings, err := a.load()
	if err != nil {
		return nil, err
	}
	for i := range settings.Teams {
		records, err := a.store.TeamCampaigns(ctx, settings.Teams[i].Name)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if name != "" && r.Name != name {
				continue
			}
			counts, err := a.store.Counts(ctx, r.Name)
			if err != nil {
				return nil, err
			}
			for _, word := range slices.Sorted(maps.Keys(counts.OddWords)) {
				if !dialer.Mapped(&r.Campaign, word) { // somebody has said meanwhile what it means
					odd = append(odd, oddJSON{r.Team, r.Name, word, counts.OddWords[word]})
				}
			}
		}
	}
	return odd, nil
}
