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
	day       int               // the version as a day number
	laws      map[string]*Law
	lists     map[string]*dayList // by the region that they were written for
	areas     map[string]*AreaCode
	zones     map[string][]string          // state or country → zones
	states    map[string]map[string]string // country → folded name → region
	countries map[string]string            // folded name → country
	union     map[string]string            // country → union of countries ("EU"), for those that have no rule of their own
	postal    []postalRange                // longest prefix first
	rows      map[string][][]string        // table → header and rows as they were read
	number    int64                        // of the operator's rules; 0 = there are none
	operator  string                       // checksum of the operator's rules

	mu       sync.RWMutex
	compiled map[string]*Compiled
}

// Load returns the tables that are built into the program. They are parsed once.
func Load() (*Tables, error) { return loadOnce() }

var loadOnce = sync.OnceValues(parseEmbedded)

func parseEmbedded() (*Tables, error) { return Parse(Embedded()) }

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
		laws:      map[string]*Law{},
		rows:      map[string][][]string{},
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
	t.unknown()
	for _, l := range t.laws {
		l.list = t.listOf(l.Region)
	}
	return t, nil
}

// Embedded is the folder of tables that is built into the program, for who wants a copy.
func Embedded() fs.FS {
	sub, err := fs.Sub(embedded, "data")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
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
func (t *Tables) Regions() []string { return sortedKeys(t.laws) }

// Rules lists the rows of a region in the order of their dates; at most one of them is in force on a day. None: the tables do not
// have the region.
func (t *Tables) Rules(region string) []*Rule {
	if l, ok := t.laws[region]; ok {
		return l.Rows
	}
	return nil
}

// Rule is the row of a region that is in force on the day that the tables were put together, or the first one after it.
func (t *Tables) Rule(region string) (*Rule, bool) {
	for _, r := range t.Rules(region) {
		if !r.ended(t.day) {
			return r, true
		}
	}
	return nil, false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Name says in one word which rules these are, for decisions and their traces: the date of the tables, their checksum, and number and
// checksum of what the operator added, "2026-11-22-0a1b2c3d4e5f6071+3-9f8e7d6c".
func (t *Tables) Name() string {
	name := t.version + "-" + t.Checksum()
	if t.number > 0 {
		name += fmt.Sprintf("+%d-%s", t.number, t.operator)
	}
	return name
}

// countryOf is the country that a region belongs to: "US" of "US-NY".
func countryOf(region string) string {
	country, _, _ := strings.Cut(region, "-")
	return country
}

// dateOf turns a day number back into the date's first instant in UTC.
func dateOf(day int) time.Time { return time.Unix(int64(day)*daySeconds, 0).UTC() }
