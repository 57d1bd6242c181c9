package campaign

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/region"
)

func TestPhonesOfARowInOrderOfPreference(t *testing.T) {
	t.Parallel()
	list := &List{Columns: []string{"A", "B", "C", "Country"}, Roles: map[string]int{RolePhone: 0, RolePhone2: 1, RolePhone3: 2, RoleCountry: 3}, Country: "US"}
	for name, c := range map[string]struct {
		row  []string
		want []Phone
	}{
		"in order":                  {[]string{"212-555-0123", "(415) 555-2671", "3035550123"}, []Phone{"+12125550123", "+14155552671", "+13035550123"}},
		"each once":                 {[]string{"212-555-0123", "+1 212 555 0123", "212.555.0123"}, []Phone{"+12125550123"}},
		"several in a cell":         {[]string{"2125550123 / 2125550124", "4155552671"}, []Phone{"+12125550123", "+12125550124", "+14155552671"}},
		"unreadable ones":           {[]string{"12", "1.41556E+10", "4155552671"}, []Phone{"+14155552671"}},
		"without a place":           {[]string{"8005550123", "9005550123", "4155552671"}, []Phone{"+14155552671"}},
		"of a country without laws": {[]string{"+81 3 3210 7000", "", "4155552671"}, []Phone{"+14155552671"}},
		"the row's country":         {[]string{"06 12 34 56 78", "", "", "FR"}, []Phone{"+33612345678"}},
		"none":                      {[]string{"", "", ""}, nil},
		"short row":                 {[]string{"2125550123"}, []Phone{"+12125550123"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, list.Phones(c.row)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	single := &List{Columns: []string{"A"}, Roles: map[string]int{RolePhone: 0}, Country: "US"}
	if got := single.Phones([]string{"2125550123"}); got != nil {
		t.Errorf("one number is read twice: %v", got)
	}
	if diff := cmp.Diff([]Phone{"+12125550123", "+12125550124"}, single.Phones([]string{"212-555-0123, 212-555-0124"})); diff != "" {
		t.Error(diff)
	}
	f, _ := list.Fields([]string{"2125550123", "4155552671", "", ""})
	if diff := cmp.Diff([]Phone{"+12125550123", "+14155552671"}, f.Phones); diff != "" || f.Attributes != nil {
		t.Errorf("%s, attributes %v", diff, f.Attributes)
	}
}

func TestALeadWithSeveralNumbersMayBeWhereAnyOfThemIs(t *testing.T) {
	t.Parallel()
	got := Locate(region.Signals{Phone: "+12125550123", State: "TX"}, []Phone{"+12125550123", "+14155552671"})
	if diff := cmp.Diff([]string{"US-CA", "US-NY", "US-TX"}, got.Regions); diff != "" || !got.Problem.None() {
		t.Errorf("%s %s", diff, got.Problem)
	}
	for _, zone := range []string{"America/Los_Angeles", "America/New_York", "America/Chicago"} {
		found := false
		for _, z := range got.Zones {
			found = found || z == zone
		}
		if !found {
			t.Errorf("%s is missing in %v", zone, got.Zones)
		}
	}
	// What one lead adds is not added to the tables.
	if again := region.Locate(region.Signals{Phone: "+12125550123"}); len(again.Regions) != 1 {
		t.Errorf("the tables changed: %v", again.Regions)
	}
}

func TestAWrongOrDeadNumberMovesOnToTheNext(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	const one, two, three Phone = "+12125550123", "+14155552671", "+13035550123"
	numbers := Fields{Phones: []Phone{one, two, three}}
	rang := func(p Phone, d Disposition) Attempt { return Attempt{Phone: p, State: Settled, Disposition: d} }
	for name, c := range map[string]struct {
		lead Lead
		out  map[Disposition]Outcome
		d    Disposition
		want Next
	}{
		"wrong number": {
			lead: Lead{Phone: one, Fields: numbers, Attempts: []Attempt{{Phone: one, State: Accepted}}}, d: WrongNumber,
			want: Next{State: LeadWaiting, Phone: two, Due: end},
		},
		"the second one as well": {
			lead: Lead{Phone: two, Fields: numbers, Attempts: []Attempt{rang(one, WrongNumber), {Phone: two, State: Accepted}}}, d: WrongNumber,
			want: Next{State: LeadWaiting, Phone: three, Due: end},
		},
		"no number is left": {
			lead: Lead{Phone: three, Fields: numbers, Attempts: []Attempt{rang(one, WrongNumber), rang(two, Failed), {Phone: three, State: Accepted}}}, d: WrongNumber,
			want: Next{State: LeadClosed},
		},
		"a failed one is tried again first": {
			lead: Lead{Phone: one, Fields: numbers, Attempts: []Attempt{{Phone: one, State: Accepted}}}, d: Failed,
			want: Next{State: LeadWaiting, Due: end.Add(time.Hour), Reason: ReasonGap},
		},
		"a dead one": {
			lead: Lead{Phone: one, Fields: numbers, Attempts: []Attempt{rang(one, Failed), rang(one, Failed), {Phone: one, State: Accepted}}}, d: Failed,
			want: Next{State: LeadWaiting, Phone: two, Due: end},
		},
		"the next one's ladder begins anew": {
			lead: Lead{Phone: two, Fields: numbers, Attempts: []Attempt{rang(one, Failed), rang(one, Failed), rang(one, Failed), {Phone: two, State: Accepted}}}, d: Failed,
			want: Next{State: LeadWaiting, Due: end.Add(time.Hour), Reason: ReasonGap},
		},
		"the wrong one is suppressed, the others are not": {
			lead: Lead{Phone: one, Fields: numbers, Attempts: []Attempt{{Phone: one, State: Accepted}}}, d: WrongNumber,
			out:  map[Disposition]Outcome{WrongNumber: {Suppress: ScopeTeam}},
			want: Next{State: LeadWaiting, Phone: two, Due: end, Suppress: ScopeTeam},
		},
		"an opt-out is the person's": {
			lead: Lead{Phone: one, Fields: numbers, Attempts: []Attempt{{Phone: one, State: Accepted}}}, d: DoNotCall,
			want: Next{State: LeadClosed, Suppress: ScopeTeam, Reason: ReasonSuppressed},
		},
		"not interested is the person's": {
			lead: Lead{Phone: one, Fields: numbers, Attempts: []Attempt{{Phone: one, State: Accepted}}}, d: NotInterested,
			want: Next{State: LeadClosed},
		},
		"the lifetime ends it": {
			lead: Lead{Phone: one, Fields: numbers, Attempts: []Attempt{
				rang(one, Busy), rang(one, Busy), rang(one, NoAnswer), rang(one, NoAnswer), rang(one, NoAnswer), {Phone: one, State: Accepted},
			}}, d: WrongNumber,
			want: Next{State: LeadClosed, Reason: ReasonLifetime},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := c.out
			if out == nil {
				out = DefaultOutcomes()
			}
			got := After(&Campaign{Attempts: DefaultCaps(), Outcomes: out}, &c.lead, Ended{Disposition: c.d, At: end})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
