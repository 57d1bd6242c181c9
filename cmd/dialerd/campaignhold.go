package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
)

// holdJSON is what start, pause, resume and stop print.
type holdJSON struct {
	Campaign    string            `json:"campaign"`
	Team        string            `json:"team"`
	State       string            `json:"state"`
	Hold        text              `json:"hold"`
	TeamPaused  text              `json:"team_paused"`  // why no campaign of the team is called
	TeamResumed text              `json:"team_resumed"` // the pause of the team that was lifted
	Import      *importer.Summary `json:"import"`       // of start
	Problem     string            `json:"problem,omitempty"`
}

// holdCommand is a command that changes the hold of one campaign.
func (a *app) holdCommand(cmd *cobra.Command, do func(ctx context.Context, r *store.Record, out *holdJSON) error) *cobra.Command {
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		r, err := a.record(ctx, args[0])
		if err != nil {
			return err
		}
		out := &holdJSON{Campaign: r.Name, Team: r.Team}
		if err := do(ctx, r, out); err != nil {
			return err
		}
		if r, err = a.record(ctx, r.Name); err != nil {
			return err
		}
		state, err := a.stateOf(ctx, r, a.now())
		if err != nil {
			return err
		}
		team, err := a.store.Team(ctx, r.Team)
		if err != nil {
			return err
		}
		out.State, out.Hold, out.TeamPaused, out.Problem = string(state), text(r.Hold), text(team.Paused), r.Problem
		return a.printHold(r, out)
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printHold(r *store.Record, out *holdJSON) error {
	if a.json {
		return a.printJSON(out)
	}
	if out.Import != nil {
		a.say("%s", importText(&imported{Summary: out.Import}))
	}
	a.say("campaign %s is %s\n", out.Campaign, out.State)
	if out.TeamResumed != "" {
		a.say("the pause of team %s was lifted (%s)\n", out.Team, out.TeamResumed)
	}
	if out.TeamPaused != "" {
		a.say("team %s is paused: %s\nMend that, then: dialerd campaign resume %s\n", out.Team, out.TeamPaused, out.Campaign)
	}
	if out.Problem != "" {
		a.say("it cannot call: %s\n", out.Problem)
	}
	if out.State == string(campaign.Idle) && r.Schedule.Starts() {
		for _, e := range r.Schedule.Next(a.now(), 200) {
			if e.Action == campaign.ActionStart {
				a.say("its schedule starts it at %s (%s)\n", e.At.In(r.Schedule.Location()).Format("Mon 2006-01-02 15:04 MST"), stamp(e.At))
				break
			}
		}
	}
	return nil
}

func (a *app) startCommand() *cobra.Command {
	var noImport bool
	cmd := a.holdCommand(&cobra.Command{
		Use:   "start NAME",
		Short: "Read a campaign's lists and let it call",
		Long: "Reads the campaign's lists, then lets it call: one without a schedule from now on, one with a schedule whenever that\n" +
			"says so. Lifts a stop and a pause. It does not wait for a daemon; one has to run for calls to be placed.",
		Example: "  dialerd campaign start spring\n  dialerd campaign start spring --no-import",
	}, func(ctx context.Context, r *store.Record, out *holdJSON) error {
		if len(r.Leads) > 0 && !noImport {
			var err error
			if out.Import, err = a.importLists(ctx, r.Name, importOptions{}); err != nil {
				return fmt.Errorf("the lists could not be read, so the campaign was not started: %w", err)
			}
		}
		_, err := a.store.SetHold(ctx, r.Name, a.going(r), a.now())
		return err
	})
	cmd.Flags().BoolVar(&noImport, "no-import", false, "do not read the lists first")
	return cmd
}

// going is the hold of a campaign that nobody holds.
func (a *app) going(r *store.Record) campaign.Hold {
	if r.Schedule.Starts() {
		return campaign.HoldNone
	}
	return campaign.HoldStarted
}

func (a *app) pauseCommand() *cobra.Command {
	return a.holdCommand(&cobra.Command{
		Use:   "pause NAME",
		Short: "Keep a campaign from calling until it is resumed",
		Long: "Keeps a campaign from calling until resume or start, whatever its schedule says. When it returns, no call request of\n" +
			"the campaign is on its way any more, from any worker. That takes as long as one request may at most, even if a worker\n" +
			"is frozen. Calls that ring already go on.",
		Example: "  dialerd campaign pause spring",
	}, func(ctx context.Context, r *store.Record, _ *holdJSON) error {
		if r.Hold == campaign.HoldStopped { // which is more than a pause
			return a.quiet(ctx, store.Scope{Campaign: r.Name})
		}
		return a.hold(ctx, r, campaign.HoldPaused)
	})
}

func (a *app) stopCommand() *cobra.Command {
	return a.holdCommand(&cobra.Command{
		Use:   "stop NAME",
		Short: "Stop a campaign until it is started again",
		Long: "Stops a campaign until start, whatever its schedule says. When it returns, no call request of the campaign is on its\n" +
			"way any more, from any worker. That takes as long as one request may at most, even if a worker is frozen. Calls\n" +
			"that ring already go on.",
		Example: "  dialerd campaign stop spring",
	}, func(ctx context.Context, r *store.Record, _ *holdJSON) error {
		return a.hold(ctx, r, campaign.HoldStopped)
	})
}

// hold holds a campaign and waits until nothing of it is on its way.
func (a *app) hold(ctx context.Context, r *store.Record, h campaign.Hold) error {
	if _, err := a.store.SetHold(ctx, r.Name, h, a.now()); err != nil {
		return err
	}
	if err := a.quiet(ctx, store.Scope{Campaign: r.Name}); err != nil {
		return fmt.Errorf("campaign %s is %s, but whether a request is still on its way is not known: %w", r.Name, h, err)
	}
	return nil
}

func (a *app) resumeCommand() *cobra.Command {
	return a.holdCommand(&cobra.Command{
		Use:   "resume NAME",
		Short: "Let a paused campaign call again",
		Long: "Lifts the pause of a campaign. It lifts the pause of its team as well, if the team was paused because the API refused\n" +
			"its credentials: mend them first. A stopped campaign is not resumed but started.",
		Example: "  dialerd campaign resume spring",
	}, func(ctx context.Context, r *store.Record, out *holdJSON) error {
		if r.Hold == campaign.HoldStopped {
			return fmt.Errorf("campaign %q is stopped, not paused\nLet it call again with: dialerd campaign start %s", r.Name, r.Name)
		}
		team, err := a.store.Team(ctx, r.Team)
		if err != nil {
			return err
		}
		if team.Paused != "" {
			if _, err := a.store.ResumeTeam(ctx, r.Team); err != nil {
				return err
			}
			out.TeamResumed = text(team.Paused)
		}
		if r.Hold != campaign.HoldPaused {
			return nil
		}
		hold := a.going(r)
		if hold == campaign.HoldStarted && r.StartedAt.IsZero() {
			hold = campaign.HoldNone // it was paused before it was ever started
		}
		_, err = a.store.SetHold(ctx, r.Name, hold, a.now())
		return err
	})
}
