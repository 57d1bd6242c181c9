package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/store"
)

// appliedJSON is what became of one campaign of an apply.
type appliedJSON struct {
	Campaign string   `json:"campaign"`
	Team     string   `json:"team"`
	Version  int      `json:"version"`
	Created  bool     `json:"created"`
	Changed  bool     `json:"changed"`
	Changes  []change `json:"changes"`
}

func (a *app) applyCommand() *cobra.Command {
	var plan bool
	cmd := &cobra.Command{
		Use:   "apply FILE…",
		Short: "Store campaigns from their files",
		Long: "Checks campaign files and stores their campaigns: all of them, or on any mistake none. The same file again changes\n" +
			"nothing. Lists are not read: that is what import, start and the schedule's import do. A campaign with a schedule is\n" +
			"live once it was applied.",
		Example: "  dialerd campaign apply spring.yaml\n  dialerd campaign apply --plan campaigns/*.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			campaigns, err := a.readCampaigns(files)
			if err != nil {
				return err
			}
			applied := make([]appliedJSON, 0, len(campaigns))
			for i := range campaigns {
				done, err := a.compare(cmd.Context(), &campaigns[i])
				if err != nil {
					return err
				}
				applied = append(applied, done)
			}
			if !plan {
				for i := range campaigns {
					got, err := a.store.Apply(cmd.Context(), campaigns[i], a.now())
					if err != nil {
						return err
					}
					applied[i].Version, applied[i].Created, applied[i].Changed = got.Version, got.Created, got.Changed
				}
			}
			return a.printApplied(campaigns, applied, plan)
		},
	}
	cmd.Flags().BoolVar(&plan, "plan", false, "change nothing, show what would change")
	a.jsonFlag(cmd)
	return cmd
}

// readCampaigns reads the files and reports what is wrong in any of them, together.
func (a *app) readCampaigns(files []string) ([]campaign.Campaign, error) {
	settings, err := a.load()
	if err != nil {
		return nil, err
	}
	var all []campaign.Campaign
	var errs []error
	from := map[string]string{}
	for _, file := range files {
		campaigns, err := config.LoadCampaigns(file, settings)
		if err != nil {
			if _, bad := errors.AsType[config.Problems](err); !bad && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			errs = append(errs, err)
			continue
		}
		for _, c := range campaigns {
			if first, twice := from[c.Name]; twice {
				errs = append(errs, fmt.Errorf("%s: campaign %q stands in %s as well; give each its own name", file, c.Name, first))
			}
			from[c.Name] = file
		}
		all = append(all, campaigns...)
	}
	return all, usage(errors.Join(errs...))
}

// compare says what applying a campaign would change.
func (a *app) compare(ctx context.Context, c *campaign.Campaign) (appliedJSON, error) {
	done := appliedJSON{Campaign: c.Name, Team: c.Team, Version: 1, Created: true, Changed: true, Changes: []change{}}
	st, err := a.open(ctx)
	if err != nil {
		return done, err
	}
	was, err := st.Campaign(ctx, c.Name)
	if errors.Is(err, store.ErrNotFound) {
		return done, nil
	}
	if err != nil {
		return done, err
	}
	if was.Team != c.Team {
		return done, fmt.Errorf("the name %q belongs to a campaign of team %q: give the campaign of team %q another", c.Name, was.Team, c.Team)
	}
	done.Changes = changes(&was.Campaign, c)
	done.Created, done.Changed, done.Version = false, len(done.Changes) > 0, was.Version
	if done.Changed {
		done.Version++
	}
	return done, nil
}

func (a *app) printApplied(campaigns []campaign.Campaign, applied []appliedJSON, plan bool) error {
	if a.json {
		return a.printJSON(struct {
			Plan      bool          `json:"plan"`
			Campaigns []appliedJSON `json:"campaigns"`
		}{plan, applied})
	}
	would := ""
	if plan {
		would = "would be "
	}
	for i, c := range applied {
		switch {
		case c.Created:
			a.say("%s: %sadded\n", c.Campaign, would)
		case c.Changed:
			a.say("%s: %schanged, version %d\n", c.Campaign, would, c.Version)
		default:
			a.say("%s: unchanged\n", c.Campaign)
		}
		for _, d := range c.Changes {
			a.say("  %s: %s → %s\n", d.Field, dash(d.Old), dash(d.New))
		}
		if plan || !c.Created {
			continue
		}
		if campaigns[i].Schedule.Starts() {
			a.say("  it follows its schedule from now on; read its lists with: dialerd import --campaign %s\n", c.Campaign)
		} else {
			a.say("  read its lists and start it with: dialerd campaign start %s\n", c.Campaign)
		}
	}
	return nil
}
