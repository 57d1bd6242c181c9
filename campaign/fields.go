package campaign

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialerd/dialerd/region"
)

// The roles that a column of a list can play. A column without a role becomes an attribute.
const (
	RolePhone     = "phone"
	RolePhone2    = "phone2" // called when phone is a wrong number or a dead one; and so on
	RolePhone3    = "phone3"
	RolePhone4    = "phone4"
	RoleName      = "name"
	RoleFirstName = "first_name"
	RoleLastName  = "last_name"
	RoleEmail     = "email"
	RoleState     = "state"
	RoleZIP       = "zip"
	RoleTimezone  = "timezone"
	RoleCountry   = "country"
	RoleKey       = "key"
	RoleTags      = "tags"
	RolePriority  = "priority"
	RoleNotBefore = "not_before"
	RoleNotAfter  = "not_after"
	RoleCallback  = "callback_time"
	RoleConsent   = "consent"
	RoleConsentAt = "consent_at"
	// Where the evidence of consent came from (a form, a link), and what the consent is for.
	RoleConsentSource = "consent_source"
	RoleConsentScope  = "consent_scope"
)

// Roles lists the roles, in the order of the documentation.
func Roles() []string {
	return []string{
		RolePhone, RolePhone2, RolePhone3, RolePhone4, RoleName, RoleFirstName, RoleLastName, RoleEmail, RoleState, RoleZIP, RoleTimezone, RoleCountry, RoleKey,
		RoleTags, RolePriority, RoleNotBefore, RoleNotAfter, RoleCallback, RoleConsent, RoleConsentAt,
		RoleConsentSource, RoleConsentScope,
	}
}

// Fields are what the columns of a lead's row say, apart from its phone.
type Fields struct {
	Name       string
	Email      string
	Province   string // the state column as written: code or name
	ZIP        string
	Zone       string // IANA name
	Country    string // ISO 3166 region
	Tags       []string
	Priority   int // higher goes first; MinPriority to MaxPriority
	NotBefore  time.Time
	NotAfter   time.Time
	CallbackAt time.Time
	Consent    string
	ConsentAt  time.Time
	// ConsentSource is where the evidence came from, ConsentScope what it is for; one of several things stand between commas.
	ConsentSource string
	ConsentScope  string
	Phones        []Phone           // every number that may be called, in order of preference, when the row has several
	Attributes    map[string]string // every column without a role, by header
}

// The priorities that a lead may have.
const (
	MinPriority = -1000
	MaxPriority = 1000
)

// List is the head of one imported list: what its columns are called and which roles they play. Its rows are kept as they
// stood; Fields reads them.
type List struct {
	ID      string         `json:"id"`
	Source  string         `json:"source"`
	Columns []string       `json:"columns"`
	Roles   map[string]int `json:"roles"`             // role → index in Columns
	Country string         `json:"country,omitempty"` // default country of the list
	Zone    string         `json:"zone,omitempty"`    // zone that times without an offset are read in
}

// FieldError says what is wrong with one cell. The row is still usable: a bad optional cell counts as empty.
type FieldError struct {
	Role    string // the role that the column plays
	Column  string // its header
	Value   string // what stood there
	Problem string // what is wrong and what would be right
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("column %q (%s): %q %s", e.Column, e.Role, e.Value, e.Problem)
}

// Cell is the trimmed value that plays the role in a row, or "" when the list has no such column or the row is short.
func (l *List) Cell(row []string, role string) string {
	i, ok := l.Roles[role]
	if !ok || i >= len(row) {
		return ""
	}
	return strings.TrimSpace(row[i])
}

// Fields reads a row of the list. Every cell it cannot use is reported; the others are read all the same. Times without
// an offset are read in the list's zone.
func (l *List) Fields(row []string) (Fields, []FieldError) {
	f, bad := l.Known(row)
	f.Attributes = l.attributes(row)
	return f, bad
}

// Known is Fields without the attributes, for those who need none of them: it is several times faster.
func (l *List) Known(row []string) (Fields, []FieldError) {
	f := Fields{
		Name:          l.Cell(row, RoleName),
		Email:         l.Cell(row, RoleEmail),
		Province:      l.Cell(row, RoleState),
		ZIP:           l.Cell(row, RoleZIP),
		Zone:          l.Cell(row, RoleTimezone),
		Country:       cmp.Or(strings.ToUpper(l.Cell(row, RoleCountry)), l.Country),
		Consent:       l.Cell(row, RoleConsent),
		ConsentSource: l.Cell(row, RoleConsentSource),
		ConsentScope:  l.Cell(row, RoleConsentScope),
	}
	if phones := l.Phones(row); len(phones) > 1 {
		f.Phones = phones
	}
	if f.Name == "" {
		f.Name = strings.TrimSpace(l.Cell(row, RoleFirstName) + " " + l.Cell(row, RoleLastName))
	}
	for tag := range strings.FieldsFuncSeq(l.Cell(row, RoleTags), func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
		if tag = strings.TrimSpace(tag); tag != "" {
			f.Tags = append(f.Tags, tag)
		}
	}
	var bad []FieldError
	fail := func(role, problem string) {
		bad = append(bad, FieldError{Role: role, Column: l.Columns[l.Roles[role]], Value: l.Cell(row, role), Problem: problem})
	}
	if s := l.Cell(row, RolePriority); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < MinPriority || n > MaxPriority {
			fail(RolePriority, fmt.Sprintf("is not a whole number from %d to %d", MinPriority, MaxPriority))
		} else {
			f.Priority = n
		}
	}
	var zone *time.Location
	for _, t := range []struct {
		role string
		to   *time.Time
	}{{RoleNotBefore, &f.NotBefore}, {RoleNotAfter, &f.NotAfter}, {RoleCallback, &f.CallbackAt}, {RoleConsentAt, &f.ConsentAt}} {
		s := l.Cell(row, t.role)
		if s == "" {
			continue
		}
		if zone == nil {
			zone = l.location()
		}
		at, err := ParseTime(s, zone)
		if err != nil {
			fail(t.role, "is not a time; write it as 2026-03-09T14:30:00-05:00 or 2026-03-09 14:30")
			continue
		}
		if t.role == RoleNotAfter && len(s) == len(time.DateOnly) {
			at = at.AddDate(0, 0, 1) // a bare date as a limit includes its day
		}
		*t.to = at
	}
	return f, bad
}

// attributes are the cells of the columns that play no role, by header; nil when there are none.
func (l *List) attributes(row []string) map[string]string {
	var attributes map[string]string
	plays := make([]bool, len(l.Columns))
	for _, i := range l.Roles {
		if i < len(plays) {
			plays[i] = true
		}
	}
	for i, column := range l.Columns {
		if i >= len(row) || plays[i] {
			continue
		}
		if v := strings.TrimSpace(row[i]); v != "" {
			if attributes == nil {
				attributes = make(map[string]string, len(l.Columns))
			}
			attributes[column] = v
		}
	}
	return attributes
}

// location is the zone that times without an offset are read in. The zone's name was checked when the list was made.
func (l *List) location() *time.Location {
	if zone, err := region.Zone(l.Zone); l.Zone != "" && err == nil {
		return zone
	}
	return time.UTC
}

// timeForms are the ways a list may write a time, tried in order. Day-first and month-first dates with slashes cannot be
// told apart, so neither is taken.
var timeForms = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	"2006-01-02 15:04", time.DateOnly,
}

// ParseTime reads a time as lists write it; zone is for those without an offset of their own (nil = UTC).
func ParseTime(s string, zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	s = strings.TrimSpace(s)
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time", s)
}
