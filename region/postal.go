package region

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// postalRange is a range of postal prefixes of one length and the states they lie in; none for military mail and places
// that only the post counts as part of the country.
type postalRange struct {
	country  string
	from, to string
	regions  []string
}

var postalPrefix = map[string]*regexp.Regexp{
	"US": regexp.MustCompile(`^([0-9]{3}|[0-9]{5})$`),
	"CA": regexp.MustCompile(`^[A-Z]([0-9][A-Z])?$`),
}

// postal reads zip3.csv.
func (p *parser) postal() {
	p.each(tablePostal, []string{"country", "from", "to", "states", "note", "source", "confidence"}, func(r *record) {
		x := postalRange{country: r.get("country"), from: r.get("from"), to: r.get("to")}
		form, ok := postalPrefix[x.country]
		if !ok {
			r.bad("country", "want US or CA")
			return
		}
		for _, field := range []string{"from", "to"} {
			if !form.MatchString(r.get(field)) {
				r.bad(field, "want the first three or all five digits (US), or one or three characters (CA)")
				return
			}
		}
		if len(x.from) != len(x.to) || x.from > x.to {
			r.bad("to", "want as many characters as from, and not less")
			return
		}
		r.sourced()
		for _, s := range r.list("states") {
			region := x.country + "-" + s
			if _, ok := p.t.laws[region]; !ok {
				r.bad("states", "%s has no row in %s", region, tableHours)
			}
			x.regions = append(x.regions, region)
		}
		for _, o := range p.t.postal {
			if o.country == x.country && len(o.from) == len(x.from) && x.from <= o.to && o.from <= x.to {
				r.bad("from", "overlaps %s to %s", o.from, o.to)
			}
		}
		p.t.postal = append(p.t.postal, x)
	})
	// The longest prefix that matches decides.
	slices.SortStableFunc(p.t.postal, func(a, b postalRange) int { return cmp.Compare(len(b.from), len(a.from)) })
}

var (
	zipCode    = regexp.MustCompile(`^([0-9]{3,5})(?:\.0)?(?:-[0-9]{0,4})?$|^([0-9]{8,9})$`)
	postalCode = regexp.MustCompile(`^[A-Z][0-9][A-Z](?:[0-9][A-Z][0-9])?$`)
)

// byPostal finds the states of a postal code of the United States or Canada. Zeros that a spreadsheet dropped from the front
// of a ZIP are put back. Not found means that no such code is in use; found without regions, that nobody can say where
// it is.
func (t *Tables) byPostal(text string) (regions []string, found bool) {
	code := strings.ToUpper(strings.Join(strings.Fields(text), ""))
	country := "CA"
	if m := zipCode.FindStringSubmatch(code); m != nil {
		country = "US"
		if code = strings.Repeat("0", max(0, 5-len(m[1]))) + m[1]; m[2] != "" {
			code = strings.Repeat("0", 9-len(m[2])) + m[2]
		}
		code = code[:5]
	} else if code = strings.ReplaceAll(code, "-", ""); !postalCode.MatchString(code) {
		return nil, false
	}
	for _, r := range t.postal {
		if prefix := code[:min(len(code), len(r.from))]; r.country == country && r.from <= prefix && prefix <= r.to {
			return r.regions, true
		}
	}
	return nil, false
}
