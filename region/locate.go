package region

import (
	"slices"
	"strings"
)

// Locate says where a lead may be: the union of what the area code, the state, the ZIP, the country and the zone say, for
// each of them alone may be wrong (numbers move with people, rows get old). Nothing narrows it, with one exception: a
// number without a place (toll-free, personal …) or with an unknown area code is where the operator says, when both a zone
// and a state or country are given.
func (t *Tables) Locate(s Signals) Place {
	l := &locator{t: t, s: s}
	l.phone()
	l.column()
	l.state()
	l.zip()
	l.country()
	l.zone()
	return l.place()
}

// Locate asks the embedded tables. See Tables.Locate.
func Locate(s Signals) Place { return Default().Locate(s) }

// spot is what one signal adds.
type spot struct {
	regions []string
	zones   []string
}

func (s *spot) add(o spot) {
	s.regions = append(s.regions, o.regions...)
	s.zones = append(s.zones, o.zones...)
}

type locator struct {
	t *Tables
	s Signals

	number   Phone
	byPhone  spot
	byRow    spot // state, ZIP and country of the lead's own row
	said     string
	unplaced Problem // of the number; an explicit zone and region mend it unless fatal
	fatal    bool
	input    Problem // the first signal that cannot be read
}

func (l *locator) bad(field, value, fix string) {
	if l.input.None() {
		l.input = Problem{Code: "invalid_" + field, Field: field, Value: clip(strings.TrimSpace(value)), Fix: fix}
	}
}

func (l *locator) phone() {
	n, err := ParsePhone(l.s.Phone, "")
	if err != nil {
		l.fatal = true
		l.unplaced = Problem{Code: "invalid_phone", Field: "phone", Fix: "write it as +, country code and number"}
		return
	}
	l.number = n
	if !n.Placed() && n.Kind != Unknown {
		l.unplaced = Problem{Code: string(n.Kind), Field: "phone", Fix: "the number says nothing of a place: " + fixExplicit}
		l.fatal = n.Kind == Emergency
		return
	}
	if strings.HasPrefix(n.E164, "+1") {
		l.area(n)
		return
	}
	if n.Kind == Unknown {
		l.unplaced = Problem{Code: "no_zone", Field: "phone", Fix: "the number is tied to no place: " + fixExplicit}
		return
	}
	l.byPhone, l.unplaced = l.t.spotOf(n.Country, "phone", "")
}

func (l *locator) area(n Phone) {
	code := n.E164[2:5]
	a, ok := l.t.areas[code]
	switch {
	case !ok:
		l.unplaced = Problem{Code: "no_zone", Field: "phone", Fix: "area code " + code + " is not in the tables: " + fixExplicit}
	case len(a.Regions) == 0:
		l.byPhone = spot{zones: a.Zones}
		l.unplaced = Problem{Code: "unknown_country", Field: "phone", Fix: "no rules are known for " + a.Country}
	default:
		l.byPhone = spot{a.Regions, a.Zones}
	}
}

// spotOf is everywhere in a country.
func (t *Tables) spotOf(country, field, value string) (spot, Problem) {
	s := spot{zones: t.zones[country]}
	switch _, ruled := t.laws[country]; {
	case country == "US":
		s.regions = []string{"US-??"}
	case country == "CA":
		s.regions = []string{"CA", "CA-BC"} // the province is unknown, and British Columbia is the strictest
	case ruled:
		s.regions = []string{country}
	case t.union[country] != "":
		s.regions = []string{t.union[country] + "-??"}
	default:
		return s, Problem{Code: "unknown_country", Field: field, Value: value, Fix: "no rules are known for " + country}
	}
	if len(s.zones) == 0 {
		return s, Problem{Code: "no_zone", Field: field, Value: value, Fix: "no zones are known for " + country}
	}
	return s, Problem{}
}

// column reads the country of the lead's row.
func (l *locator) column() {
	if blank(l.s.Country) {
		return
	}
	c, ok := l.t.country(l.s.Country)
	if !ok {
		// Territories that lists call countries are states here.
		if region, found := l.t.states["US"][fold(l.s.Country)]; found && isTerritory(region[3:]) {
			l.said = "US"
			l.addRegion(region)
			return
		}
		l.bad("country", l.s.Country, "write its ISO code, such as US, CA or GB")
		return
	}
	if region, found := l.t.states["US"][c]; found && isTerritory(c) {
		l.said = "US"
		l.addRegion(region)
		return
	}
	l.said = c
}

// isTerritory reports whether an ISO country code is at once the postal code of a territory of the United States.
func isTerritory(code string) bool {
	return slices.Contains([]string{"PR", "VI", "GU", "MP", "AS"}, code)
}

