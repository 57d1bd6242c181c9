package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
)

const (
	// previewRows is how many leads a dry run shows.
	previewRows = 5
	// previewDays is how far a dry run looks ahead, in days.
	previewDays = 7
)

// preview is what a dry run shows beside the counts.
type preview struct {
	Lists    []listPreview `json:"lists"`
	First    []leadPreview `json:"first"`
	Capped   int           `json:"capped"`   // leads whose phone was called as often as it may be for now
	Callable []callable    `json:"callable"` // the coming seven days

	lanes map[string]int // open leads by lane
	at    map[string]places
}

// places is where the leads of a lane may be.
type places struct{ regions, zones []string }

// listPreview says how a list is read.
type listPreview struct {
	Source  string          `json:"source"`
	Columns []columnPreview `json:"columns"`
}

// columnPreview is a column and what it is for.
type columnPreview struct {
	Header string `json:"header"`
	Role   text   `json:"role"` // null = attribute
}

// leadPreview is one row as a lead.
type leadPreview struct {
	Line     int      `json:"line"`
	Phone    string   `json:"phone"` // masked
	Further  []string `json:"further_phones,omitempty"`
	Name     text     `json:"name"`
	Regions  []string `json:"regions"`
	Zones    []string `json:"zones"`
	State    string   `json:"state"`
	Reason   text     `json:"reason"`
	Note     text     `json:"note"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags,omitempty"`
}

// callable is a stretch of time and how many leads may be called in it, as far as hours and places say.
type callable struct {
	From  stamp `json:"from"`
	To    stamp `json:"to"`
	Leads int   `json:"leads"`
}

// newPreview begins with how the lists are read.
func newPreview(lists []*list) *preview {
	p := &preview{Lists: []listPreview{}, First: []leadPreview{}, Callable: []callable{}, lanes: map[string]int{}, at: map[string]places{}}
	for _, l := range lists {
		head := l.reader.List()
		shown := listPreview{Source: l.input.Name}
		for i, name := range head.Columns {
			column := columnPreview{Header: name}
			for _, role := range campaign.Roles() {
				if at, ok := head.Roles[role]; ok && at == i {
					column.Role = text(role)
				}
			}
			shown.Columns = append(shown.Columns, column)
		}
		p.Lists = append(p.Lists, shown)
	}
	return p
}

// row takes note of a row that is a lead.
func (p *preview) row(row importer.Row) {
	l := row.Lead
	if l == nil {
		return
	}
	if _, known := p.at[l.Lane]; !known && l.Lane != "" {
		p.at[l.Lane] = places{row.Place.Regions, row.Place.Zones}
	}
	if len(p.First) >= previewRows {
		return
	}
	shown := leadPreview{
		Line: row.Line, Phone: l.Phone.Masked(), Name: text(l.Name), Regions: row.Place.Regions, Zones: row.Place.Zones, State: string(l.State),
		Reason: text(l.Reason), Note: text(l.Note), Priority: l.Priority, Tags: l.Tags,
	}
	for _, further := range l.Phones[min(1, len(l.Phones)):] {
		shown.Further = append(shown.Further, further.Masked())
	}
	p.First = append(p.First, shown)
}

// weighed is a lead that would be taken in, with what the record knows of it.
type weighed struct {
	lead       *campaign.Lead
	was        *campaign.Lead // nil when it is new
	back       bool           // it was withdrawn, and would be open again
	suppressed bool
	called     bool // its phone was, by some campaign
}

