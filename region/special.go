package region

import "slices"

// special reads special.csv: consent, clocks of a statute's own, what a cap counts, pauses after a refusal, hours before
// holidays. A row holds for every row
// of hours.csv within its dates, and may not cut one in two.
func (p *parser) special() {
	p.each(tableSpecial, []string{"region", "kind", "value", "source", "confidence", "from", "until"}, func(r *record) {
		law, ok := p.t.laws[r.get("region")]
		if !ok {
			r.bad("region", "has no row in %s", tableHours)
			return
		}
		r.sourced()
		own := r.dates()
		var rules []*Rule
		for _, rule := range law.Rows {
			switch {
			case own.covers(rule.dates):
				rules = append(rules, rule)
			case own.meets(rule.dates):
				r.bad("from", "cuts a row of %s in two: begin and end rows of %s there on the same days", tableHours, law.Region)
			}
		}
		r.special(rules)
	})
}

// special puts one row of special.csv into rules.
func (r *record) special(rules []*Rule) {
	value := r.get("value")
	switch r.get("kind") {
	case "consent":
		if value != "" {
			r.bad("value", "want nothing here for a consent row")
		}
		for _, rule := range rules {
			rule.Consent = r.get("source")
		}
	case "clock":
		if _, err := Zone(value); err != nil {
			r.bad("value", "%v", err)
		}
		for _, rule := range rules {
			rule.Clocks = append(rule.Clocks, value)
		}
	case "cap_counts":
		if value != "completed" || slices.ContainsFunc(rules, func(rule *Rule) bool { return len(rule.Caps) == 0 }) {
			r.bad("value", "want completed, for a region that has a cap")
		}
		for _, rule := range rules {
			for i := range rule.Caps {
				rule.Caps[i].Completed = !rule.Caps[i].Refusal
			}
		}
	case "refusal":
		per, ok := parsePeriod(value)
		if !ok {
			r.bad("value", "want the pause after a refusal in hours or days, such as 60d")
		}
		for _, rule := range rules {
			rule.Caps = append(rule.Caps, Cap{N: 1, Per: per, Region: rule.Region, Source: r.get("source"), Refusal: true})
		}
	case "eve":
		if value != "saturday" {
			r.bad("value", "want saturday")
		}
		for _, rule := range rules {
			rule.EveSaturday = true
		}
	default:
		r.bad("kind", "want consent, clock, cap_counts, refusal or eve")
	}
}
