package region

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Amendment is what an operator adds to the law. Nothing in it can make the law looser: blocks and hours are asked beside the
// tables, and days are added to theirs.
type Amendment struct {
	Blocks     []Block               `json:"blocks,omitempty"`
	Hours      map[string]OwnHours   `json:"hours,omitempty"`        // by region
	NoCallDays map[string][]NamedDay `json:"no_call_days,omitempty"` // by region
}

// Block closes a region for some time: an emergency, a proclaimed day.
type Block struct {
	Region string `json:"region"`
	From   string `json:"from"` // the first closed day by local time, "2026-08-28", or an instant, "2026-08-28T18:00:00Z"
	To     string `json:"to"`   // the last closed day, or the first instant that is not closed any more; of the same kind as From
	Reason string `json:"reason"`

	instants bool
	days     dates // unless instants
	from, to int64 // seconds since 1970, of instants
}

// OwnHours are hours by weekday (sun mon tue wed thu fri sat). A day that is not named keeps the hours of the tables; no spans close
// it.
type OwnHours map[string][]Span

// NamedDay is a no-call day of an operator's own.
type NamedDay struct {
	Date string `json:"date"` // "2027-04-27"
	Name string `json:"name,omitempty"`
}

// Bounds of an amendment, so that every daemon can read it again each second.
const (
	maxBlocks    = 500
	maxOwnDays   = 500
	maxBlockDays = 400
	maxReason    = 200
)

// AmendmentError is one mistake in an amendment.
type AmendmentError struct {
	Field   string // as in blocks[0].region
	Value   string
	Problem string // what is wrong, and what would be right
}

// Error names field and value first.
func (e *AmendmentError) Error() string {
	if e.Value == "" {
		return e.Field + ": " + e.Problem
	}
	return fmt.Sprintf("%s %q: %s", e.Field, e.Value, e.Problem)
}

// Empty reports that nothing is added.
func (a *Amendment) Empty() bool { return len(a.Blocks)+len(a.Hours)+len(a.NoCallDays) == 0 }

// amender adds an amendment to a copy of the tables.
type amender struct {
	t    *Tables
	errs []error
}

func (a *amender) bad(field, value, format string, args ...any) {
	a.errs = append(a.errs, &AmendmentError{Field: field, Value: clip(value), Problem: fmt.Sprintf(format, args...)})
}

// Amend returns the tables with what an operator adds to them; the tables themselves stay as they are. number tells amendments apart
// in decisions: it is above zero and rises. Every mistake is reported, each as an *AmendmentError, joined into one error: an unknown region, a
// day that is none, hours that the tables close.
func (t *Tables) Amend(number int64, add Amendment) (*Tables, error) {
	if t.number != 0 || number <= 0 {
		return nil, fmt.Errorf("amendment %d of tables with amendment %d: want a number above 0, and tables without one", number, t.number)
	}
	text, err := json.Marshal(add)
	if err != nil {
		return nil, fmt.Errorf("amendment %d: %w", number, err)
	}
	n := &Tables{
		version: t.version, sums: t.sums, day: t.day, laws: map[string]*Law{}, lists: maps.Clone(t.lists), areas: t.areas, zones: t.zones,
		states: t.states, countries: t.countries, union: t.union, postal: t.postal, rows: t.rows, number: number,
		operator: checksum(text)[:8], compiled: map[string]*Compiled{},
	}
	for name, l := range t.laws {
		own := *l
		n.laws[name] = &own
	}
	a := &amender{t: n}
	if len(add.Blocks) > maxBlocks {
		a.bad("blocks", "", "has %d blocks, at most %d", len(add.Blocks), maxBlocks)
	} else {
		for i, b := range add.Blocks {
			a.block(fmt.Sprintf("blocks[%d]", i), b)
		}
	}
	for _, region := range sortedKeys(add.Hours) {
		a.hours(region, add.Hours[region])
	}
	for _, region := range sortedKeys(add.NoCallDays) {
		a.days(region, add.NoCallDays[region])
	}
	if err := errors.Join(a.errs...); err != nil {
		return nil, err
	}
	for _, l := range n.laws {
		l.list = n.listOf(l.Region)
	}
	return n, nil
}

// Amended is the number of the amendment in the tables; 0 when there is none.
func (t *Tables) Amended() int64 { return t.number }

