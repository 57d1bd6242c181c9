package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/region"
)

func (a *app) rulesCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "rules",
		Short: "Look at the calling rules, and add stricter ones",
		Long: "The calling rules are tables of public law as it was read, built into the program. They are not legal advice; each row\n" +
			"names its source, how sure it is, and since when it is in force. An operator can add blocks, stricter hours and no-call\n" +
			"days, which hold in the whole fleet beside the tables; nothing makes the tables looser.",
		Example: "  dialerd rules show US-NY\n  dialerd rules check\n  dialerd rules apply rules.yaml",
	}, a.rulesShowCommand(), a.rulesCheckCommand(), a.rulesDiffCommand(), a.rulesExportCommand(), a.rulesApplyCommand(), a.rulesOperatorCommand())
}

// ruleJSON is the law of a region as `rules show` prints it: the row in force, then all of its rows.
type ruleJSON struct {
	Region string `json:"region"`
	rowJSON
	LastDay text      `json:"last_no_call_day"` // nothing is allowed after it; null = no days are known, nothing is allowed at all
	NextDay *dayJSON  `json:"next_no_call_day"`
	Rows    []rowJSON `json:"rows"`
	Rules   string    `json:"rules_version"`
}

type rowJSON struct {
	From       text      `json:"from"`  // first day in force
	Until      text      `json:"until"` // first day no longer in force
	Weekday    string    `json:"weekday"`
	Saturday   string    `json:"saturday"`
	Sunday     string    `json:"sunday"`
	NoCallDay  string    `json:"no_call_day"`
	Caps       []capJSON `json:"caps"`
	Consent    text      `json:"consent"`
	Clocks     []string  `json:"clocks"`
	Source     string    `json:"source"`
	Confidence string    `json:"confidence"`
}

type capJSON struct {
	N         int     `json:"n"`
	PerS      float64 `json:"per_s"`
	Completed bool    `json:"completed"`
	Refusal   bool    `json:"refusal"` // a pause after a no
	Source    string  `json:"source"`
}

type dayJSON struct {
	Date string `json:"date"`
	Name string `json:"name"`
}

func (a *app) rulesShowCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "show REGION",
		Short: "Show what the rules say of a region",
		Long: "Shows what the rules say of a country (FR), a state or province (US-NY, CA-BC), a state nobody knows (US-??) or nobody's\n" +
			"place at all (??), today or on another day. Hours are local time, and hold beside the campaign's own. What the operator\n" +
			"added is shown by dialerd rules operator.",
		Example: "  dialerd rules show US-NY\n  dialerd rules show US-PA --at 2026-10-01 --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := filled(cmd, "at"); err != nil {
				return err
			}
			when := a.now()
			if at != "" {
				var err error
				if when, err = a.time(cmd.Context(), "", "--at", at); err != nil {
					return err
				}
			}
			t := region.Default()
			name := strings.ToUpper(args[0])
			rows := t.Rules(name)
			if len(rows) == 0 {
				return noRegion(t, args[0])
			}
			return a.printRule(t, rows, when)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "show what is in force at this time (default: now)")
	a.jsonFlag(cmd)
	return cmd
}

// noRegion says which regions there are instead of one that is not known.
func noRegion(t *region.Tables, asked string) error {
	country, _, _ := strings.Cut(strings.ToUpper(asked), "-")
	var near []string
	for _, n := range t.Regions() {
		if n == country || strings.HasPrefix(n, country+"-") {
			near = append(near, n)
		}
	}
	if len(near) == 0 {
		return fmt.Errorf("the rules have no region %q; write a country or state as in FR or US-NY", asked)
	}
	return fmt.Errorf("the rules have no region %q; of %s they have %s", asked, country, strings.Join(near, " "))
}

