package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// AddList stores the head of a list, by which its rows are read. Its ID stands for what it says: the same id with another content
// is an ErrConflict.
func (s *Store) AddList(ctx context.Context, name string, list campaign.List) error {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	if list.ID == "" {
		return fmt.Errorf("add list to %q: no id", name)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("add list %q to %q: %w", list.ID, name, err)
	}
	if _, err := s.runCampaign(ctx, scriptAddList, r, list.ID, raw); err != nil {
		return fmt.Errorf("add list %q to %q: %w", list.ID, name, err)
	}
	return nil
}

// Lists reads the heads of a campaign's lists, by id.
func (s *Store) Lists(ctx context.Context, name string) (map[string]campaign.List, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	raws, err := s.client.HGetAll(ctx, r.key("lists")).Result()
	if err != nil {
		return nil, fmt.Errorf("read lists of %q: %w", name, err)
	}
	lists := make(map[string]campaign.List, len(raws))
	for id, raw := range raws {
		var list campaign.List
		if err := json.Unmarshal([]byte(raw), &list); err != nil {
			return nil, fmt.Errorf("read list %q of %q: %w", id, name, err)
		}
		lists[id] = list
	}
	return lists, nil
}

// NewLead is one row of a list as the importer understood it.
type NewLead struct {
	ID       string         // campaign.LeadID of team, campaign and key; "" = worked out here
	Key      string         // "" = the phone
	Phone    campaign.Phone // E.164
	Lane     string         // "" only when held or closed
	Priority int            // campaign.MinPriority to MaxPriority, higher first
	List     string         // id of a list that was added before; "" = by hand, without a row
	Row      []string       // as it stood
	State    campaign.LeadState
	Reason   campaign.Reason // when held or closed
	Note     string
	Due      time.Time // not before this
	Promised bool      // Due was promised to the person
	Urgent   bool      // goes before all others
}

// Outcome says what became of a lead that was added.
type Outcome string

// The outcomes.
const (
	LeadAdded     Outcome = "added"
	LeadUpdated   Outcome = "updated"   // was there; its row, phone, lane or urgency changed
	LeadUnchanged Outcome = "unchanged" // was there just so; nothing was written
	LeadDuplicate Outcome = "duplicate" // stood earlier among the same leads; nothing was looked at
)

// Added is what became of one lead.
type Added struct {
	ID      string
	Outcome Outcome
	// Suppressed is the list that the phone is on, when the lead was closed for that.
	Suppressed campaign.Scope
	// Busy: it is unchanged although its phone changed, because it is being called; the next import will do it.
	Busy bool
}

// leadsPerScript keeps each run of the script to a few milliseconds. Sending several runs at once was measured: no gain.
const leadsPerScript = 500

// AddLeads takes leads into a campaign and answers for each one, in their order. Lists and lanes have to be there.
//
// A lead that is there already keeps its state, its attempts and what was set by hand. Its row, phone and priority become those
// given; a lead in a queue moves to the lane given, is held when it is held now, and one that an import held is let go when it is not held
// any more. Leads of suppressed phones come in closed, with the disposition suppressed. After an error some leads may have been
// added: adding the same again is safe.
func (s *Store) AddLeads(ctx context.Context, name string, leads []NewLead, _ time.Time) ([]Added, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	added := make([]Added, len(leads))
	seen := make(map[string]bool, len(leads))
	var fresh []int // places in leads of what is to be sent
	for i := range leads {
		id, err := s.checkLead(ctx, r, &leads[i])
		if err != nil {
			return nil, fmt.Errorf("add leads to %q: lead %d: %w", name, i+1, err)
		}
		added[i].ID = id
		if seen[id] {
			added[i].Outcome = LeadDuplicate
			continue
		}
		seen[id] = true
		fresh = append(fresh, i)
	}
	for len(fresh) > 0 {
		part := fresh[:min(len(fresh), leadsPerScript)]
		fresh = fresh[len(part):]
		if err := s.addLeads(ctx, r, leads, part, added); err != nil {
			return nil, fmt.Errorf("add leads to %q: %w", name, err)
		}
	}
	return added, nil
}

