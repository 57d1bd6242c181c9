package campaign

import (
	"slices"
	"strings"
	"time"
)

// National is what a national do-not-call list says about a phone.
type National struct {
	Country string    `json:"country"`       // ISO 3166
	Date    time.Time `json:"date,omitzero"` // of the version that is loaded; zero = none is
	Listed  bool      `json:"listed"`        // the phone is on it
}

// NationalAge is how old a national list may be at a call (US: 47 CFR 64.1200(c)(2)(i)(D); Canada has the same number of days).
const NationalAge = 31 * 24 * time.Hour

// Current reports whether the list is there and young enough for a call at t.
func (n National) Current(t time.Time) bool {
	return !n.Date.IsZero() && t.Sub(n.Date) <= NationalAge
}

// NationalCountries lists the countries whose national do-not-call list a call to the place has to be held against; none where the
// campaign does not ask for them.
func (p *Plan) NationalCountries(place *Place) []string {
	if p.Consent.NationalList != NationalRequired || place == nil {
		return nil
	}
	var countries []string
	for _, r := range place.Regions() {
		country, _, _ := strings.Cut(r, "-")
		if !slices.Contains(countries, country) {
			countries = append(countries, country)
		}
	}
	slices.Sort(countries)
	return countries
}

// askNational holds the lead against the national lists. A list that is missing, or too old, says no to everybody: a person may
// have put the number there yesterday.
func (s Subject) askNational(t time.Time) answer {
	if s.Plan.Consent.NationalList != NationalRequired || s.Place == nil {
		return yes
	}
	if len(s.Facts.National) == 0 {
		return answer{reason: ReasonRulesExpired}
	}
	for i := range s.Facts.National {
		if n := &s.Facts.National[i]; !n.Current(t) {
			return answer{reason: ReasonRulesExpired}
		}
	}
	for i := range s.Facts.National {
		if s.Facts.National[i].Listed {
			return answer{never: true, reason: ReasonSuppressed}
		}
	}
	return yes
}

// NationalVersions names the lists that were asked, as every attempt keeps it: "US 2026-11-01".
func (f *Facts) NationalVersions() string {
	parts := make([]string, len(f.National))
	for i, n := range f.National {
		parts[i] = n.String()
	}
	return strings.Join(parts, ", ")
}

// String is the list with its date.
func (n National) String() string {
	if n.Date.IsZero() {
		return n.Country + " missing"
	}
	return n.Country + " " + n.Date.UTC().Format(time.DateOnly)
}
