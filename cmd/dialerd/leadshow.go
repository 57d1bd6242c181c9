package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

// leadJSON is a lead as `lead` commands print it.
type leadJSON struct {
	Campaign  string         `json:"campaign"`
	Lead      string         `json:"lead"`
	Phone     campaign.Phone `json:"phone"`
	Key       string         `json:"key"`
	State     string         `json:"state"`
	Reason    text           `json:"reason"`
	Note      text           `json:"note"`
	Due       stamp          `json:"due"`
	Urgent    bool           `json:"urgent"`
	Priority  int            `json:"priority"`
	Name      text           `json:"name"`
	Email     text           `json:"email"`
	Province  text           `json:"province"`
	ZIP       text           `json:"zip"`
	Timezone  text           `json:"timezone"`
	Country   text           `json:"country"`
	NotBefore stamp          `json:"not_before"`
	NotAfter  stamp          `json:"not_after"`
	Consent   text           `json:"consent"`
	ConsentAt stamp          `json:"consent_at"`

	ConsentSource text `json:"consent_source"`
	ConsentScope  text `json:"consent_scope"`

	Phones      []campaign.Phone  `json:"phones"` // every number of the row, in order of preference, when it has several
	Tags        []string          `json:"tags"`
	Attributes  map[string]string `json:"attributes"`
	Disposition text              `json:"disposition"`
	Attempts    []attemptJSON     `json:"attempts"`
}

// attemptJSON is an attempt as `why` and `lead` print it.
type attemptJSON struct {
	ID          string `json:"id"`
	At          stamp  `json:"at"`
	State       string `json:"state"`
	Disposition text   `json:"disposition"`
	CallID      text   `json:"call_id"`
}

func attemptsJSON(attempts []campaign.Attempt) []attemptJSON {
	out := make([]attemptJSON, 0, len(attempts))
	for i := range attempts {
		t := &attempts[i]
		out = append(out, attemptJSON{t.ID, stamp(t.At), string(t.State), text(t.Disposition), text(t.CallID)})
	}
	return out
}

func (a *app) printLead(l *campaign.Lead) error {
	if a.json {
		attributes := l.Attributes
		if attributes == nil {
			attributes = map[string]string{}
		}
		return a.printJSON(leadJSON{
			Campaign: l.Campaign, Lead: l.ID, Phone: l.Phone, Key: l.Key, State: string(l.State), Reason: text(l.Reason), Note: text(l.Note),
			Due: stamp(l.Due), Urgent: l.Urgent, Priority: l.Priority, Name: text(l.Name), Email: text(l.Email), Province: text(l.Province),
			ZIP: text(l.ZIP), Timezone: text(l.Zone), Country: text(l.Country), NotBefore: stamp(l.NotBefore), NotAfter: stamp(l.NotAfter),
			Consent: text(l.Consent), ConsentAt: stamp(l.ConsentAt), ConsentSource: text(l.ConsentSource),
			ConsentScope: text(l.ConsentScope), Phones: append([]campaign.Phone{}, l.Phones...), Tags: append([]string{}, l.Tags...), Attributes: attributes, Disposition: text(l.Disposition),
			Attempts: attemptsJSON(l.Attempts),
		})
	}
	a.say("%s in campaign %s: %s", l.Phone, l.Campaign, l.State)
	if why := strings.TrimSpace(string(l.Reason) + " " + parens(strings.TrimPrefix(l.Note, string(l.Reason)+": "))); why != "" {
		a.say(", %s", why)
	}
	a.say("\n")
	line := func(name, value string) {
		if value != "" && value != "-" {
			a.say("  %-14s %s\n", oneLine(name), oneLine(value))
		}
	}
	line("lead", l.ID)
	if l.Key != string(l.Phone) {
		line("key", l.Key)
	}
	phones := make([]string, len(l.Phones))
	for i, p := range l.Phones {
		phones[i] = string(p)
	}
	line("phones", strings.Join(phones, ", then "))
	line("name", l.Name)
	line("email", l.Email)
	line("state", l.Province)
	line("zip", l.ZIP)
	line("timezone", l.Zone)
	line("country", l.Country)
	line("tags", strings.Join(l.Tags, ", "))
	line("due", stamp(l.Due).String())
	line("not before", stamp(l.NotBefore).String())
	line("not after", stamp(l.NotAfter).String())
	line("consent", l.Consent)
	line("consent at", stamp(l.ConsentAt).String())
	line("consent from", l.ConsentSource)
	line("consent for", l.ConsentScope)
	if l.Urgent {
		line("urgent", "yes")
	}
	if l.Priority != 0 {
		line("priority", fmt.Sprint(l.Priority))
	}
	for _, name := range slices.Sorted(maps.Keys(l.Attributes)) {
		line(name, l.Attributes[name])
	}
	line("disposition", string(l.Disposition))
	for i := range l.Attempts {
		t := &l.Attempts[i]
		line("attempt", fmt.Sprintf("%s  %s %s  call %s", stamp(t.At), t.State, t.Disposition, dash(t.CallID)))
	}
	return nil
}

// parens puts a text that is there into parentheses.
func parens(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

// dash is the text, or a dash for none.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
