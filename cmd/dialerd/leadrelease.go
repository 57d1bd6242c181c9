package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
)

func (a *app) leadReleaseCommand() *cobra.Command {
	var o leadFlags
	var t leadTarget
	cmd := &cobra.Command{
		Use:   "release PHONE --campaign NAME",
		Short: "Let a held lead be called again",
		Long: "Lets a held lead be called again. What it was held for has to be answered first, if need be with the flags: a lead\n" +
			"without a place (toll-free numbers, unknown area codes) needs --timezone and --state or --country, one without consent\n" +
			"--consent and --consent-at.",
		Example: "  dialerd lead release +18005550123 --campaign spring --timezone America/New_York --state NY\n" +
			"  dialerd lead release +12125550123 --campaign spring --consent \"web form\" --consent-at 2026-01-05",
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := o.roles(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
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
			if err := a.store.EditLead(ctx, r.Name, l.ID, e.edit); err != nil {
				return explain(err, l)
			}
			if err := a.store.ReleaseLead(ctx, r.Name, l.ID); err != nil {
				return explain(err, l)
			}
			return a.showAgain(ctx, l)
		},
	}
	o.flags(cmd)
	t.flags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

// callable says what is missing for the lead to be called at some time, or nil.
func (e *leadEdit) callable(now time.Time) error {
	switch {
	case e.at == nil:
		return fmt.Errorf("the lead cannot be released: nobody can say where it is: %s\nSay so with --timezone and --state, or --timezone and --country", e.problem)
	case e.problem != "":
		return fmt.Errorf("the lead cannot be released: no window opens for it (%s)\nName a place with --timezone and --state, or change calling.hours of the campaign",
			e.problem)
	case !e.plan.Consents(&e.after, e.at, now):
		return fmt.Errorf("the lead cannot be released: consent is missing or too old\nGive its evidence with --consent and --consent-at")
	case !e.lead.NotAfter.IsZero() && !now.Before(e.lead.NotAfter) && e.given[campaign.RoleNotAfter] == "":
		return fmt.Errorf("the lead cannot be released: it was not to be called after %s\nGive a later time with --not-after", stamp(e.lead.NotAfter))
	case e.lead.Spent() >= e.plan.Attempts.Lifetime:
		return fmt.Errorf("the lead cannot be released: it has had all its %d attempts (attempts.lifetime)", e.plan.Attempts.Lifetime)
	}
	return nil
}