// addLeads takes in the leads at some places, as many as go into one script.
func (s *Store) addLeads(ctx context.Context, r ref, leads []NewLead, part []int, added []Added) error {
	global, err := s.globallySuppressed(ctx, leads, part)
	if err != nil {
		return err
	}
	args := make([]any, 0, 7*len(part))
	for _, i := range part {
		args = leads[i].args(args, added[i].ID, global[leads[i].Phone])
	}
	words, err := s.runCampaign(ctx, scriptAddLeads, r, args...)
	if err != nil {
		return err
	}
	if len(words) != len(part)+1 {
		return fmt.Errorf("script add_leads: %d replies for %d leads", len(words)-1, len(part))
	}
	for j, i := range part {
		word, scope, _ := strings.Cut(words[j+1], ":")
		added[i].Outcome, added[i].Suppressed = Outcome(word), campaign.Scope(scope)
		if word == "busy" {
			added[i].Outcome, added[i].Busy = LeadUnchanged, true
		}
	}
	return nil
}

// checkLead refuses what would break the record, and returns the lead's id.
func (s *Store) checkLead(ctx context.Context, r ref, l *NewLead) (string, error) {
	if err := checkPhone(l.Phone); err != nil {
		return "", err
	}
	key := l.Key
	if key == "" {
		key = string(l.Phone)
	}
	id := campaign.LeadID(r.team, r.name, key)
	switch {
	case l.ID != "" && l.ID != id:
		return "", fmt.Errorf("id %q is not that of its team, campaign and key, which is %q", l.ID, id)
	case l.Priority < campaign.MinPriority || l.Priority > campaign.MaxPriority:
		return "", fmt.Errorf("priority %d is not from %d to %d", l.Priority, campaign.MinPriority, campaign.MaxPriority)
	case l.State != "" && l.State != campaign.LeadNew && l.State != campaign.LeadHeld && l.State != campaign.LeadClosed:
		return "", fmt.Errorf("a lead comes in new, held or closed, not %s", l.State)
	case l.State == campaign.LeadHeld && l.Reason == "":
		return "", errors.New("held without a reason")
	}
	if l.List != "" {
		if _, err := s.list(ctx, r, l.List); err != nil {
			return "", err
		}
	}
	return id, nil
}

// globallySuppressed asks for the phones of some leads that are on the global list. It lies in another slot than the team, so it
// cannot be asked in the script; a number that is added to it meanwhile is found by Facts before any call.
func (s *Store) globallySuppressed(ctx context.Context, leads []NewLead, part []int) (map[campaign.Phone]bool, error) {
	phones := make([]any, len(part))
	for j, i := range part {
		phones[j] = string(leads[i].Phone)
	}
	r, err := s.run(ctx, scriptListed, globalTeam, phones...)
	if err != nil {
		return nil, err
	}
	found := make(map[campaign.Phone]bool, len(r)-1)
	for _, p := range r[1:] {
		found[campaign.Phone(p)] = true
	}
	return found, nil
}

// args appends what add_leads.lua takes of one lead.
func (l *NewLead) args(args []any, id string, global bool) []any {
	state := l.State
	if state == "" {
		state = campaign.LeadNew
	}
	flags := ""
	b := make([]byte, 0, 128)
	b = append(b, `{"p":`...)
	b = appendString(b, string(l.Phone))
	text := func(name byte, v string) {
		if v != "" {
			b = append(b, ',', '"', name, '"', ':')
			b = appendString(b, v)
		}
	}
	number := func(name byte, v int64) {
		if v != 0 {
			b = append(b, ',', '"', name, '"', ':')
			b = strconv.AppendInt(b, v, 10)
		}
	}
	text('l', l.Lane)
	if state != campaign.LeadNew {
		text('s', string(state))
		text('r', string(l.Reason))
	}
	if l.Key != "" && l.Key != string(l.Phone) {
		text('k', l.Key)
		flags += "k"
	}
	text('t', l.Note)
	if l.Priority != 0 {
		number('b', int64(l.Priority))
		flags += "p"
	}
	if state == campaign.LeadHeld {
		number('i', 1)
	}
	if state != campaign.LeadClosed {
		if !l.Due.IsZero() {
			number('d', ms(l.Due))
			flags += "d"
		}
		if l.Promised {
			number('m', 1)
			flags += "m"
		}
		if l.Urgent {
			number('u', 1)
			flags += "u"
		}
	}
	if global {
		flags += "g"
	}
	return append(args, id, string(l.Phone), l.Lane, string(state), flags, b, l.row())
}

// row is the part of the record that no script reads.
func (l *NewLead) row() []byte {
	size := 16 + len(l.List)
	for _, v := range l.Row {
		size += len(v) + 3
	}
	b := append(make([]byte, 0, size), '{')
	if l.List != "" {
		b = append(b, `"l":`...)
		b = appendString(b, l.List)
	}
	if len(l.Row) > 0 {
		if l.List != "" {
			b = append(b, ',')
		}
		b = append(b, `"v":[`...)
		for i, v := range l.Row {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, v)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}
