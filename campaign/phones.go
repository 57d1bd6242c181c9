package campaign

import (
	"slices"
	"strings"

	"github.com/dialerd/dialerd/region"
)

// PhoneRoles lists the roles of phone columns, in order of preference.
func PhoneRoles() []string { return phoneRoles }

var phoneRoles = []string{RolePhone, RolePhone2, RolePhone3, RolePhone4}

// oneNumber is the most digits that a cell with a single number has: more, and it may hold several.
const oneNumber = 15

// Phones reads the numbers of a row that may be called, in order of preference: column by column, and in each cell one number
// after the other. Numbers that say nothing of a place (toll-free, premium, of countries without rules) are passed over, for
// nobody could say when to call them. It is nil for a row whose only phone cell holds one number: that one is the lead's, whatever it is.
func (l *List) Phones(row []string) []Phone {
	if l.onePhone(row) {
		return nil
	}
	country := l.Cell(row, RoleCountry)
	if country == "" {
		country = l.Country
	}
	var phones []Phone
	add := func(raw string) []string {
		p, err := region.ParsePhone(raw, country)
		if err != nil {
			return nil
		}
		phone := Phone(p.E164)
		if !slices.Contains(phones, phone) && region.Locate(region.Signals{Phone: p.E164}).Problem.None() {
			phones = append(phones, phone)
		}
		return p.Others
	}
	for _, role := range phoneRoles {
		cell := l.Cell(row, role)
		if cell == "" {
			continue
		}
		for _, other := range add(cell) {
			add(other)
		}
	}
	return phones
}

// onePhone reports whether the row has no more than one number, which is so nearly always.
func (l *List) onePhone(row []string) bool {
	for _, role := range phoneRoles[1:] {
		if _, ok := l.Roles[role]; ok {
			return false
		}
	}
	cell := l.Cell(row, RolePhone)
	if len(cell) <= oneNumber {
		return true
	}
	digits := 0
	for _, c := range cell {
		if c >= '0' && c <= '9' || c >= 0x80 && strings.TrimSpace(string(c)) != "" {
			digits++
		}
	}
	return digits <= oneNumber
}

// Locate says where a lead may be: everywhere that its own number, its further numbers and its row say. The further ones must be
// such as List.Phones returns.
func Locate(s region.Signals, further []Phone) region.Place {
	place := region.Locate(s)
	for _, p := range further {
		if string(p) == s.Phone {
			continue
		}
		more := region.Locate(region.Signals{Phone: string(p)})
		place.Regions = union(place.Regions, more.Regions)
		place.Zones = union(place.Zones, more.Zones)
	}
	return place
}

// union is both lists as one, sorted, each word once. Neither list is changed: places share them.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// nextPhone is the number to go on with when the lead's own is no good: the first by preference that was not called yet; "" when
// there is none.
func (l *Lead) nextPhone() Phone {
	for _, p := range l.Phones {
		called := slices.ContainsFunc(l.Attempts, func(a Attempt) bool { return a.Phone == p && a.State != Refused })
		if p != l.Phone && !called {
			return p
		}
	}
	return ""
}
