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

// leadsWhere is what a command does to all leads that --where describes.
type leadsWhere struct {
	state campaign.LeadState                            // that they must be in
	done  string                                        // what becomes of them, for messages: reopened
	lack  func(*campaign.Lead) (campaign.Reason, error) // why one cannot be called again, or nothing
	do    func(id string) error

	where  []string
	older  string
	limit  int
	dryRun bool

	dispositions, reasons []string // of which a lead must have one; none = any
	before                time.Time
}

// reopenedJSON is what `lead reopen --where` prints.
type reopenedJSON struct {
	Campaign string         `json:"campaign"`
	Matched  int            `json:"matched"`
	Done     int            `json:"reopened"` // with --dry-run: that would be
	Skipped  map[string]int `json:"skipped"`  // matched, but cannot be called again: reason → leads
	DryRun   bool           `json:"dry_run"`
}

// releasedJSON is what `lead release --where` prints.
type releasedJSON struct {
	Campaign string         `json:"campaign"`
	Matched  int            `json:"matched"`
	Done     int            `json:"released"`
	Skipped  map[string]int `json:"skipped"`
	DryRun   bool           `json:"dry_run"`
}

// flags adds the flags of the bulk form to a command that takes a phone as well.
func (q *leadsWhere) flags(cmd *cobra.Command) {
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.Flags().StringArrayVar(&q.where, "where", nil, "which "+string(q.state)+" leads: disposition=NAME[,NAME] or reason=NAME[,NAME]; may be given twice")
	cmd.Flags().StringVar(&q.older, "older-than", "", "with --where: only leads whose last call is longer ago, as in 30d")
	cmd.Flags().IntVar(&q.limit, "limit", 0, "with --where: so many at most (default: all)")
	cmd.Flags().BoolVar(&q.dryRun, "dry-run", false, "with --where: only count them")
}

// check reads what was asked for.
func (q *leadsWhere) check(cmd *cobra.Command, args []string, now time.Time) error {
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

// foundLead is a lead that may be called again.
type foundLead struct {
	id   string
	last time.Time // when it was last called; zero = never
}

// matches reports whether a lead is among those that are asked for, and when it was last called.
func (q *leadsWhere) matches(l *campaign.Lead) (last time.Time, ok bool) {
	if n := len(l.Attempts); n > 0 {
		last = l.Attempts[n-1].At
	}
	switch {
	case l.State != q.state,
		len(q.dispositions) > 0 && !slices.Contains(q.dispositions, string(l.Disposition)),
		len(q.reasons) > 0 && !slices.Contains(q.reasons, string(l.Reason)),
		!q.before.IsZero() && (last.IsZero() || !last.Before(q.before)):
		return last, false
	}
	return last, true
}

// everyWhere does what is to be done to all leads of a campaign that are asked for and may be called again.
func (a *app) everyWhere(ctx context.Context, name string, q *leadsWhere) error {
	out := &reopenedJSON{Campaign: name, Skipped: map[string]int{}, DryRun: q.dryRun}
	found, err := a.findWhere(ctx, q, out)
	if err != nil {
		return err
	}
	if q.limit > 0 && len(found) > q.limit {
		found = found[:q.limit]
	}
	for _, l := range found {
		if !q.dryRun {
			err := q.do(l.id)
			if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) { // somebody was quicker
				out.Skipped["changed"]++
				continue
			}
			if err != nil {
				return fmt.Errorf("%s %s before this: %w", plural(out.Done, "lead"), q.done, err)
			}
		}
		out.Done++
	}
	return a.printDone(q, out)
}

// findWhere finds the leads that are asked for and may be called again, the one that was called longest ago first.
func (a *app) findWhere(ctx context.Context, q *leadsWhere, out *reopenedJSON) ([]foundLead, error) {
	var found []foundLead
	seen := map[string]bool{}
	err := a.store.EachLead(ctx, out.Campaign, func(l *campaign.Lead) error {
		last, ok := q.matches(l)
		if !ok || seen[l.ID] {
			return nil
		}
		seen[l.ID] = true
		out.Matched++
		why, err := q.lack(l)
		switch {
		case err != nil:
			return err
		case why != "":
			out.Skipped[string(why)]++
		default:
			found = append(found, foundLead{l.ID, last})
		}
		return nil
	})
	slices.SortFunc(found, func(a, b foundLead) int {
		if c := a.last.Compare(b.last); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return found, err
}

// notAgain says why a lead cannot be called again, or nothing.
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

func (a *app) printDone(q *leadsWhere, out *reopenedJSON) error {
	switch {
	case a.json && q.state == campaign.LeadHeld:
		return a.printJSON(releasedJSON(*out))
	case a.json:
		return a.printJSON(out)
	}
	verb := q.done
	if out.DryRun {
		verb = "would be " + q.done
	}
	a.say("campaign %s: %d of %s %s\n", out.Campaign, out.Done, plural(out.Matched, "lead"), verb)
	for _, why := range slices.Sorted(maps.Keys(out.Skipped)) {
		a.say("  left %s, %s: %d\n", q.state, why, out.Skipped[why])
	}
	return nil
}
