package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
)

func (a *app) leadReleaseCommand() *cobra.Command {
	var o leadFlags
	var t leadTarget
	var place, reason string
	q := leadsWhere{state: campaign.LeadHeld, done: "released"}
	cmd := &cobra.Command{
		Use:   "release [PHONE] --campaign NAME",
		Short: "Let held leads be called again: one, or all that --where describes",
		Long: "Lets a held lead be called again. What it was held for has to be answered first, if need be with the flags: a lead\n" +
			"without a place (toll-free numbers, unknown area codes) needs --timezone and --region (or --state, --country), one\n" +
			"without consent --consent and --consent-at.\n" +
			"With --where instead of a phone it releases all held leads that have one of the reasons (or dispositions), the one that was called\n" +
			"longest ago first. What cannot be called yet is left held and counted.",
		Example: "  dialerd lead release +18005550123 --campaign spring --timezone America/New_York --region US-NY\n" +
			"  dialerd lead release +12125550123 --campaign spring --consent \"web form\" --consent-at 2026-01-05\n" +
			"  dialerd lead release --where reason=invalid_contact --campaign spring --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := o.roles(cmd)
			if err != nil {
				return err
			}
			if err := nameRegion(given, place); err != nil {
				return err
			}
			ctx := cmd.Context()
			if t.campaign == "" {
				return usagef("--campaign NAME is missing: in which campaign?")
			}
			if err := q.check(cmd, args, a.now()); err != nil {
				return err
			}
			if len(q.where) > 0 {
				if len(given) > 0 || cmd.Flags().Changed("urgent") || t.key != "" {
					return usagef("what is said of a lead goes with its phone, not with --where")
				}
				return a.releaseWhere(ctx, t.campaign, &q, reason)
			}
			r, l, err := a.lead(ctx, args[0], t)
			if err != nil {
				return err
			}
			if l.State != campaign.LeadHeld {
				return fmt.Errorf("the lead is %s, not held: there is nothing to release", l.State)
			}
			e := &leadEdit{app: a, record: r, lead: l, given: given}
			if err := e.place(ctx); err != nil {
				return err
			}
			if err := e.callable(a.now()); err != nil {
				return err
			}
			scope, info, err := a.store.Suppressed(ctx, "", r.Name, l.Phone)
			if err != nil {
				return err
			}
			if scope != campaign.ScopeNone {
				return fmt.Errorf("the phone is on the do-not-call list (%s) %s\nTake it off with: dialerd dnc remove", scope, parens(info.Reason))
			}
			if cmd.Flags().Changed("urgent") {
				e.edit.Urgent = &o.urgent
			}
			e.edit.Why = reason
			if err := a.store.EditLead(ctx, r.Name, l.ID, e.edit); err != nil {
				return explain(err, l)
			}
			if err := a.store.ReleaseLead(ctx, r.Name, l.ID, reason); err != nil {
				return explain(err, l)
			}
			return a.showAgain(ctx, l)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever looks at it later")
	cmd.Flags().StringVar(&place, "region", "", "country, or country and state at once, as in FR or US-NY")
	t.flags(cmd)
	q.flags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

// releaseWhere releases the held leads of a campaign that are asked for, but for those that could not be called all the same.
func (a *app) releaseWhere(ctx context.Context, name string, q *leadsWhere, reason string) error {
	r, err := a.record(ctx, name)
	if err != nil {
		return err
	}
	plan, err := a.plan(ctx, r)
	if err != nil {
		return err
	}
	now := a.now()
	places, err := a.openable(ctx, plan, now)
	if err != nil {
		return err
	}
	q.lack = func(l *campaign.Lead) (campaign.Reason, error) {
		why, err := a.notAgain(ctx, r, l)
		switch place := places[l.Lane]; {
		case err != nil || why != "":
			return why, err
		case place == nil:
			return campaign.ReasonNoWindow, nil
		case !plan.Consents(l, place, now):
			return campaign.ReasonNoConsent, nil
		}
		return "", nil
	}
	q.do = func(id string) error { return a.store.ReleaseLead(ctx, name, id, reason) }
	return a.everyWhere(ctx, name, q)
}

// nameRegion takes a region for the state and country that it stands for.
func nameRegion(given map[string]string, place string) error {
	if place == "" {
		return nil
	}
	name := strings.ToUpper(strings.TrimSpace(place))
	if t := region.Default(); len(t.Rules(name)) == 0 || strings.Contains(name, "?") {
		return usagef("--region: %w", noRegion(t, place))
	}
	country, state, _ := strings.Cut(name, "-")
	for role, value := range map[string]string{campaign.RoleCountry: country, campaign.RoleState: state} {
		if said, twice := given[role]; twice && said != value {
			return usagef("--region %s and --%s %s: say one of them", name, flagName(role), said)
		}
		if value != "" {
			given[role] = value
		}
	}
	return nil
}

// callable says what is missing for the lead to be called at some time, or nil.
func (e *leadEdit) callable(now time.Time) error {
	switch {
	case e.at == nil:
		return fmt.Errorf("the lead cannot be released: nobody can say where it is: %s\nSay so with --timezone and --state, or --timezone and --region", e.problem)
	case e.problem != "":
		return fmt.Errorf("the lead cannot be released: no window opens for it (%s)\nName a place with --timezone and --region, or change calling.hours of the campaign",
			e.problem)
	case !e.plan.Consents(&e.after, e.at, now):
		return fmt.Errorf("the lead cannot be released: %s\nGive its evidence with --consent and --consent-at", e.plan.ConsentLack(&e.after, e.at, now))
	case !e.lead.NotAfter.IsZero() && !now.Before(e.lead.NotAfter) && e.given[campaign.RoleNotAfter] == "":
		return fmt.Errorf("the lead cannot be released: it was not to be called after %s\nGive a later time with --not-after", stamp(e.lead.NotAfter))
	case e.lead.Spent() >= e.plan.Attempts.Lifetime:
		return fmt.Errorf("the lead cannot be released: it has had all its %d attempts (attempts.lifetime)", e.plan.Attempts.Lifetime)
	}
	return nil
}