// addRegion adds a state with all its zones. States without a law of their own (Australia's) stand for their country.
func (l *locator) addRegion(region string) {
	s := spot{regions: []string{region}, zones: l.t.zones[region]}
	if _, ok := l.t.laws[region]; !ok {
		s.regions[0] = countryOf(region)
	}
	l.byRow.add(s)
}

// stateful are the countries whose states we know, in the order of looking a name up for someone in the key's country.
var stateful = map[string][]string{"US": {"US", "CA"}, "CA": {"CA", "US"}, "AU": {"AU"}}

// context is the countries that a state or ZIP may belong to. It reports false when it is clear that they belong to
// a country whose states make no difference.
func (l *locator) context() ([]string, bool) {
	country := l.said
	if country == "" {
		country = l.number.Country
		if strings.HasPrefix(l.number.E164, "+1") {
			country = "US"
		}
	}
	order, ok := stateful[country]
	return order, ok
}

func (l *locator) state() {
	if blank(l.s.State) || fold(l.s.State) == "NA" {
		return
	}
	name := fold(l.s.State)
	order, must := l.context()
	if !must {
		if l.said != "" {
			return
		}
		order = stateful["US"] // a foreign number, but the row may still mean a state of ours
	}
	for _, country := range order {
		region, ok := l.t.states[country][name]
		if !ok {
			region, ok = l.t.states[country][strings.TrimPrefix(name, country)]
		}
		if ok {
			l.addRegion(region)
			return
		}
	}
	switch {
	case slices.Contains([]string{"AA", "AE", "AP", "FM", "MH", "PW"}, name):
		l.input = Problem{Code: "no_zone", Field: "state", Value: clip(l.s.State), Fix: "mail goes there, but nobody can say which hours apply: " + fixExplicit}
	case must:
		l.bad("state", l.s.State, fixState)
	}
}

func (l *locator) zip() {
	if blank(l.s.ZIP) || fold(l.s.ZIP) == "NA" {
		return
	}
	if order, ok := l.context(); !ok || order[0] == "AU" {
		return
	}
	regions, ok := l.t.byPostal(l.s.ZIP)
	switch {
	case !ok:
		l.bad("zip", l.s.ZIP, "write five digits, or a Canadian postal code, or leave it empty")
	case len(regions) == 0:
		if l.input.None() {
			l.input = Problem{Code: "no_zone", Field: "zip", Value: clip(l.s.ZIP), Fix: "mail goes there, but nobody can say which hours apply: " + fixExplicit}
		}
	}
	for _, region := range regions {
		l.addRegion(region)
	}
}

// country adds the country of the row, unless the number or the row's state is in it and says more.
func (l *locator) country() {
	if l.said == "" {
		return
	}
	inside := func(region string) bool { return countryOf(region) == l.said }
	if slices.ContainsFunc(l.byPhone.regions, inside) || slices.ContainsFunc(l.byRow.regions, inside) {
		return
	}
	s, problem := l.t.spotOf(l.said, "country", clip(l.s.Country))
	l.byRow.add(s)
	if l.input.None() {
		l.input = problem
	}
}

func (l *locator) zone() {
	if blank(l.s.Zone) || fold(l.s.Zone) == "NA" {
		l.s.Zone = ""
		return
	}
	l.s.Zone = strings.TrimSpace(l.s.Zone)
	if _, err := Zone(l.s.Zone); err != nil {
		l.bad("zone", l.s.Zone, err.Error())
		l.s.Zone = ""
	}
}

// place joins the signals.
func (l *locator) place() Place {
	p := Place{Country: l.number.Country}
	var all spot
	switch {
	case l.unplaced.None():
		all.add(l.byPhone)
		all.add(l.byRow)
		p.Problem = l.input
	case !l.fatal && l.s.Zone != "" && len(l.byRow.regions) > 0 && (l.said != "" || !blank(l.s.State)):
		all.regions = l.byRow.regions
		p.Problem = l.input
		if l.said != "" {
			p.Country = l.said
		}
	default:
		all.add(l.byPhone)
		all.add(l.byRow)
		p.Problem = l.unplaced
		if !l.fatal && !l.input.None() {
			p.Problem = l.input
		}
	}
	if l.s.Zone != "" {
		all.zones = append(all.zones, l.s.Zone)
	}
	if !p.Problem.None() {
		all.regions = append(all.regions, Unplaced)
	}
	p.Regions, p.Zones = unique(all.regions), unique(all.zones)
	return p
}
