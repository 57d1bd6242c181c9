package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	// Back: its list had been withdrawn, and it is open again.
	Back bool
}

// leadsPerScript keeps each run of the script to a few milliseconds. Sending several runs at once was measured: no gain.
const leadsPerScript = 500

// AddLeads takes leads into a campaign and answers for each one, in their order. Lists and lanes have to be there.
//
// A lead that is there already keeps its state, its attempts and what was set by hand. Its row, phone and priority become those
// given; a lead in a queue moves to the lane given, is held when it is held now, and one that an import held is let go when it is not held
// any more. Leads of suppressed phones come in closed, with the disposition suppressed. After an error some leads may have been
// added: adding the same again is safe.
func (s *Store) AddLeads(ctx context.Context, name string, leads []NewLead) ([]Added, error) {
	return s.takeLeads(ctx, name, leads, "")
}

// PreviewLeads is what AddLeads would answer. It changes nothing, and neither lists nor lanes have to be there.
func (s *Store) PreviewLeads(ctx context.Context, name string, leads []NewLead) ([]Added, error) {
	return s.takeLeads(ctx, name, leads, dryMode)
}

// dryMode has add_leads.lua answer and write nothing.
const dryMode = "dry"

func (s *Store) takeLeads(ctx context.Context, name string, leads []NewLead, mode string) ([]Added, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	added := make([]Added, len(leads))
	seen := make(map[string]bool, len(leads))
	var fresh []int // places in leads of what is to be sent
	for i := range leads {
		id, err := checkLead(r, &leads[i])
		if list := leads[i].List; err == nil && list != "" && mode != dryMode {
			_, err = s.list(ctx, r, list)
		}
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
	for part := range slices.Chunk(fresh, leadsPerScript) {
		if err := s.addLeads(ctx, r, &leadBatch{leads: leads, added: added, part: part}, mode); err != nil {
			return nil, fmt.Errorf("add leads to %q: %w", name, err)
		}
	}
	return added, nil
}

// leadBatch is some leads that are taken in by one run of the script.
type leadBatch struct {
	leads []NewLead
	added []Added // what becomes of each
	part  []int   // places in leads of those that are taken in now
	texts []leadText
}

// addLeads takes in the leads at some places, as many as go into one script.
func (s *Store) addLeads(ctx context.Context, r ref, b *leadBatch, mode string) error {
	if err := s.settleUntouched(ctx, r, b); err != nil || len(b.part) == 0 {
		return err
	}
	global, err := s.globallySuppressed(ctx, b)
	if err != nil {
		return err
	}
	args := append(make([]any, 0, 1+7*len(b.part)), mode)
	for j, i := range b.part {
		args = b.leads[i].args(args, b.added[i].ID, b.texts[j], global[b.leads[i].Phone])
	}
	words, err := s.runCampaign(ctx, scriptAddLeads, r, args...)
	if err != nil {
		return err
	}
	if len(words) != len(b.part)+1 {
		return fmt.Errorf("script add_leads: %d replies for %d leads", len(words)-1, len(b.part))
	}
	for j, i := range b.part {
		word, scope, _ := strings.Cut(words[j+1], ":")
		b.added[i].Outcome, b.added[i].Suppressed = Outcome(word), campaign.Scope(scope)
		switch word {
		case "busy":
			b.added[i].Outcome, b.added[i].Busy = LeadUnchanged, true
		case "back":
			b.added[i].Outcome, b.added[i].Back = LeadUpdated, true
		}
	}
	return nil
}

// checkLead refuses what would break the record, and returns the lead's id.
func checkLead(r ref, l *NewLead) (string, error) {
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
	return id, nil
}

// globallySuppressed asks for the phones of some leads that are on the global list. It lies in another slot than the team, so it
// cannot be asked in the script; a number that is added to it meanwhile is found by Facts before any call.
func (s *Store) globallySuppressed(ctx context.Context, b *leadBatch) (map[campaign.Phone]bool, error) {
	phones := make([]any, len(b.part))
	for j, i := range b.part {
		phones[j] = string(b.leads[i].Phone)
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
