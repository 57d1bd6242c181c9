package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

func (a *app) campaignCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "campaign",
		Short: "Apply, start, stop and look at campaigns",
		Long: "A campaign with a schedule is live once it was applied; one without is started by hand. pause and stop hold a\n" +
			"campaign until resume or start, whatever its schedule says.",
		Example: "  dialerd campaign apply spring.yaml\n  dialerd campaign start spring\n  dialerd campaign status spring",
	}, a.applyCommand(), a.campaignListCommand(), a.statusCommand(), a.startCommand(), a.pauseCommand(), a.resumeCommand(),
		a.stopCommand(), a.nextCommand())
}

// listedCampaign is a campaign in `campaign list`.
type listedCampaign struct {
	Campaign string `json:"campaign"`
	Team     string `json:"team"`
	State    string `json:"state"`
	Hold     text   `json:"hold"`
	Version  int    `json:"version"`
	Leads    int    `json:"leads"`
	Open     int    `json:"open"`
	Problem  string `json:"problem,omitempty"`
}

func (a *app) campaignListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the campaigns",
		Example: "  dialerd campaign list\n  dialerd campaign list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			records, err := a.records(cmd.Context(), "")
			if err != nil {
				return err
			}
			listed := make([]listedCampaign, 0, len(records))
			for _, r := range records {
				counts, err := a.store.Counts(cmd.Context(), r.Name)
				if err != nil {
					return err
				}
				listed = append(listed, listedCampaign{
					Campaign: r.Name, Team: r.Team, State: string(r.StateAt(a.now(), r.Hold, counts.Open(), counts.Leads)), Hold: text(r.Hold),
					Version: r.Version, Leads: counts.Leads, Open: counts.Open(), Problem: r.Problem,
				})
			}
			for _, damage := range a.store.Damaged("") {
				a.note("%s\n", damage)
			}
			return a.printCampaigns(listed)
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printCampaigns(listed []listedCampaign) error {
	if a.json {
		return a.printJSON(map[string]any{"campaigns": listed})
	}
	if len(listed) == 0 {
		a.say("there are no campaigns yet; add one with: dialerd campaign apply FILE\n")
		return nil
	}
	rows := make([][]string, len(listed))
	for i, l := range listed {
		rows[i] = []string{l.Campaign, l.Team, l.State, fmt.Sprint(l.Leads), fmt.Sprint(l.Open), fmt.Sprint(l.Version), dash(l.Problem)}
	}
	printTable(a.out, []string{"campaign", "team", "state", "leads", "open", "version", "problem"}, rows)
	return nil
}

// eventJSON is one event of a schedule.
type eventJSON struct {
	At     stamp  `json:"at"`
	Action string `json:"action"`
}

func eventsJSON(events []campaign.Event) []eventJSON {
	out := make([]eventJSON, 0, len(events))
	for _, e := range events {
		out = append(out, eventJSON{stamp(e.At), string(e.Action)})
	}
	return out
}

func (a *app) nextCommand() *cobra.Command {
	var n int
	cmd := &cobra.Command{
		Use:   "next NAME",
		Short: "Show what a campaign's schedule does next",
		Long: "Shows the next events of a campaign's schedule, in its own zone and in UTC. At a change of the clocks, a time that\n" +
			"does not exist happens at the first instant after the gap, and one that exists twice happens the first time only.\n" +
			"At the same instant stop wins over start. A hold by hand (pause, stop) outlives all of them.",
		Example: "  dialerd campaign next spring\n  dialerd campaign next spring -n 30 --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 || n > 10000 {
				return usagef("-n %d: want 1 to 10000", n)
			}
			r, err := a.record(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			events := r.Schedule.Next(a.now(), n)
			if a.json {
				return a.printJSON(struct {
					Campaign string      `json:"campaign"`
					Timezone string      `json:"timezone"`
					Hold     text        `json:"hold"`
					Next     []eventJSON `json:"next"`
				}{r.Name, r.Schedule.Location().String(), text(r.Hold), eventsJSON(events)})
			}
			a.printNext(r, events)
			return nil
		},
	}
	cmd.Flags().IntVarP(&n, "number", "n", 10, "how many events")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printNext(r *store.Record, events []campaign.Event) {
	if len(events) == 0 {
		a.say("campaign %s has no schedule: it is started and stopped by hand\n", r.Name)
		return
	}
	zone := r.Schedule.Location()
	rows := make([][]string, len(events))
	for i, e := range events {
		rows[i] = []string{string(e.Action), e.At.In(zone).Format("Mon 2006-01-02 15:04 MST"), stamp(e.At).String()}
	}
	printTable(a.out, []string{"action", zone.String(), "UTC"}, rows)
	if r.Hold == campaign.HoldPaused || r.Hold == campaign.HoldStopped {
		a.say("the campaign is %s by hand, so none of this makes it call\n", r.Hold)
	}
}

// stateOf is where a campaign stands now.
func (a *app) stateOf(ctx context.Context, r *store.Record, now time.Time) (campaign.State, error) {
	counts, err := a.store.Counts(ctx, r.Name)
	if err != nil {
		return "", err
	}
	return r.StateAt(now, r.Hold, counts.Open(), counts.Leads), nil
}