// region checks that the tables have a region that something can be added to.
func (a *amender) region(field, region string) bool {
	if _, ok := a.t.laws[region]; ok && region != Unplaced {
		return true
	}
	if region == Unplaced {
		a.bad(field, region, "nobody there is called at all")
		return false
	}
	var near []string
	for _, name := range a.t.Regions() {
		if name == countryOf(strings.ToUpper(region)) || strings.HasPrefix(name, countryOf(strings.ToUpper(region))+"-") {
			near = append(near, name)
		}
	}
	if len(near) == 0 {
		a.bad(field, region, "is not in the tables; write a country or state such as FR or US-NY")
	} else {
		a.bad(field, region, "is not in the tables; of %s they have %s", countryOf(strings.ToUpper(region)), strings.Join(near, " "))
	}
	return false
}

// reach is every law that what is added to a region has a say in: the region's own, those of a country's states, and of a state's
// country, which stands for those whose state nobody knows.
func (a *amender) reach(region string) []*Law {
	country, _, isState := strings.Cut(region, "-")
	var laws []*Law
	for _, name := range sortedKeys(a.t.laws) {
		switch {
		case name == region, !isState && countryOf(name) == country, isState && (name == country || name == country+"-??"):
			laws = append(laws, a.t.laws[name])
		}
	}
	return laws
}

// close adds a block to every law that it reaches.
func (a *amender) close(b *Block) {
	for _, l := range a.reach(b.Region) {
		l.blocks = append(slices.Clip(l.blocks), b)
	}
}

func (a *amender) block(field string, b Block) {
	ok := a.region(field+".region", b.Region)
	if strings.TrimSpace(b.Reason) == "" || len(b.Reason) > maxReason {
		a.bad(field+".reason", b.Reason, "want the reason in 1 to %d characters: it is shown for every lead that waits for it", maxReason)
		ok = false
	}
	var first, last time.Time
	for _, f := range []struct {
		name, text string
		at         *time.Time
	}{{"from", b.From, &first}, {"to", b.To, &last}} {
		at, instant, err := parseEdge(f.text)
		switch {
		case err != nil:
			a.bad(field+"."+f.name, f.text, "%v", err)
			ok = false
		case f.name == "to" && instant != b.instants && !first.IsZero():
			a.bad(field+".to", f.text, "is of another kind than from: write two dates or two instants")
			ok = false
		default:
			*f.at, b.instants = at, instant
		}
	}
	if !ok {
		return
	}
	b.from, b.to = first.Unix(), last.Unix()
	if !b.instants {
		b.days = dates{int(b.from / daySeconds), int(b.to/daySeconds) + 1}
	}
	switch length := last.Sub(first); {
	case length < 0, length == 0 && b.instants:
		a.bad(field+".to", b.To, "is not after from (%s)", b.From)
	case length > maxBlockDays*24*time.Hour:
		a.bad(field+".to", b.To, "is more than %d days after from; block less, and again when that is over", maxBlockDays)
	default:
		a.close(&b)
	}
}

// parseEdge reads a date or an instant.
func parseEdge(text string) (at time.Time, instant bool, err error) {
	if at, err = time.Parse(time.DateOnly, text); err == nil {
		return at, false, checkYear(at)
	}
	if at, err = time.Parse(time.RFC3339, text); err == nil {
		return at, true, checkYear(at)
	}
	return at, false, errors.New("want a date such as 2026-08-28, or an instant such as 2026-08-28T18:00:00-05:00")
}

func checkYear(t time.Time) error {
	if t.Year() < 2000 || t.Year() > 2100 {
		return errors.New("want a year from 2000 to 2100")
	}
	return nil
}

// reach is when the block closes anything on any clock of the world.
func (b *Block) reach() (from, to int64) {
	if b.instants {
		return b.from, b.to
	}
	return b.days.reach()
}

// String says what is closed and why: "blocked 2026-08-28 to 2026-09-02: hurricane".
func (b *Block) String() string {
	if b.From == b.To {
		return "blocked " + b.From + ": " + b.Reason
	}
	return "blocked " + b.From + " to " + b.To + ": " + b.Reason
}

// CheckAmendment lists what is wrong with an amendment of the embedded tables.
func CheckAmendment(add Amendment) []*AmendmentError {
	_, err := Default().Amend(1, add)
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var out []*AmendmentError
	for _, e := range list.Unwrap() {
		if bad, ok := errors.AsType[*AmendmentError](e); ok {
			out = append(out, bad)
		}
	}
	return out
}
