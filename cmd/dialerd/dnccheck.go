package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// listing is a do-not-call list that a phone is on.
type listing struct {
	Scope    string `json:"scope"`
	Team     text   `json:"team"`
	Campaign text   `json:"campaign"`
	Reason   text   `json:"reason"`
	By       text   `json:"by"`
	At       stamp  `json:"at"`
}

// String is the listing for people.
func (l listing) String() string {
	s := l.Scope
	switch {
	case l.Campaign != "":
		s += " " + string(l.Campaign)
	case l.Team != "":
		s += " " + string(l.Team)
	}
	if l.Reason != "" {
		s += fmt.Sprintf(" (%s)", l.Reason)
	}
	return s
}

// checkedPhone is what `dnc check` says of one phone.
type checkedPhone struct {
	Phone      campaign.Phone `json:"phone"`
	Suppressed bool           `json:"suppressed"`
	Lists      []listing      `json:"lists"` // the widest one for each team and campaign

	// National says of each country's list whether the phone is on it: that matters to campaigns that ask for it.
	National []campaign.National `json:"national"`
}

func (a *app) dncCheckCommand() *cobra.Command {
	var f dncFlags
	cmd := &cobra.Command{
		Use:   "check PHONE…",
		Short: "Say which do-not-call lists phones are on",
		Long: "Says which do-not-call lists phones are on: those of all teams and campaigns, or with a flag those that matter for the one\n" +
			"named. The exit code is 0 either way.",
		Example: "  dialerd dnc check +12125550123\n  dialerd dnc check +12125550123 --campaign spring --json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			phones, err := a.phones(cmd.Context(), args, f.campaign)
			if err != nil {
				return err
			}
			checked := make([]checkedPhone, 0, len(phones))
			for _, phone := range phones {
				lists, err := a.listings(cmd.Context(), phone, f)
				if err != nil {
					return err
				}
				national, err := a.nationals(cmd.Context(), phone)
				if err != nil {
					return err
				}
				checked = append(checked, checkedPhone{phone, len(lists) > 0, lists, national})
			}
			if a.json {
				return a.printJSON(map[string]any{"phones": checked})
			}
			for _, c := range checked {
				if !c.Suppressed {
					a.say("%s is on no do-not-call list\n", c.Phone)
				}
				for _, l := range c.Lists {
					a.say("%s is on a do-not-call list: %s\n", c.Phone, l)
				}
				for _, n := range c.National {
					if n.Listed {
						a.say("%s is on the national list of %s\n", c.Phone, n)
					}
				}
			}
			return nil
		},
	}
	f.flags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

// listings finds the lists that a phone is on, the widest first.
func (a *app) listings(ctx context.Context, phone campaign.Phone, f dncFlags) ([]listing, error) {
	st, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	found := []listing{}
	ask := func(team, name string, want campaign.Scope) error {
		scope, info, err := st.Suppressed(ctx, team, name, phone)
		if err == nil && scope == want {
			found = append(found, newListing(scope, team, name, info))
		}
		return err
	}
	if err := ask("", "", campaign.ScopeGlobal); err != nil || f.global || len(found) > 0 {
		return found, err
	}
	teams, records, err := a.reach(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, team := range teams {
		if err := ask(team, "", campaign.ScopeTeam); err != nil {
			return nil, err
		}
	}
	for _, r := range records {
		if err := ask(r.Team, r.Name, campaign.ScopeCampaign); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// nationals asks every national list about a phone.
func (a *app) nationals(ctx context.Context, phone campaign.Phone) ([]campaign.National, error) {
	lists, err := a.store.NationalLists(ctx)
	if err != nil {
		return nil, err
	}
	countries := make([]string, len(lists))
	for i, l := range lists {
		countries[i] = l.Country
	}
	found, err := a.store.OnNational(ctx, countries, phone)
	if found == nil {
		found = []campaign.National{}
	}
	return found, err
}

func newListing(scope campaign.Scope, team, name string, info store.SuppressionInfo) listing {
	return listing{string(scope), text(team), text(name), text(info.Reason), text(info.By), stamp(info.At)}
}

// reach is the teams and campaigns whose lists matter for what the flags name: all of them when nothing is named.
func (a *app) reach(ctx context.Context, f dncFlags) ([]string, []*store.Record, error) {
	if f.campaign != "" {
		r, err := a.record(ctx, f.campaign)
		if err != nil {
			return nil, nil, err
		}
		return []string{r.Team}, []*store.Record{r}, nil
	}
	if f.team != "" {
		t, err := a.teamOr(f.team)
		if err != nil {
			return nil, nil, err
		}
		records, err := a.store.TeamCampaigns(ctx, t.Name)
		return []string{t.Name}, records, err
	}
	s, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	teams, err := a.store.Teams(ctx)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, t := range teams {
		known[t] = true
	}
	for i := range s.Teams {
		if name := s.Teams[i].Name; !known[name] {
			teams = append(teams, name)
		}
	}
	records, err := a.store.Campaigns(ctx)
	return teams, records, err
}
