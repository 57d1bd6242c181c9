// Package region says where a number may be and what the law there allows: area codes, zones, hours, no-call days, caps.
//
// Everything comes from tables and zone data that are built into the program; neither the host's zone data nor its clock
// is ever asked. Whatever the tables do not know is not allowed: an unknown country, a date after the last listed no-call
// day, a place whose windows never meet.
//
// A lead's way through the package:
//
//	ParsePhone ─► Locate ─► Tables.Compile ─► Compiled.Window     may this place be called at t, and until or from when
//
// The tables are public law as it was read, not legal advice; each row names its source and how sure it is.
package region

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// The names of the tables, as faults and checksums name them.
const (
	tableHours     = "hours.csv"     // calling hours and caps by region
	tableHolidays  = "holidays.csv"  // dated no-call days by region
	tableAreas     = "areacodes.csv" // North American area codes: country, states, zones
	tableZones     = "zones.csv"     // zones by state or country
	tableStates    = "states.csv"    // names of states
	tableCountries = "countries.csv" // names of countries
	tablePostal    = "zip3.csv"      // states by the first characters of a postal code
	tableSpecial   = "special.csv"   // what fits no column of hours.csv
	tableVersion   = "VERSION"       // date of the tables
)

//go:embed data/*.csv data/VERSION
var embedded embed.FS

// Tables is one version of the rule tables. It never changes once parsed and may be used by many goroutines.
type Tables struct {
	version   string
	sums      map[string]string // table → SHA-256 in hex
	rules     map[string]*Rule
	lists     map[string]*dayList // by the region that they were written for
	areas     map[string]*AreaCode
	zones     map[string][]string          // state or country → zones
	states    map[string]map[string]string // country → folded name → region
	countries map[string]string            // folded name → country
	union     map[string]string            // country → union of countries ("EU"), for those that have no rule of their own
	postal    []postalRange                // longest prefix first

	mu       sync.RWMutex
	compiled map[string]*Compiled
}

// Load returns the tables that are built into the program. They are parsed once.
func Load() (*Tables, error) { return loadOnce() }

var loadOnce = sync.OnceValues(parseEmbedded)

func parseEmbedded() (*Tables, error) {
	sub, err := fs.Sub(embedded, "data")
	if err != nil {
		return nil, fmt.Errorf("open the embedded rule tables: %w", err)
	}
	return Parse(sub)
}

// Default is Load for callers that cannot go on without the tables. It panics when the embedded tables are broken, which
// the package's tests rule out.
func Default() *Tables {
	t, err := Load()
	if err != nil {
		panic(fmt.Sprintf("region: the embedded rule tables are broken: %v", err))
	}
	return t
}

// Parse reads a set of tables from a folder that has the same files as region/data. It is strict: every fault is
// reported, up to a few dozen, each as a *TableError with file, line, column and value, joined into one error.
func Parse(fsys fs.FS) (*Tables, error) {
	t := &Tables{
		sums:      map[string]string{},
		rules:     map[string]*Rule{},
		lists:     map[string]*dayList{},
		areas:     map[string]*AreaCode{},
		zones:     map[string][]string{},
		states:    map[string]map[string]string{},
		countries: map[string]string{},
		union:     map[string]string{},
		compiled:  map[string]*Compiled{},
	}
	p := &parser{fsys: fsys, t: t}
	p.version()
	p.countries()
	p.states()
	p.zones()
	p.hours()
	p.special()
	p.holidays()
	p.areas()
	p.postal()
	if err := p.faults.err(); err != nil {
		return nil, err
	}
	for _, r := range t.rules {
		r.list = t.listOf(r.Region)
	}
	return t, nil
}

// Version is the date at which the tables were put together, "2026-11-22".
func (t *Tables) Version() string { return t.version }

// Checksums is the SHA-256 of every table's bytes, in hex, by its file name.
func (t *Tables) Checksums() map[string]string { return maps.Clone(t.sums) }

// Checksum stands for all tables together: sixteen hex digits that change when any byte of any table does.
func (t *Tables) Checksum() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.sums)) {
		b.WriteString(name + " " + t.sums[name] + "\n")
	}
	return checksum([]byte(b.String()))[:16]
}

// Regions lists every region that has a rule, sorted: "CA-BC", "FR", "US-NY", "US-??" (a state nobody knows), "EU-??" (a
// country of the union that has no row) and "??" (a country nobody knows: never dialled).
func (t *Tables) Regions() []string { return slices.Sorted(maps.Keys(t.rules)) }

// Rule is the row of one region.
func (t *Tables) Rule(region string) (*Rule, bool) {
	r, ok := t.rules[region]
	return r, ok
}

// countryOf is the country that a region belongs to: "US" of "US-NY".
func countryOf(region string) string {
	country, _, _ := strings.Cut(region, "-")
	return country
}

// dateOf turns a day number back into the date's first instant in UTC.
func dateOf(day int) time.Time { return time.Unix(int64(day)*daySeconds, 0).UTC() }
