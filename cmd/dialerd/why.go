package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
)

// whyJSON is what `why` prints.
type whyJSON struct {
	Phone campaign.Phone `json:"phone"`
	At    stamp          `json:"at"`
	Leads []whyLead      `json:"leads"`
}

type whyLead struct {
	Campaign     string       `json:"campaign"`
	Lead         string       `json:"lead"`
	State        string       `json:"state"`
	Verdict      string       `json:"verdict"`
	Reason       text         `json:"reason"`
	Until        stamp        `json:"until"`
	RulesVersion string       `json:"rules_version"`
	TZData       string       `json:"tzdata"`
	Trace        []whyStep    `json:"trace"`
	Attempts     []whyAttempt `json:"attempts"`

	zones   []string // for people
	problem string
}

type whyStep struct {
	Rule   string `json:"rule"`
	Pass   bool   `json:"pass"`
	Input  string `json:"input"`
	Detail string `json:"detail"`
	Source string `json:"source"`
	Rules  text   `json:"rules"` // version of the rule tables, where they have a say
	Until  stamp  `json:"until"`
}

func (a *app) whyCommand() *cobra.Command {
	var name, at string
	var all bool
	cmd := &cobra.Command{
		Use:   "why PHONE",
		Short: "Say why a phone is or is not called, and when it can be next",
		Long: "Asks every rule about every lead of a phone, in all campaigns or the one named, and shows what each said, from what,\n" +
			"and when the phone can be called next. These are the rules that the daemon asks before each call. With --at they are\n" +
			"asked about another time, with what the record says now. The rules that say no are shown, the deciding one first; with\n" +
			"--all those that say yes as well. --json has all of them in the order of asking.",
		Example: "  dialerd why +12125550123\n  dialerd why 212-555-0123 --campaign spring --at 2026-12-24T15:00:00-05:00",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if err := filled(cmd, "at", "campaign"); err != nil {
				return err
			}
			when := a.now()
			if at != "" {
				var err error
				if when, err = a.time(ctx, name, "--at", at); err != nil {
					return err
				}
			}
			phone, err := a.phone(ctx, args[0], name)
			if err != nil {
				return err
			}
			w, err := a.why(ctx, phone, name, when)
			if err != nil {
				return err
			}
			if err := a.printWhy(w, all); err != nil {
				return err
			}
			if len(w.Leads) > 0 {
				return nil
			}
			return a.noLead(ctx, phone, name)
		},
	}
	cmd.Flags().StringVar(&name, "campaign", "", "ask about this campaign only")
	cmd.Flags().StringVar(&at, "at", "", "ask about this time (default: now)")
	cmd.Flags().BoolVar(&all, "all", false, "show the rules that say yes, too")
	a.jsonFlag(cmd)
	return cmd
}

// why asks the rules about every lead of a phone.
func (a *app) why(ctx context.Context, phone campaign.Phone, name string, at time.Time) (*whyJSON, error) {
	if name != "" {
		if _, err := a.record(ctx, name); err != nil {
			return nil, err
		}
	}
	st, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	leads, err := st.LeadsByPhone(ctx, phone, name)
	if err != nil {
		return nil, err
	}
	w := &whyJSON{Phone: phone, At: stamp(at), Leads: []whyLead{}}
	deciders := map[string]*decider{}
	for _, l := range leads {
		d := deciders[l.Campaign]
		if d == nil {
			if d, err = a.newDecider(ctx, l.Campaign, a.now()); err != nil {
				return nil, err
			}
			deciders[l.Campaign] = d
		}
		said, err := d.explain(ctx, l, at)
		if err != nil {
			return nil, err
		}
		if said.Attempts, err = a.past(ctx, d.record.Team, phone, l.Attempts); err != nil {
			return nil, err
		}
		w.Leads = append(w.Leads, *said)
	}
	return w, nil
}

// explain asks every rule about one lead at a time.
func (d *decider) explain(ctx context.Context, l *campaign.Lead, at time.Time) (*whyLead, error) {
	s, err := d.subject(ctx, l)
	if err != nil {
		return nil, err
	}
	decision, steps := campaign.Explain(s, at)
	out := &whyLead{
		Campaign: l.Campaign, Lead: l.ID, State: string(l.State), Verdict: string(decision.Verdict), Reason: text(decision.Reason),
		Until: stamp(decision.Until), Trace: make([]whyStep, 0, len(steps)), problem: d.record.Problem,
	}
	out.RulesVersion, out.TZData = s.Plan.Versions()
	for _, step := range steps {
		out.Trace = append(out.Trace, whyStep{step.Rule, step.Pass, step.Input, step.Detail, step.Source, text(step.Rules), stamp(step.Until)})
	}
	if s.Place != nil {
		out.zones = s.Place.Zones()
	}
	return out, nil
}

