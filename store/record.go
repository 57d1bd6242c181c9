package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// leadRecord is the part of a lead that scripts read and write; common.lua says what the letters mean.
type leadRecord struct {
	State       campaign.LeadState   `json:"s"`
	Phone       campaign.Phone       `json:"p"`
	Home        campaign.Phone       `json:"h"` // of its row, when it has gone on to another one
	Key         string               `json:"k"`
	Lane        string               `json:"l"`
	Sequence    int64                `json:"q"`
	Priority    int                  `json:"b"`
	Reason      campaign.Reason      `json:"r"`
	Note        string               `json:"t"`
	Due         int64                `json:"d"`
	Promised    int                  `json:"m"`
	Urgent      int                  `json:"u"`
	Restaged    int                  `json:"g"`
	Disposition campaign.Disposition `json:"z"`
	Overrides   map[string]string    `json:"x"`
	Unlisted    int                  `json:"o"`
	Failed      int                  `json:"f"`
	Attempts    []attemptRecord      `json:"a"`
}

type attemptRecord struct {
	Number      int                   `json:"n"`
	State       campaign.AttemptState `json:"s"`
	At          int64                 `json:"t"`
	Deadline    int64                 `json:"e"`
	Day         int64                 `json:"d"`
	TeamDay     int64                 `json:"j"` // 0 = the same
	Agent       string                `json:"i"`
	Call        string                `json:"c"`
	Disposition campaign.Disposition  `json:"z"`
	Status      string                `json:"w"`
	Odd         int                   `json:"x"` // nobody knows that word
	Seconds     float64               `json:"y"`
	Transferred int                   `json:"f"`
	Charged     int64                 `json:"g"`
	Reserved    int64                 `json:"b"`
	Lapsed      int                   `json:"u"`
	Phone       campaign.Phone        `json:"p"`
	Entry       int64                 `json:"q"`
}

// parseRecord takes a lead's value apart.
func parseRecord(raw string) (*leadRecord, *leadRow, error) {
	head, tail, ok := strings.Cut(raw, "\n")
	if !ok {
		return nil, nil, fmt.Errorf("record without a row %w", ErrDamaged)
	}
	var rec leadRecord
	if err := json.Unmarshal([]byte(head), &rec); err != nil {
		return nil, nil, fmt.Errorf("record %w: %w", ErrDamaged, err)
	}
	row, err := parseRow(tail)
	if err != nil {
		return nil, nil, err
	}
	if rec.State == "" {
		rec.State = campaign.LeadNew
	}
	for i := range rec.Attempts {
		if a := &rec.Attempts[i]; a.State == "" {
			a.State = campaign.Settled
		}
	}
	return &rec, row, nil
}

// decode makes a lead of its record.
func (s *Store) decode(ctx context.Context, r ref, id, raw, contact string) (*campaign.Lead, error) {
	rec, row, err := parseRecord(raw)
	if err != nil {
		return nil, fmt.Errorf("lead %s of %q: %w", id, r.name, err)
	}
	lead := &campaign.Lead{
		ID: id, Campaign: r.name, Key: rec.Key, Phone: rec.Phone, List: row.List, Row: row.Values, State: rec.State, Lane: rec.Lane,
		Reason: rec.Reason, Note: rec.Note, Due: timeOf(rec.Due), Promised: rec.Promised != 0, Urgent: rec.Urgent != 0,
		Contact: longID(contact), Restaged: rec.Restaged != 0, Disposition: rec.Disposition,
	}
	if lead.Key == "" {
		lead.Key = string(rec.Phone)
	}
	if lead.Fields, err = s.fields(ctx, r, row, rec.Overrides); err != nil {
		return nil, fmt.Errorf("lead %s of %q: %w", id, r.name, err)
	}
	if rec.Overrides[campaign.RolePriority] == "" {
		lead.Priority = rec.Priority
	}
	for i := range rec.Attempts {
		lead.Attempts = append(lead.Attempts, rec.Attempts[i].attempt(r, lead))
	}
	return lead, nil
}

func (a *attemptRecord) attempt(r ref, lead *campaign.Lead) campaign.Attempt {
	phone := a.Phone
	if phone == "" {
		phone = lead.Phone
	}
	return campaign.Attempt{
		ID: attemptID(r.n, lead.ID, a.Number), Lead: lead.ID, Campaign: r.name, Phone: phone, State: a.State,
		At: timeOf(a.At), Deadline: timeOf(a.Deadline), Agent: a.Agent, CallID: a.Call, Disposition: a.Disposition,
		Status: a.Status, Duration: time.Duration(a.Seconds * float64(time.Second)), Transferred: a.Transferred != 0,
	}
}

// charged is how many seconds of a settled attempt count against a budget: whole minutes. settle.lua does the same.
func (a *attemptRecord) charged() int {
	if a.Charged > 0 {
		return int(a.Charged)
	}
	return int(math.Ceil(a.Seconds/60)) * 60
}

// timeOf is unix milliseconds as a time; 0 is the zero time.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// fields reads a lead's row by the head of its list. What was set by hand takes the place of the column of that role, and is
// read as a column is.
func (s *Store) fields(ctx context.Context, r ref, row *leadRow, overrides map[string]string) (campaign.Fields, error) {
	list := &campaign.List{}
	if row.List != "" {
		var err error
		if list, err = s.list(ctx, r, row.List); err != nil {
			return campaign.Fields{}, err
		}
	}
	values := row.Values
	if len(overrides) > 0 {
		edited := *list
		edited.Roles = maps.Clone(list.Roles)
		if edited.Roles == nil {
			edited.Roles = make(map[string]int, len(overrides))
		}
		edited.Columns = slices.Clone(list.Columns)
		values = slices.Clone(values)
		for len(values) < len(edited.Columns) {
			values = append(values, "")
		}
		values = values[:len(edited.Columns)]
		for role, value := range overrides {
			edited.Roles[role] = len(edited.Columns)
			edited.Columns = append(edited.Columns, role)
			values = append(values, value)
		}
		// A column whose role was taken over must not turn into an attribute.
		for role := range overrides {
			if i, ok := list.Roles[role]; ok {
				edited.Roles["\x00"+role] = i
			}
		}
		list = &edited
	}
	f, _ := list.Fields(values) // what is wrong in a cell was said at the import
	return f, nil
}

type listKey struct {
	team string
	n    int64
	id   string
}

// list reads the head of a list. A list's id stands for its content, so it is read once.
func (s *Store) list(ctx context.Context, r ref, id string) (*campaign.List, error) {
	k := listKey{r.team, r.n, id}
	s.mu.RLock()
	list := s.lists[k]
	s.mu.RUnlock()
	if list != nil {
		return list, nil
	}
	raw, err := s.client.HGet(ctx, r.key("lists"), id).Result()
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("list %q of %q: %w", id, r.name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read list %q of %q: %w", id, r.name, err)
	}
	list = &campaign.List{}
	if err := json.Unmarshal([]byte(raw), list); err != nil {
		return nil, fmt.Errorf("read list %q of %q: %w", id, r.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists[k] = list
	return list, nil
}

// appendString appends s as a JSON string. It escapes as little as JSON allows, since every byte is kept in memory a million
// times; bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if plainText(s) { // nearly every cell
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	b = append(b, '"')
	for _, c := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, string(c)...)
		}
	}
	return append(b, '"')
}

// plainText reports whether a string is ASCII that JSON takes as it is.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
