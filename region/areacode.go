package region

import (
	"regexp"
	"slices"
	"strings"
)

// AreaCode is one North American area code.
type AreaCode struct {
	Code    string
	Country string   // ISO 3166; empty for codes without a place (toll-free, premium, personal)
	Regions []string // of the United States and Canada: "US-KY"; empty elsewhere
	Zones   []string // every zone that a number of the code could be in
	Note    string
}

// AreaCode is the row of an area code such as "270".
func (t *Tables) AreaCode(code string) (*AreaCode, bool) {
	a, ok := t.areas[code]
	return a, ok
}

// AreaCodes lists every area code, sorted.
func (t *Tables) AreaCodes() []*AreaCode {
	out := make([]*AreaCode, 0, len(t.areas))
	for _, a := range t.areas {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *AreaCode) int { return strings.Compare(a.Code, b.Code) })
	return out
}

var areaCode = regexp.MustCompile(`^[2-9][0-9]{2}$`)

// areas reads areacodes.csv. The states of a code must have a rule and zones; a code without a country has neither.
func (p *parser) areas() {
	seen := map[string][]dates{}
	p.each(tableAreas, []string{"npa", "country", "states", "zones", "note", "libphonenumber_warning", "source", "confidence", "from", "until"}, func(r *record) {
		a := &AreaCode{Code: r.get("npa"), Country: r.get("country"), Note: r.get("note"), Zones: r.knownZones("zones")}
		if !areaCode.MatchString(a.Code) {
			r.bad("npa", "want three digits, the first 2 to 9")
		}
		r.sourced()
		seen[a.Code] = r.alone("npa", seen[a.Code])
		states := r.list("states")
		switch {
		case a.Country == "":
			if len(states)+len(a.Zones) > 0 {
				r.bad("country", "is missing beside states or zones")
			}
			p.t.areas[a.Code] = a
			return
		case len(a.Country) != 2 || !regionName.MatchString(a.Country):
			r.bad("country", "want an ISO 3166 code")
		case len(a.Zones) == 0:
			r.bad("zones", "is missing for a code that has a place")
		case len(states) == 0 && (a.Country == "US" || a.Country == "CA"):
			r.bad("states", "is missing for a code of %s", a.Country)
		}
		for _, s := range states {
			region := a.Country + "-" + s
			if _, ok := p.t.laws[region]; !ok {
				r.bad("states", "%s has no row in %s", region, tableHours)
			}
			if len(p.t.zones[region]) == 0 {
				r.bad("states", "%s has no row in %s", region, tableZones)
			}
			a.Regions = append(a.Regions, region)
		}
		if r.dates().ended(p.t.day) {
			return // history
		}
		if old, ok := p.t.areas[a.Code]; ok { // one row ends and another begins: until then it may be either
			a.Regions, a.Zones = unique(append(a.Regions, old.Regions...)), unique(append(a.Zones, old.Zones...))
		}
		p.t.areas[a.Code] = a
	})
}

// alone notes that a row is in force on the same day as another one of its key, and returns the dates of all of them.
//
// Rows that say where something is are not asked for the day of a call: a row counts from the tables that name it until the tables
// that know its end. So a change that is coming makes the place wider, never narrower.
func (r *record) alone(field string, others []dates) []dates {
	own := r.dates()
	for _, other := range others {
		if other.meets(own) {
			r.bad(field, "has two rows on the same days")
			break
		}
	}
	return append(others, own)
}
