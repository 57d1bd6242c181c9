package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/region"
)

func (a *app) rulesCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "rules",
		Short: "Look at the calling rules",
		Long: "The calling rules are tables of public law as it was read, built into the program. They are not legal advice; each row\n" +
			"names its source and how sure it is.",
		Example: "  dialerd rules show US-NY\n  dialerd rules check",
	}, a.rulesShowCommand(), a.rulesCheckCommand())
}

// ruleJSON is the law of a region as `rules show` prints it.
type ruleJSON struct {
	Region     string    `json:"region"`
	Weekday    string    `json:"weekday"`
	Saturday   string    `json:"saturday"`
	Sunday     string    `json:"sunday"`
	NoCallDay  string    `json:"no_call_day"`
	Caps       []capJSON `json:"caps"`
	Consent    text      `json:"consent"`
	Clocks     []string  `json:"clocks"`
	Source     string    `json:"source"`
	Confidence string    `json:"confidence"`
	Rules      string    `json:"rules_version"`
}

type capJSON struct {
	N         int     `json:"n"`
	PerS      float64 `json:"per_s"`
	Completed bool    `json:"completed"`
	Source    string  `json:"source"`
}

func (a *app) rulesShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show REGION",
		Short: "Show what the rules say of a region",
		Long: "Shows what the rules say of a country (FR), a state or province (US-NY, CA-BC), a state nobody knows (US-??) or nobody's\n" +
			"place at all (??). Hours are local time, and hold beside the campaign's own.",
		Example: "  dialerd rules show US-NY\n  dialerd rules show GB --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			t := region.Default()
			name := strings.ToUpper(args[0])
			r, ok := t.Rule(name)
			if !ok {
				country, _, _ := strings.Cut(name, "-")
				var near []string
				for _, n := range t.Regions() {
					if n == country || strings.HasPrefix(n, country+"-") {
						near = append(near, n)
					}
				}
				if len(near) == 0 {
					return fmt.Errorf("the rules have no region %q; write a country or state as in FR or US-NY", args[0])
				}
				return fmt.Errorf("the rules have no region %q; of %s they have %s", args[0], country, strings.Join(near, " "))
			}
			return a.printRule(t, r)
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printRule(t *region.Tables, r *region.Rule) error {
	out := ruleJSON{
		Region: r.Region, Weekday: hours(r.Weekday), Saturday: hours(r.Saturday), Sunday: hours(r.Sunday), NoCallDay: hours(r.Holiday),
		Caps: []capJSON{}, Consent: text(r.Consent), Clocks: append([]string{}, r.Clocks...), Source: r.Source, Confidence: r.Confidence,
		Rules: t.Version() + "-" + t.Checksum(),
	}
	if r.HolidaySame {
		out.NoCallDay = "like any other day"
	}
	for _, c := range r.Caps {
		out.Caps = append(out.Caps, capJSON{c.N, seconds(c.Per), c.Completed, c.Source})
	}
	if a.json {
		return a.printJSON(out)
	}
	rows := [][]string{
		{"Monday to Friday", out.Weekday},
		{"Saturday", out.Saturday},
		{"Sunday", out.Sunday},
		{"no-call days", out.NoCallDay},
	}
	for _, c := range r.Caps {
		what := "attempts"
		if c.Completed {
			what = "answered calls"
		}
		rows = append(rows, []string{"at most", fmt.Sprintf("%d %s in %s", c.N, what, config.FormatDuration(c.Per))})
	}
	if r.Consent != "" {
		rows = append(rows, []string{"consent", r.Consent})
	}
	if len(r.Clocks) > 0 {
		rows = append(rows, []string{"also on the clock of", strings.Join(r.Clocks, ", ")})
	}
	rows = append(rows, []string{"source", r.Source}, []string{"confidence", r.Confidence}, []string{"rules", out.Rules})
	for _, row := range rows {
		a.say("%-8s %-21s %s\n", r.Region, row[0], row[1])
	}
	return nil
}

func hours(spans []region.Span) string {
	if len(spans) == 0 {
		return "no calls"
	}
	return region.FormatSpans(spans)
}

func (a *app) rulesCheckCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check that the rules and the zone data are whole and not out of date",
		Example: "  dialerd rules check\n" +
			"  dialerd rules check --at 2027-06-01",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			when := a.now()
			if at != "" {
				var err error
				if when, err = a.time(cmd.Context(), "", "--at", at); err != nil {
					return err
				}
			}
			err := region.Check(when)
			if a.json {
				if printErr := a.printJSON(rulesChecked(when, err)); printErr != nil {
					return printErr
				}
				if err != nil {
					return &exitError{code: exitFailed}
				}
				return nil
			}
			if err != nil {
				return err
			}
			t := region.Default()
			a.say("rules %s-%s and tzdata %s are whole and hold on %s\n", t.Version(), t.Checksum(), region.ZoneVersion(), when.Format(time.DateOnly))
			return nil
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "check for this time (default: now)")
	a.jsonFlag(cmd)
	return cmd
}

// rulesChecked is what `rules check --json` prints.
func rulesChecked(at time.Time, err error) any {
	problems := []string{}
	if err != nil {
		problems = slices.Collect(strings.SplitSeq(err.Error(), "\n"))
	}
	t := region.Default()
	return struct {
		OK       bool     `json:"ok"`
		At       stamp    `json:"at"`
		Rules    string   `json:"rules"`
		TZData   string   `json:"tzdata"`
		Problems []string `json:"problems"`
	}{err == nil, stamp(at), t.Version() + "-" + t.Checksum(), region.ZoneVersion(), problems}
}
