package main

import (
	"context"
	"fmt"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

func (a *app) dncCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "dnc",
		Short: "Do-not-call lists: global, of a team, of a campaign",
		Long: "Keeps the do-not-call lists. A phone on the global list is called by nobody, one on a team's list by no campaign of the\n" +
			"team, one on a campaign's list not by that campaign.",
		Example: "  dialerd dnc add +12125550123 --reason \"asked by letter\"\n  dialerd dnc import optouts.csv --global",
	}, a.dncAddCommand(), a.dncRemoveCommand(), a.dncCheckCommand(), a.dncImportCommand(), a.dncExportCommand())
}

// dncFlags say which do-not-call list is meant.
type dncFlags struct {
	team     string
	campaign string
	global   bool
}

func (f *dncFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.team, "team", "", "the list of this team (default: of the only team)")
	cmd.Flags().StringVar(&f.campaign, "campaign", "", "the list of this campaign alone")
	cmd.Flags().BoolVar(&f.global, "global", false, "the list of everybody")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		named := 0
		for _, set := range []bool{f.team != "", f.campaign != "", f.global} {
			if set {
				named++
			}
		}
		if named > 1 {
			return usagef("--team, --campaign and --global name different lists: keep one of them")
		}
		return nil
	}
}

// scope is the list that the flags name.
func (a *app) scope(ctx context.Context, f dncFlags) (store.Suppression, error) {
	if _, err := a.open(ctx); err != nil {
		return store.Suppression{}, err
	}
	switch {
	case f.global:
		return store.Suppression{Scope: campaign.ScopeGlobal}, nil
	case f.campaign != "":
		r, err := a.record(ctx, f.campaign)
		if err != nil {
			return store.Suppression{}, err
		}
		return store.Suppression{Scope: campaign.ScopeCampaign, Team: r.Team, Campaign: r.Name}, nil
	}
	t, err := a.teamOr(f.team)
	if err != nil {
		return store.Suppression{}, fmt.Errorf("%w, or --campaign NAME or --global", err)
	}
	return store.Suppression{Scope: campaign.ScopeTeam, Team: t.Name}, nil
}

// operator is who changes a list, for whoever looks at it later.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "operator " + u.Username
	}
	return "operator"
}

// dncJSON is what `dnc add`, `remove` and `import` print.
type dncJSON struct {
	Scope    string `json:"scope"`
	Team     text   `json:"team"`
	Campaign text   `json:"campaign"`
	Phones   int    `json:"phones"`
	Added    int    `json:"added"`   // that were not on the list
	Removed  int    `json:"removed"` // that were on it
	Closed   int    `json:"closed"`  // leads that were closed for it
}

func newDNC(q store.Suppression) dncJSON {
	return dncJSON{Scope: string(q.Scope), Team: text(q.Team), Campaign: text(q.Campaign), Phones: len(q.Phones)}
}

// name is the list for people.
func (d *dncJSON) name() string {
	switch {
	case d.Campaign != "":
		return "the list of campaign " + string(d.Campaign)
	case d.Team != "":
		return "the list of team " + string(d.Team)
	}
	return "the global list"
}

func (a *app) dncAddCommand() *cobra.Command {
	var f dncFlags
	var reason string
	cmd := &cobra.Command{
		Use:   "add PHONE…",
		Short: "Put phones on a do-not-call list",
		Long: "Puts phones on a do-not-call list and closes their leads. When it returns, no call request to them is on its way any\n" +
			"more, from any worker; that takes as long as one request may at most.",
		Example: "  dialerd dnc add +12125550123 --reason \"asked by letter\"\n  dialerd dnc add +12125550123 +13125550123 --global",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := a.scope(cmd.Context(), f)
			if err != nil {
				return err
			}
			if q.Phones, err = a.phones(cmd.Context(), args, q.Campaign); err != nil {
				return err
			}
			q.Reason, q.By = reason, operator()
			sum, err := a.suppress(cmd.Context(), q)
			if err != nil {
				return err
			}
			out := newDNC(q)
			out.Added, out.Closed = sum.Added, sum.Closed
			if a.json {
				return a.printJSON(out)
			}
			a.say("%s on %s, %d of them new; %s closed\n", plural(out.Phones, "phone"), out.name(), out.Added, plural(out.Closed, "lead"))
			return nil
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever looks at it later")
	a.jsonFlag(cmd)
	return cmd
}

// suppress puts phones on a list and waits until no request to them is on its way.
func (a *app) suppress(ctx context.Context, q store.Suppression) (store.SuppressResult, error) {
	sum, err := a.store.Suppress(ctx, q, a.now())
	if err != nil {
		return sum, err
	}
	if err := a.quiet(ctx, store.Scope{Team: q.Team, Campaign: q.Campaign, Phones: q.Phones}); err != nil {
		return sum, fmt.Errorf("the phones are on the list, but whether a request is still on its way is not known: %w", err)
	}
	return sum, nil
}

func (a *app) dncRemoveCommand() *cobra.Command {
	var f dncFlags
	var reason string
	cmd := &cobra.Command{
		Use:   "remove PHONE…",
		Short: "Take phones off a do-not-call list",
		Long: "Takes phones off a do-not-call list and remembers why. Leads that were closed for it stay closed: dialerd lead reopen.\n" +
			"A phone may be on a wider list as well: dialerd dnc check.",
		Example: "  dialerd dnc remove +12125550123 --reason \"signed up again on 2026-03-01\"",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return usagef("--reason is missing: say why these people may be called again")
			}
			q, err := a.scope(cmd.Context(), f)
			if err != nil {
				return err
			}
			if q.Phones, err = a.phones(cmd.Context(), args, q.Campaign); err != nil {
				return err
			}
			q.Reason, q.By = reason, operator()
			n, err := a.store.Unsuppress(cmd.Context(), q, a.now())
			if err != nil {
				return err
			}
			out := newDNC(q)
			out.Removed = n
			if a.json {
				return a.printJSON(out)
			}
			a.say("%d of %s taken off %s\n", n, plural(len(q.Phones), "phone"), out.name())
			return nil
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why they may be called again (needed)")
	a.jsonFlag(cmd)
	return cmd
}
