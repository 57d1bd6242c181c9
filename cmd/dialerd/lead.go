package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

func (a *app) leadCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "lead",
		Short: "One lead by hand",
		Long:  "Adds, shows and changes single leads. What is set by hand survives every import of the lead's list.",
		Example: "  dialerd lead add +12125550123 --campaign spring --name \"Ann Example\" --urgent\n" +
			"  dialerd lead release +18005550123 --campaign spring --timezone America/New_York --state NY",
	}, a.leadAddCommand(), a.leadShowCommand(), a.leadListCommand(), a.leadSetCommand(), a.leadHoldCommand(), a.leadReleaseCommand(), a.leadCloseCommand(),
		a.leadReopenCommand())
}

// leadTarget says which lead a command is about.
type leadTarget struct {
	campaign string
	key      string
}

func (t *leadTarget) flags(cmd *cobra.Command) {
	cmd.Args = cobra.ExactArgs(1)
	cmd.Flags().StringVar(&t.campaign, "campaign", "", "campaign of the lead")
	cmd.Flags().StringVar(&t.key, "key", "", "key of the lead, where several leads share the phone")
}

// lead finds the one lead of a campaign that a phone, and if need be a key, names.
func (a *app) lead(ctx context.Context, text string, t leadTarget) (*store.Record, *campaign.Lead, error) {
	if t.campaign == "" {
		return nil, nil, usagef("--campaign NAME is missing: in which campaign is the lead?")
	}
	r, err := a.record(ctx, t.campaign)
	if err != nil {
		return nil, nil, err
	}
	phone, err := a.phone(ctx, text, t.campaign)
	if err != nil {
		return nil, nil, err
	}
	found, err := a.store.LeadsByPhone(ctx, phone, t.campaign)
	if err != nil {
		return nil, nil, err
	}
	var keys []string
	var match []*campaign.Lead
	for _, l := range found {
		keys = append(keys, fmt.Sprintf("%q", l.Key))
		if t.key == "" || l.Key == t.key {
			match = append(match, l)
		}
	}
	switch {
	case len(found) == 0:
		return nil, nil, fmt.Errorf("campaign %q has no lead with this phone: %w\nAdd it with: dialerd lead add PHONE --campaign %s\n%s",
			t.campaign, store.ErrNotFound, t.campaign, a.lookedIn())
	case len(match) == 0:
		return nil, nil, fmt.Errorf("no lead with this phone has the key %q: %w; the keys are %s", t.key, store.ErrNotFound, strings.Join(keys, ", "))
	case len(match) > 1:
		return nil, nil, usagef("%d leads of campaign %q have this phone: say which one with --key; the keys are %s", len(match), t.campaign,
			strings.Join(keys, ", "))
	}
	return r, match[0], nil
}

// leadVerb is a command that does one thing to a lead and shows it as it is then.
func (a *app) leadVerb(cmd *cobra.Command, do func(ctx context.Context, l *campaign.Lead) error) *cobra.Command {
	var t leadTarget
	t.flags(cmd)
	a.jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		_, l, err := a.lead(cmd.Context(), args[0], t)
		if err != nil {
			return err
		}
		if err := do(cmd.Context(), l); err != nil {
			return explain(err, l)
		}
		return a.showAgain(cmd.Context(), l)
	}
	return cmd
}

// explain says in words why a lead's state does not allow a change.
func explain(err error, l *campaign.Lead) error {
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	hint := ""
	switch l.State {
	case campaign.LeadCalling:
		hint = "it is being called: try again when the call has ended"
	case campaign.LeadClosed:
		hint = "it is closed: dialerd lead reopen lets it be called again"
	case campaign.LeadHeld:
		hint = "it is held: dialerd lead release lets it be called again"
	case campaign.LeadNew, campaign.LeadStaged, campaign.LeadWaiting:
		hint = "it is neither held nor closed, so there is nothing to lift"
	}
	return fmt.Errorf("%w\n%s", err, hint)
}

func (a *app) showAgain(ctx context.Context, l *campaign.Lead) error {
	now, err := a.store.Lead(ctx, l.Campaign, l.ID)
	if err != nil {
		return err
	}
	return a.printLead(now)
}

func (a *app) leadShowCommand() *cobra.Command {
	return a.leadVerb(&cobra.Command{
		Use:     "show PHONE --campaign NAME",
		Short:   "Show a lead",
		Example: "  dialerd lead show +12125550123 --campaign spring",
	}, func(context.Context, *campaign.Lead) error { return nil })
}

func (a *app) leadHoldCommand() *cobra.Command {
	var reason string
	cmd := a.leadVerb(&cobra.Command{
		Use:     "hold PHONE --campaign NAME",
		Short:   "Keep a lead from being called until it is released",
		Example: "  dialerd lead hold +12125550123 --campaign spring --reason \"asked for a letter first\"",
	}, func(ctx context.Context, l *campaign.Lead) error {
		return a.store.HoldLead(ctx, l.Campaign, l.ID, campaign.ReasonHold, reason)
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever looks at it later")
	return cmd
}

func (a *app) leadCloseCommand() *cobra.Command {
	var disposition, reason string
	cmd := a.leadVerb(&cobra.Command{
		Use:     "close PHONE --campaign NAME",
		Short:   "End a lead: it is not called any more",
		Example: "  dialerd lead close +12125550123 --campaign spring --disposition completed --reason \"bought in the shop\"",
	}, func(ctx context.Context, l *campaign.Lead) error {
		d := campaign.Disposition(disposition)
		if d != "" && !campaign.ValidDisposition(d) {
			return usagef("--disposition %q: use 1 to 64 of a-z, 0-9 and underscore", disposition)
		}
		return a.store.CloseLead(ctx, l.Campaign, l.ID, d, reason)
	})
	cmd.Flags().StringVar(&disposition, "disposition", "", "what became of it (default: as it was)")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever looks at it later")
	return cmd
}

// time reads a time as lists write it; without an offset it is in the campaign's zone.
func (a *app) time(ctx context.Context, name, flag, value string) (time.Time, error) {
	zone := time.UTC
	if name != "" {
		r, err := a.record(ctx, name)
		if err != nil {
			return time.Time{}, err
		}
		zone = r.Schedule.Location()
	}
	t, err := campaign.ParseTime(value, zone)
	if err != nil {
		return time.Time{}, usagef("%s: %w; write it as 2026-03-09T14:30:00-05:00 or 2026-03-09 14:30 (in %s)", flag, err, zone)
	}
	return t, nil
}
