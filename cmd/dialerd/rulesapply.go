package main

import (
	"context"
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

// appliedRules is what `rules apply` prints.
type appliedRules struct {
	Plan     bool     `json:"plan"`
	Number   int64    `json:"number"`
	Changed  bool     `json:"changed"`
	Rules    string   `json:"rules_version"`
	Added    []string `json:"added"`
	Removed  []string `json:"removed"`
	Released int      `json:"released"` // leads that were held because no window opened for them, and one does now
}

func (a *app) rulesApplyCommand() *cobra.Command {
	var plan, none bool
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "Put an operator's own rules in force in the whole fleet",
		Long: "Puts blocks, stricter hours and no-call days in force, in place of those that were applied before, for all teams and\n" +
			"campaigns of this Redis. They are asked beside the tables, so nothing gets looser; hours that are looser than a table's\n" +
			"are refused. When it returns, no call request that these rules forbid is on its way any more, from any worker; that takes\n" +
			"as long as one request may at most. Leads that were held because no window opened for them are released if one does now.\n\n" +
			"  blocks:                     # nobody there is called; from and to are days there, both included, or instants\n" +
			"    - {region: US-LA, from: 2026-08-28, to: 2026-09-02, reason: PSC emergency order}\n" +
			"  hours:                      # a day that is not named keeps the hours of the tables\n" +
			"    US-TX: {mon-fri: \"10:00-20:00\", sun: closed}\n" +
			"  no_call_days:               # a country without a list of its own is called up to the last day given here\n" +
			"    NL: [2026-12-25, 2026-12-26, 2027-01-01, 2027-04-27 Koningsdag]\n\n" +
			"What is added to a state counts for its country's leads without a state as well, and what is added to a country for all\n" +
			"its states. Campaigns with rules: none do not ask for any of it.",
		Example: "  dialerd rules apply rules.yaml\n  dialerd rules apply --plan rules.yaml\n  dialerd rules apply --none",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if none == (len(args) == 1) {
				return usagef("name a FILE of rules, or --none to take all of them away")
			}
			var added campaign.Amendment
			if !none {
				var err error
				if added, err = config.LoadRules(args[0]); err != nil {
					return usage(err)
				}
			}
			return a.applyRules(cmd.Context(), added, plan)
		},
	}
	cmd.Flags().BoolVar(&plan, "plan", false, "change nothing, show what would change")
	cmd.Flags().BoolVar(&none, "none", false, "take all of the operator's rules away")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) applyRules(ctx context.Context, added campaign.Amendment, plan bool) error {
	st, err := a.open(ctx)
	if err != nil {
		return err
	}
	was, err := st.Rules(ctx)
	if err != nil {
		return err
	}
	out := appliedRules{Plan: plan, Number: was.Number, Added: []string{}, Removed: []string{}}
	before, after := operatorLines(was.Added), operatorLines(added)
	for _, line := range after {
		if !slices.Contains(before, line) {
			out.Added = append(out.Added, line)
		}
	}
	for _, line := range before {
		if !slices.Contains(after, line) {
			out.Removed = append(out.Removed, line)
		}
	}
	out.Changed = len(out.Added)+len(out.Removed) > 0
	if !plan {
		if out.Number, out.Changed, err = st.ApplyRules(ctx, added, a.now()); err != nil {
			return err
		}
		if err := a.quiet(ctx, store.Scope{}); err != nil {
			return fmt.Errorf("the rules are in force, but whether a request by the old ones is still on its way is not known: %w", err)
		}
		if out.Released, err = a.releasePlaced(ctx); err != nil {
			return fmt.Errorf("the rules are in force, but not every lead that they open was released; run it again: %w", err)
		}
	}
	book, err := st.Rulebook(ctx)
	if err != nil {
		return err
	}
	out.Rules = book.Name()
	if a.json {
		return a.printJSON(out)
	}
	switch {
	case plan && out.Changed:
		a.say("rules %d would change\n", out.Number)
	case out.Changed:
		a.say("rules %d are in force\n", out.Number)
	default:
		a.say("rules %d are unchanged\n", out.Number)
	}
	for _, line := range out.Added {
		a.say("  + %s\n", line)
	}
	for _, line := range out.Removed {
		a.say("  - %s\n", line)
	}
	if out.Released > 0 {
		a.say("%s released: a window opens for them now\n", plural(out.Released, "held lead"))
	}
	return nil
}