// noLead says of a phone without a lead what is known of it all the same.
func (a *app) noLead(ctx context.Context, phone campaign.Phone, name string) error {
	known, err := a.listings(ctx, phone, dncFlags{campaign: name})
	if err != nil {
		return err
	}
	for _, l := range known {
		a.note("%s is on the do-not-call list: %s\n", phone, l)
	}
	if name != "" {
		return fmt.Errorf("campaign %q has no lead with this phone\nAdd it with: dialerd lead add PHONE --campaign %s\n%s", name, name, a.lookedIn())
	}
	return fmt.Errorf("no campaign has a lead with this phone\nAdd it with: dialerd lead add PHONE --campaign NAME\n%s", a.lookedIn())
}

func (a *app) printWhy(w *whyJSON, all bool) error {
	if a.json {
		return a.printJSON(w)
	}
	for i := range w.Leads {
		l := &w.Leads[i]
		a.say("%s in campaign %s, lead %s, is %s\n", w.Phone, l.Campaign, l.Lead, l.State)
		a.say("at %s: %s", localTimes(w.At, l.zones), strings.ToUpper(l.Verdict))
		if l.Reason != "" {
			a.say(" (%s)", l.Reason)
		}
		a.say("\n")
		if l.problem != "" {
			a.say("  the campaign cannot call at all: %s\n", l.problem)
		}
		switch {
		case l.Verdict == string(campaign.Call):
			a.say("  it can be called now, when a slot of the request limit is free\n")
		case !time.Time(l.Until).IsZero():
			a.say("  next: %s\n", localTimes(l.Until, l.zones))
		case l.Verdict == string(campaign.Wait):
			a.say("  next: time alone does not decide; see the first ✗\n")
		default:
			a.say("  next: not before a person changes something; see the first ✗\n")
		}
		a.printTrace(l, all)
		for i := range l.Attempts {
			a.printPast(&l.Attempts[i])
		}
		a.say("  rules %s, tzdata %s\n", l.RulesVersion, l.TZData)
	}
	return nil
}

// printTrace shows the rules that say no, the deciding one first, and with all the others after them.
func (a *app) printTrace(l *whyLead, all bool) {
	order := make([]int, len(l.Trace))
	for n := range order {
		order[n] = n
	}
	rank := func(n int) int {
		switch step := &l.Trace[n]; {
		case step.Pass:
			return 2
		case step.decides(string(l.Reason)):
			return 0
		}
		return 1
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(rank(x), rank(y)) })
	yes := 0
	for _, n := range order {
		step, mark := &l.Trace[n], "✓"
		if step.Pass {
			yes++
			if !all {
				continue
			}
		} else {
			mark = "✗"
		}
		detail := step.Detail
		if detail == "" {
			detail = step.Input // a lead that was closed without a reason
		}
		a.say("  %2d %s %-13s %s\n", n+1, mark, step.Rule, detail)
		a.say("       %s  [%s]\n", step.Input, step.Source)
		if !step.Pass && !time.Time(step.Until).IsZero() {
			a.say("       until %s\n", localTimes(step.Until, l.zones))
		}
	}
	if !all {
		a.say("  ✓ %s of %d say yes; --all shows them\n", plural(yes, "rule"), len(l.Trace))
	}
}

// decides reports whether the rule says no for the reason of the whole decision.
func (s *whyStep) decides(reason string) bool {
	first, _, _ := strings.Cut(s.Detail, " ")
	return strings.TrimSuffix(first, ":") == reason
}

// localTimes is a time in UTC and on the clocks of some zones.
func localTimes(s stamp, zones []string) string {
	var local []string
	for _, name := range zones {
		if zone, err := region.Zone(name); err == nil && len(local) < 3 {
			local = append(local, time.Time(s).In(zone).Format("Mon 2006-01-02 15:04 MST"))
		}
	}
	if len(local) == 0 {
		return s.String()
	}
	return s.String() + " (" + strings.Join(local, ", ") + ")"
}
