package region

import (
	"fmt"
	"strings"
)

// Reason says in one word why a place may not be called. The words are the ones that decisions, exports and metrics use.
type Reason string

// The reasons.
const (
	OutsideWindow Reason = "outside_window"  // a zone or region that the lead could be in is closed
	Holiday       Reason = "holiday"         // a no-call day
	RulesExpired  Reason = "rules_expired"   // the no-call days are not known that far ahead
	NoWindow      Reason = "no_window"       // no instant in two weeks is allowed everywhere, or the law of the region is not known
	NoZone        Reason = "no_zone"         // nobody can say where the lead is
	NoPlace       Reason = "toll_free"       // the number has no place: toll-free, premium, personal, emergency
	BadContact    Reason = "invalid_contact" // the number cannot exist
)

// Signals is what is known about where a lead may be. Every field may be empty.
type Signals struct {
	Phone   string // E.164, as ParsePhone returns it
	State   string // what the lead's own row says: a code or name of a state, province or territory
	ZIP     string // ZIP or Canadian postal code
	Country string // what the lead's own row says, not the default country of the list: a code or a name
	Zone    string // IANA name
}

// Place is everywhere that a lead may be. A call must be allowed in all of it.
type Place struct {
	Country string   // of the number; ISO 3166
	Regions []string // whose law applies, sorted
	Zones   []string // whose clocks count, sorted
	Problem Problem  // why the lead must not be dialled at all, if so
}

// Unplaced is the region of those that nobody can place. It is never open.
const Unplaced = "??"

// Problem is why a lead cannot be placed. The zero value means that there is none. A place with a problem has the region
// "??" among its regions, so that it is closed for those who do not look.
type Problem struct {
	Code  string // toll_free premium personal emergency no_zone unknown_country invalid_phone invalid_state invalid_zip invalid_country invalid_zone
	Field string // which signal: phone, state, zip, country, zone
	Value string // what it says; empty for phone, which is not repeated
	Fix   string // what a person can do about it
}

// None reports that there is no problem.
func (p Problem) None() bool { return p.Code == "" }

// String names field, value and mend.
func (p Problem) String() string {
	if p.None() {
		return ""
	}
	if p.Value == "" {
		return fmt.Sprintf("%s: %s; %s", p.Code, p.Field, p.Fix)
	}
	return fmt.Sprintf("%s: %s %q; %s", p.Code, p.Field, p.Value, p.Fix)
}

// Reason is the problem in the words of decisions.
func (p Problem) Reason() Reason {
	switch p.Code {
	case "":
		return ""
	case "toll_free", "premium", "personal", "emergency":
		return NoPlace
	case "invalid_phone":
		return BadContact
	}
	return NoZone
}

// Key names the place for Tables.ByKey: "US-FL,US-KY|America/Chicago,America/New_York". Equal places have equal keys.
func (p Place) Key() string { return placeKey(p.Regions, p.Zones) }

func placeKey(regions, zones []string) string {
	return strings.Join(regions, ",") + "|" + strings.Join(zones, ",")
}

const (
	fixExplicit = "name the lead's zone and its state or country"
	fixState    = "write the state's code or full name, or leave it empty"
)

// blank reports whether a cell says that there is nothing.
func blank(s string) bool {
	switch fold(s) {
	case "", "NULL", "NONE", "NIL", "UNKNOWN":
		return true
	case "NA":
		return strings.Contains(s, "/")
	}
	return false
}
