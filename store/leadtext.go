package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

// settleUntouched answers for the leads whose records are, to the letter, what add_leads.lua writes of the same rows: it would not touch
// them. Nearly every lead of a list that is imported again is one, until it is staged. To read is a fraction of what the script costs.
func (s *Store) settleUntouched(ctx context.Context, r ref, b *leadBatch) error {
	ids := make([]string, len(b.part))
	for j, i := range b.part {
		ids[j] = b.added[i].ID
	}
	raws, err := s.client.HMGet(ctx, r.key("leads"), ids...).Result()
	if err != nil {
		return fmt.Errorf("read leads: %w", err)
	}
	rest := b.part[:0:0]
	for j, i := range b.part {
		text := b.leads[i].text()
		if raw, there := raws[j].(string); there && text.untouched(raw) {
			b.added[i].Outcome = LeadUnchanged
			continue
		}
		rest, b.texts = append(rest, i), append(b.texts, text)
	}
	b.part = rest
	return nil
}

// leadText is a lead as add_leads.lua writes it.
type leadText struct {
	head  []byte // the record without "q" and its closing brace
	row   []byte
	state campaign.LeadState
	flags string
}

// untouched reports whether a record is what the script made of this text.
func (t *leadText) untouched(raw string) bool {
	const q = `,"q":`
	if len(raw) <= len(t.head)+len(q)+len(t.row) || raw[:len(t.head)] != string(t.head) || raw[len(raw)-len(t.row):] != string(t.row) {
		return false
	}
	sequence, ok := strings.CutPrefix(raw[len(t.head):len(raw)-len(t.row)], q)
	if !ok || !strings.HasSuffix(sequence, "}\n") {
		return false
	}
	for _, c := range []byte(sequence[:len(sequence)-len("}\n")]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// args appends what add_leads.lua takes of one lead.
func (l *NewLead) args(args []any, id string, text leadText, global bool) []any {
	if global {
		text.flags += "g"
	}
	return append(args, id, string(l.Phone), l.Lane, string(text.state), text.flags, text.head, text.row)
}

// text is what the record is to hold of the lead.
func (l *NewLead) text() leadText {
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
	return leadText{head: b, row: l.row(), state: state, flags: flags}
}
