package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/store"
)

// recycling is what `lead reopen` was asked for.
type recycling struct {
	where  []string
	older  string
	limit  int
	dryRun bool
	due    time.Time
	reason string

	dispositions, reasons []string // of which a lead must have one; none = any
	before                time.Time
}

// recycledJSON is what `lead reopen --where` prints.
type recycledJSON struct {
	Campaign string         `json:"campaign"`
	Matched  int            `json:"matched"`
	Reopened int            `json:"reopened"` // with --dry-run: that would be
	Skipped  map[string]int `json:"skipped"`  // matched, but cannot be called again: reason → leads
	DryRun   bool           `json:"dry_run"`
}

func (a *app) leadReopenCommand() *cobra.Command {
	var notBefore string
	var t leadTarget
	var q recycling
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
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if t.campaign == "" {
			return usagef("--campaign NAME is missing: in which campaign?")
		}
		if err := q.check(cmd, args, a.now()); err != nil {
			return err
		}
		if notBefore != "" {
			var err error
			if q.due, err = a.time(ctx, t.campaign, "--not-before", notBefore); err != nil {
				return err
			}
		}
		if len(q.where) > 0 {
			return a.recycle(ctx, t.campaign, &q)
		}
		_, l, err := a.lead(ctx, args[0], t)
		if err != nil {
			return err
		}
		if err := a.store.ReopenLead(ctx, l.Campaign, l.ID, q.due, q.reason); err != nil {
			return explain(err, l)
		}
		return a.showAgain(ctx, l)
	}
	cmd.Flags().StringVar(&notBefore, "not-before", "", "do not call before this time")
	cmd.Flags().StringArrayVar(&q.where, "where", nil, "which closed leads: disposition=NAME[,NAME] or reason=NAME[,NAME]; may be given twice")
	cmd.Flags().StringVar(&q.older, "older-than", "", "with --where: only leads whose last call is longer ago, as in 30d")
	cmd.Flags().IntVar(&q.limit, "limit", 0, "with --where: reopen so many at most (default: all)")
	cmd.Flags().BoolVar(&q.dryRun, "dry-run", false, "with --where: only count them")
	cmd.Flags().StringVar(&q.reason, "reason", "", "why, for whoever looks at it later")
	a.jsonFlag(cmd)
	return cmd
}

// check reads what was asked for.
func (q *recycling) check(cmd *cobra.Command, args []string, now time.Time) error {
	switch {
	case len(args) == 0 && len(q.where) == 0:
		return usagef("name a phone, or describe the leads with --where disposition=NAME")
	case len(args) > 0 && len(q.where) > 0:
		return usagef("a phone and --where: keep one of the two")
	case len(q.where) == 0 && (q.older != "" || q.limit != 0 || q.dryRun):
		return usagef("--older-than, --limit and --dry-run go with --where")
	case q.limit < 0 || cmd.Flags().Changed("limit") && q.limit == 0:
		return usagef("--limit %d: want a number above 0", q.limit)
	}
	for _, w := range q.where {
		key, values, _ := strings.Cut(w, "=")
		list := strings.FieldsFunc(values, func(r rune) bool { return r == ',' || r == ' ' })
		switch {
		case len(list) == 0:
			return usagef("--where %q: write disposition=NAME or reason=NAME", w)
		case key == "disposition":
			q.dispositions = append(q.dispositions, list...)
		case key == "reason":
			q.reasons = append(q.reasons, list...)
		default:
			return usagef("--where %q: leads are told apart by disposition and reason", w)
		}
	}
	for _, d := range q.dispositions {
		if !campaign.ValidDisposition(campaign.Disposition(d)) {
			return usagef("--where disposition=%s: use 1 to 64 of a-z, 0-9 and underscore", d)
		}
	}
	for _, r := range q.reasons {
		if !slices.Contains(campaign.Reasons(), campaign.Reason(r)) {
			return usagef("--where reason=%s: is none of the reasons that dialerd where shows", r)
		}
	}
	if q.older == "" {
		return nil
	}
	age, err := config.ParseDuration(q.older)
	if err != nil {
		return usagef("--older-than %q: %w", q.older, err)
	}
	q.before = now.Add(-age)
	return nil
}

