package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
)

func (a *app) leadReopenCommand() *cobra.Command {
	var notBefore, reason string
	var t leadTarget
	q := leadsWhere{state: campaign.LeadClosed, done: "reopened"}
	cmd := &cobra.Command{
		Use:   "reopen [PHONE] --campaign NAME",
		Short: "Let closed leads be called again: one, or all that --where describes",
		Long: "Lets a closed lead be called again. Its attempts still count, so one that has had all of them stays uncalled.\n" +
			"A phone on a do-not-call list has to be taken off it first (dialerd dnc remove).\n" +
			"With --where instead of a phone it reopens all closed leads that have one of the dispositions (or reasons), the one that was\n" +
			"called longest ago first. What cannot be called again is left closed and counted.",
		Example: "  dialerd lead reopen +12125550123 --campaign spring --not-before 2026-12-01T15:00:00Z\n" +
			"  dialerd lead reopen --where disposition=no_answer,busy --older-than 30d --campaign spring --limit 500 --dry-run",
	}
	t.flags(cmd)
	q.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if t.campaign == "" {
			return usagef("--campaign NAME is missing: in which campaign?")
		}
		if err := q.check(cmd, args, a.now()); err != nil {
			return err
		}
		var due time.Time
		if notBefore != "" {
			var err error
			if due, err = a.time(ctx, t.campaign, "--not-before", notBefore); err != nil {
				return err
			}
		}
		if len(q.where) > 0 {
			r, err := a.record(ctx, t.campaign)
			if err != nil {
				return err
			}
			q.lack = func(l *campaign.Lead) (campaign.Reason, error) { return a.notAgain(ctx, r, l) }
			q.do = func(id string) error { return a.store.ReopenLead(ctx, r.Name, id, due, reason) }
			return a.everyWhere(ctx, r.Name, &q)
		}
		_, l, err := a.lead(ctx, args[0], t)
		if err != nil {
			return err
		}
		if err := a.store.ReopenLead(ctx, l.Campaign, l.ID, due, reason); err != nil {
			return explain(err, l)
		}
		return a.showAgain(ctx, l)
	}
	cmd.Flags().StringVar(&notBefore, "not-before", "", "do not call before this time")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever looks at it later")
	a.jsonFlag(cmd)
	return cmd
}