// lead counts a lead by what would keep it from being called.
func (p *preview) lead(ctx context.Context, r *importRun, w weighed) error {
	l := *w.lead
	if w.was != nil {
		l.Attempts = w.was.Attempts
	}
	if w.was != nil && !w.back {
		l.State = w.was.State
	}
	open := l.State == campaign.LeadNew || l.State == campaign.LeadStaged || l.State == campaign.LeadWaiting
	if w.suppressed || !open || l.Lane == "" {
		return nil
	}
	if w.called {
		facts, err := r.a.store.Facts(ctx, &l, r.plan.Day(r.a.now()), r.a.now())
		if err != nil {
			return err
		}
		at := p.at[l.Lane]
		place, err := r.plan.CompilePlace(at.regions, at.zones)
		if err != nil {
			return err
		}
		switch campaign.Decide(campaign.Subject{Plan: r.plan, Lead: &l, Place: place, Facts: facts}, r.a.now()).Reason {
		case campaign.ReasonCap24h, campaign.ReasonCap7d, campaign.ReasonCap30d, campaign.ReasonLifetime, campaign.ReasonGap:
			p.Capped++
			return nil
		default:
		}
	}
	p.lanes[l.Lane]++
	return nil
}

// finish works out when how many leads can be called.
func (p *preview) finish(plan *campaign.Plan, now time.Time) error {
	end := now.AddDate(0, 0, previewDays)
	type change struct {
		at time.Time
		by int
	}
	var changes []change
	for lane, n := range p.lanes {
		at := p.at[lane]
		place, err := plan.CompilePlace(at.regions, at.zones)
		if err != nil {
			return err
		}
		for t := now; t.Before(end); {
			w := plan.Window(place, t)
			until := w.Until
			if until.IsZero() || until.After(end) {
				until = end
			}
			if w.Open {
				changes = append(changes, change{t, n}, change{until, -n})
			}
			if !until.After(t) {
				break
			}
			t = until
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.by, b.by)) })
	leads := 0
	for i := 0; i < len(changes); {
		from := changes[i].at
		for ; i < len(changes) && changes[i].at.Equal(from); i++ {
			leads += changes[i].by
		}
		if last := len(p.Callable) - 1; last >= 0 && p.Callable[last].Leads == leads && time.Time(p.Callable[last].To).Equal(from) && i < len(changes) {
			p.Callable[last].To = stamp(changes[i].at)
			continue
		}
		if leads > 0 && i < len(changes) {
			p.Callable = append(p.Callable, callable{stamp(from), stamp(changes[i].at), leads})
		}
	}
	return nil
}

// print shows the preview to a person; times are the campaign's own.
func (p *preview) print(w io.Writer, zone *time.Location) {
	for _, l := range p.Lists {
		columns := make([]string, 0, len(l.Columns))
		for _, c := range l.Columns {
			columns = append(columns, fmt.Sprintf("%s → %s", c.Header, cmp.Or(string(c.Role), "attribute")))
		}
		_, _ = fmt.Fprintf(w, "%s: %s\n", oneLine(l.Source), oneLine(strings.Join(columns, ", ")))
	}
	if len(p.First) > 0 {
		rows := make([][]string, 0, len(p.First))
		for _, l := range p.First {
			phone := l.Phone
			if len(l.Further) > 0 {
				phone += ", then " + strings.Join(l.Further, ", ")
			}
			rows = append(rows, []string{fmt.Sprint(l.Line), phone, dash(string(l.Name)), strings.Join(l.Regions, " "), l.State, dash(string(l.Reason)), string(l.Note)})
		}
		printTable(w, []string{"line", "phone", "name", "place", "state", "reason", "note"}, rows)
	}
	if p.Capped > 0 {
		_, _ = fmt.Fprintf(w, "%s called as often as allowed for now\n", plural(p.Capped, "lead"))
	}
	if len(p.Callable) == 0 {
		_, _ = fmt.Fprintf(w, "no lead can be called in the coming %d days\n", previewDays)
		return
	}
	_, _ = fmt.Fprintf(w, "callable (%s):\n", zone)
	for i, c := range p.Callable {
		if i == 20 {
			_, _ = fmt.Fprintf(w, "  … %d more; --json shows all\n", len(p.Callable)-i)
			break
		}
		from, to := time.Time(c.From).In(zone), time.Time(c.To).In(zone)
		end := "15:04"
		if from.Day() != to.Day() {
			end = "Mon 15:04"
		}
		_, _ = fmt.Fprintf(w, "  %s–%s  %s\n", from.Format("Mon 2006-01-02 15:04"), to.Format(end), plural(c.Leads, "lead"))
	}
}