// closedLead is a lead that may be reopened.
type closedLead struct {
	id   string
	last time.Time // when it was last called; zero = never
}

// matches reports whether a lead is among those that are asked for, and when it was last called.
func (q *recycling) matches(l *campaign.Lead) (last time.Time, ok bool) {
	if n := len(l.Attempts); n > 0 {
		last = l.Attempts[n-1].At
	}
	switch {
	case l.State != campaign.LeadClosed,
		len(q.dispositions) > 0 && !slices.Contains(q.dispositions, string(l.Disposition)),
		len(q.reasons) > 0 && !slices.Contains(q.reasons, string(l.Reason)),
		!q.before.IsZero() && (last.IsZero() || !last.Before(q.before)):
		return last, false
	}
	return last, true
}

// recycle reopens the closed leads of a campaign that are asked for.
func (a *app) recycle(ctx context.Context, name string, q *recycling) error {
	r, err := a.record(ctx, name)
	if err != nil {
		return err
	}
	out := &recycledJSON{Campaign: name, Skipped: map[string]int{}, DryRun: q.dryRun}
	found, err := a.recyclable(ctx, r, q, out)
	if err != nil {
		return err
	}
	if q.limit > 0 && len(found) > q.limit {
		found = found[:q.limit]
	}
	for _, l := range found {
		if !q.dryRun {
			err := a.store.ReopenLead(ctx, name, l.id, q.due, q.reason)
			if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) { // somebody was quicker
				out.Skipped["changed"]++
				continue
			}
			if err != nil {
				return fmt.Errorf("%s reopened before this: %w", plural(out.Reopened, "lead"), err)
			}
		}
		out.Reopened++
	}
	return a.printRecycled(out)
}

// recyclable finds the leads that are asked for and may be called again, the one that was called longest ago first.
func (a *app) recyclable(ctx context.Context, r *store.Record, q *recycling, out *recycledJSON) ([]closedLead, error) {
	var found []closedLead
	seen := map[string]bool{}
	err := a.store.EachLead(ctx, r.Name, func(l *campaign.Lead) error {
		last, ok := q.matches(l)
		if !ok || seen[l.ID] {
			return nil
		}
		seen[l.ID] = true
		out.Matched++
		why, err := a.notAgain(ctx, r, l)
		switch {
		case err != nil:
			return err
		case why != "":
			out.Skipped[string(why)]++
		default:
			found = append(found, closedLead{l.ID, last})
		}
		return nil
	})
	slices.SortFunc(found, func(a, b closedLead) int {
		if c := a.last.Compare(b.last); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return found, err
}

// notAgain says why a closed lead cannot be called again, or nothing.
func (a *app) notAgain(ctx context.Context, r *store.Record, l *campaign.Lead) (campaign.Reason, error) {
	switch {
	case l.Spent() >= r.Attempts.Lifetime:
		return campaign.ReasonLifetime, nil
	case !l.NotAfter.IsZero() && !a.now().Before(l.NotAfter):
		return campaign.ReasonSchedule, nil
	case l.Lane == "":
		return campaign.ReasonNoZone, nil
	}
	scope, _, err := a.store.Suppressed(ctx, "", r.Name, l.Phone)
	if err != nil || scope == campaign.ScopeNone {
		return "", err
	}
	return campaign.ReasonSuppressed, nil
}

func (a *app) printRecycled(out *recycledJSON) error {
	if a.json {
		return a.printJSON(out)
	}
	verb := "reopened"
	if out.DryRun {
		verb = "would be reopened"
	}
	a.say("campaign %s: %d of %s %s\n", out.Campaign, out.Reopened, plural(out.Matched, "lead"), verb)
	for _, why := range slices.Sorted(maps.Keys(out.Skipped)) {
		a.say("  left closed, %s: %d\n", why, out.Skipped[why])
	}
	return nil
}
