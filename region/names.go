package region

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold makes names comparable: letters and digits only, upper case, without accents. "N. Y." and "ny" are the same.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, norm.NFD.String(s))
}

// countries reads countries.csv.
func (p *parser) countries() {
	p.each(tableCountries, []string{"country", "union", "zones", "name", "aliases"}, func(r *record) {
		country := r.get("country")
		if len(country) != 2 || !regionName.MatchString(country) {
			r.bad("country", "want an ISO 3166 code")
		}
		if union := r.get("union"); union == "EU" {
			p.t.union[country] = union
		} else if union != "" {
			r.bad("union", "want EU or nothing")
		}
		if zones := r.knownZones("zones"); len(zones) > 0 {
			p.t.zones[country] = zones
		}
		for _, name := range append(r.list("aliases"), r.get("name"), country) {
			r.name(p.t.countries, name, country)
		}
	})
}

// states reads states.csv.
func (p *parser) states() {
	p.each(tableStates, []string{"region", "name", "aliases"}, func(r *record) {
		region := r.get("region")
		country, code, ok := strings.Cut(region, "-")
		if !ok || !regionName.MatchString(region) {
			r.bad("region", "want a state such as US-NY")
			return
		}
		names := p.t.states[country]
		if names == nil {
			names = map[string]string{}
			p.t.states[country] = names
		}
		for _, name := range append(r.list("aliases"), r.get("name"), code) {
			r.name(names, name, region)
		}
	})
}

// name notes a name, which must not stand for something else already.
func (r *record) name(names map[string]string, name, means string) {
	key := fold(name)
	if key == "" {
		r.bad("name", "is empty")
		return
	}
	if other, ok := names[key]; ok && other != means {
		r.bad("name", "%q already stands for %s", name, other)
	}
	names[key] = means
}

// zones reads zones.csv, and checks afterwards that every state has zones.
func (p *parser) zones() {
	seen := map[string][]dates{}
	p.each(tableZones, []string{"region", "zones", "note", "source", "confidence", "from", "until"}, func(r *record) {
		region := r.get("region")
		country, _, isState := strings.Cut(region, "-")
		if isState && !p.isState(country, region) || !isState && p.t.countries[region] != region {
			r.bad("region", "is in neither %s nor %s", tableStates, tableCountries)
		}
		r.sourced()
		seen[region] = r.alone("region", seen[region])
		zones := r.knownZones("zones")
		if len(zones) == 0 {
			r.bad("zones", "is empty")
		}
		if !r.dates().ended(p.t.day) {
			p.t.zones[region] = unique(append(zones, p.t.zones[region]...))
		}
	})
	for country, names := range p.t.states {
		var all []string
		for _, region := range names {
			if len(p.t.zones[region]) == 0 {
				p.faults.add(&TableError{File: tableZones, Problem: "has no row for " + region})
			}
			all = append(all, p.t.zones[region]...)
		}
		if _, ok := p.t.zones[country]; !ok {
			p.t.zones[country] = unique(all)
		}
	}
}

func (p *parser) isState(country, region string) bool {
	for _, r := range p.t.states[country] {
		if r == region {
			return true
		}
	}
	return false
}

// Zones lists every zone of a state or country, sorted.
func (t *Tables) Zones(region string) []string { return slices.Sorted(slices.Values(t.zones[region])) }

// country is the ISO code that a text means: a code or a name. Codes of countries without a row count when the phone
// library knows them.
func (t *Tables) country(text string) (string, bool) {
	key := fold(text)
	if c, ok := t.countries[key]; ok {
		return c, true
	}
	if len(key) == 2 && knownCountry(key) {
		return key, true
	}
	return "", false
}