// row is a row of the tables for printing.
func row(r *region.Rule) rowJSON {
	out := rowJSON{
		From: date(r.From), Until: date(r.Until), Weekday: hours(r.Weekday), Saturday: hours(r.Saturday), Sunday: hours(r.Sunday),
		NoCallDay: hours(r.Holiday), Caps: []capJSON{}, Consent: text(r.Consent), Clocks: append([]string{}, r.Clocks...),
		Source: r.Source, Confidence: r.Confidence,
	}
	if r.HolidaySame {
		out.NoCallDay = "like any other day"
	}
	for _, c := range r.Caps {
		out.Caps = append(out.Caps, capJSON{c.N, seconds(c.Per), c.Completed, c.Refusal, c.Source})
	}
	return out
}

func date(t time.Time) text {
	if t.IsZero() {
		return ""
	}
	return text(t.Format(time.DateOnly))
}

func (a *app) printRule(t *region.Tables, rows []*region.Rule, at time.Time) error {
	in := rows[len(rows)-1]
	for _, r := range rows {
		if (r.From.IsZero() || !at.Before(r.From)) && (r.Until.IsZero() || at.Before(r.Until)) {
			in = r
		}
	}
	out := ruleJSON{Region: in.Region, rowJSON: row(in), Rules: t.Name()}
	for _, r := range rows {
		out.Rows = append(out.Rows, row(r))
	}
	if last, ok := t.LastDay(in.Region); ok {
		out.LastDay = date(last)
	}
	days, _ := t.NoCallDays(in.Region)
	for _, d := range days {
		if d.Date.After(at) {
			out.NextDay = &dayJSON{d.Date.Format(time.DateOnly), d.Name}
			break
		}
	}
	if a.json {
		return a.printJSON(out)
	}
	say := func(what, said string) { a.say("%-8s %-21s %s\n", in.Region, what, said) }
	for _, r := range rows {
		if r != in {
			continue
		}
		a.sayRow(r, say)
	}
	switch {
	case out.LastDay == "":
		say("no-call days", "none are known: nobody is called before an operator adds them (dialerd rules apply)")
	case out.NextDay != nil:
		say("next no-call day", out.NextDay.Date+" "+out.NextDay.Name)
		fallthrough
	default:
		say("known up to", string(out.LastDay)+": nothing is allowed after that")
	}
	say("rules", out.Rules)
	for _, r := range rows {
		if r != in {
			a.say("\n%s\n", inForce(r))
			a.sayRow(r, say)
		}
	}
	return nil
}

// sayRow prints one row for people.
func (a *app) sayRow(r *region.Rule, say func(what, said string)) {
	out := row(r)
	say("Monday to Friday", out.Weekday)
	say("Saturday", out.Saturday)
	say("Sunday", out.Sunday)
	say("on no-call days", out.NoCallDay)
	for _, c := range r.Caps {
		switch {
		case c.Refusal:
			say("after a refusal", "no call for "+config.FormatDuration(c.Per))
		case c.Completed:
			say("at most", fmt.Sprintf("%d answered calls in %s", c.N, config.FormatDuration(c.Per)))
		default:
			say("at most", fmt.Sprintf("%d attempts in %s", c.N, config.FormatDuration(c.Per)))
		}
	}
	if r.Consent != "" {
		say("consent", r.Consent)
	}
	if len(r.Clocks) > 0 {
		say("also on the clock of", strings.Join(r.Clocks, ", "))
	}
	if !r.From.IsZero() || !r.Until.IsZero() {
		say("in force", inForce(r))
	}
	say("source", r.Source)
	say("confidence", r.Confidence)
}

// inForce says when a row is in force.
func inForce(r *region.Rule) string {
	switch {
	case r.From.IsZero():
		return "until " + string(date(r.Until))
	case r.Until.IsZero():
		return "since " + string(date(r.From))
	}
	return string("from " + date(r.From) + " until " + date(r.Until))
}

func hours(spans []region.Span) string {
	if len(spans) == 0 {
		return "no calls"
	}
	return region.FormatSpans(spans)
}