// operatorLines puts an operator's rules into words, one on a line.
func operatorLines(added campaign.Amendment) []string {
	var lines []string
	for i := range added.Blocks {
		lines = append(lines, added.Blocks[i].Region+": "+added.Blocks[i].String())
	}
	for _, region := range slices.Sorted(maps.Keys(added.Hours)) {
		for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
			if spans, named := added.Hours[region][day]; named {
				lines = append(lines, fmt.Sprintf("%s: hours on %s: %s", region, day, hours(spans)))
			}
		}
	}
	for _, region := range slices.Sorted(maps.Keys(added.NoCallDays)) {
		for _, d := range added.NoCallDays[region] {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s: no-call day %s %s", region, d.Date, d.Name)))
		}
	}
	return lines
}

// releasePlaced releases the leads that are held because no window opened for them, where one opens now.
func (a *app) releasePlaced(ctx context.Context) (released int, err error) {
	records, err := a.store.Campaigns(ctx)
	if err != nil {
		return 0, err
	}
	for _, r := range records {
		counts, err := a.store.Counts(ctx, r.Name)
		if err != nil {
			return released, err
		}
		held := counts.Held()
		if held[campaign.ReasonNoWindow]+held[campaign.ReasonRulesExpired]+held[campaign.ReasonHoliday] == 0 {
			continue
		}
		n, err := a.releaseIn(ctx, r)
		released += n
		if err != nil {
			return released, err
		}
	}
	return released, nil
}

// releaseIn is releasePlaced for one campaign.
func (a *app) releaseIn(ctx context.Context, r *store.Record) (released int, err error) {
	plan, err := a.plan(ctx, r)
	if err != nil {
		return 0, err
	}
	now := a.now()
	places, err := a.openable(ctx, plan, now)
	if err != nil {
		return 0, err
	}
	var ids []string
	err = a.store.EachLead(ctx, r.Name, func(l *campaign.Lead) error {
		switch l.Reason {
		case campaign.ReasonNoWindow, campaign.ReasonRulesExpired, campaign.ReasonHoliday:
		default:
			return nil
		}
		if place := places[l.Lane]; l.State == campaign.LeadHeld && place != nil && plan.Consents(l, place, now) {
			ids = append(ids, l.ID)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := a.store.ReleaseLead(ctx, r.Name, id, "other rules were applied"); err != nil {
			return released, fmt.Errorf("release lead %s of campaign %s: %w", id, r.Name, err)
		}
		released++
	}
	return released, nil
}

// openable is the places of a campaign's lanes for which a window opens at some time.
func (a *app) openable(ctx context.Context, plan *campaign.Plan, now time.Time) (map[string]*campaign.Place, error) {
	lanes, err := a.store.Lanes(ctx, plan.Name)
	if err != nil {
		return nil, err
	}
	places := map[string]*campaign.Place{}
	for id, lane := range lanes {
		place, err := plan.CompilePlace(lane.Regions, lane.Zones)
		if err != nil {
			continue // its leads stay held
		}
		if w := plan.Window(place, now); w.Open || !w.Until.IsZero() {
			places[id] = place
		}
	}
	return places, nil
}

// operatorRules is what `rules operator` prints.
type operatorRules struct {
	Number  int64              `json:"number"`
	Rules   string             `json:"rules_version"`
	At      stamp              `json:"at"`
	By      text               `json:"by"`
	Added   campaign.Amendment `json:"added"`
	Covered []listCheck        `json:"covered"` // how far the no-call days of the regions reach that have them from the operator alone
}

func (a *app) rulesOperatorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "operator",
		Short:   "Show the operator's own rules that are in force",
		Long:    "Shows what dialerd rules apply put in force: blocks, stricter hours and no-call days, since when, and by whom.",
		Example: "  dialerd rules operator\n  dialerd rules operator --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			in, err := st.Rules(cmd.Context())
			if err != nil {
				return err
			}
			book, err := st.Rulebook(cmd.Context())
			if err != nil {
				return err
			}
			out := operatorRules{Number: in.Number, Rules: book.Name(), At: stamp(in.At), By: text(in.By), Added: in.Added, Covered: covered(book)}
			if a.json {
				return a.printJSON(out)
			}
			if in.Added.Empty() {
				a.say("the operator added nothing to the tables; rules %s\n", out.Rules)
				return nil
			}
			a.say("rules %d, in force since %s by %s\n", in.Number, out.At, dash(in.By))
			for _, line := range operatorLines(in.Added) {
				a.say("  %s\n", line)
			}
			for _, c := range out.Covered {
				a.say("no-call days of %s are known up to %s: nobody there is called after that\n", c.Region, c.Last)
			}
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

// covered are the regions that have no-call days from the operator alone, and how far they reach.
func covered(book *campaign.Rulebook) []listCheck {
	out := []listCheck{}
	for _, l := range book.Tables().Lists() {
		if _, own := campaign.BuiltIn().Tables().LastDay(l.Region); !own {
			out = append(out, listCheck{l.Region, string(date(l.Last)), l.Days})
		}
	}
	return out
}
