package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
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
	// previewStep is how exactly it takes the times that single leads have, so that their number does not grow with the list.
	previewStep = 15 * time.Minute
)

// preview is what a dry run shows beside the counts.
type preview struct {
	Lists    []listPreview `json:"lists"`
	First    []leadPreview `json:"first"`
	Capped   int           `json:"capped"`   // leads whose phone was called as often as it may be for now
	Callable []callable    `json:"callable"` // the coming seven days

	spans map[laneSpan]int // open leads by lane and time
	at    map[string]places
	shown map[string]int // lead → its place in First
}

// laneSpan is a lane, and the time in which some of its leads may be called at all, in Unix seconds; 0 = no limit.
type laneSpan struct {
	lane     string
	from, to int64
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

// callable is a stretch of time and how many leads may be called in it, as far as hours, places and their own times say.
type callable struct {
	From  stamp `json:"from"`
	To    stamp `json:"to"`
	Leads int   `json:"leads"`
}

// newPreview begins with how the lists are read.
func newPreview(lists []*list) *preview {
	p := &preview{Lists: []listPreview{}, First: []leadPreview{}, Callable: []callable{}, spans: map[laneSpan]int{}, at: map[string]places{}, shown: map[string]int{}}
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
	p.shown[l.ID] = len(p.First)
	p.First = append(p.First, shown)
}

// weighed is a lead that would be taken in, with what the record knows of it.
type weighed struct {
	lead       *campaign.Lead
	was        *campaign.Lead // nil when it is new
	back       bool           // it was withdrawn, and would be open again
	unchanged  bool           // it is as the row says, but for what was set by hand
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
		l.State, l.Reason = w.was.State, w.was.Reason
		if w.unchanged || len(l.Attempts) > 0 {
			l.Due = w.was.Due
		}
		if w.unchanged {
			l.NotBefore, l.NotAfter = w.was.NotBefore, w.was.NotAfter
		}
	}
	if w.suppressed {
		l.State, l.Reason = campaign.LeadClosed, campaign.ReasonSuppressed
	}
	if i, ok := p.shown[l.ID]; ok {
		p.First[i].State, p.First[i].Reason = string(l.State), text(l.Reason)
	}
	open := l.State == campaign.LeadNew || l.State == campaign.LeadStaged || l.State == campaign.LeadWaiting
	if !open || l.Lane == "" {
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
	p.count(&l, r.a.now())
	return nil
}

// count adds a lead to those of its lane that have the same time.
func (p *preview) count(l *campaign.Lead, now time.Time) {
	s := laneSpan{lane: l.Lane}
	end := now.AddDate(0, 0, previewDays)
	from := l.NotBefore
	if l.Due.After(from) {
		from = l.Due
	}
	if from.After(now) {
		s.from = from.Add(previewStep - 1).Truncate(previewStep).Unix()
	}
	if !l.NotAfter.IsZero() && l.NotAfter.Before(end) {
		s.to = l.NotAfter.Truncate(previewStep).Unix()
	}
	if from.Before(end) {
		p.spans[s]++
	}
}

// finish works out when how many leads can be called.
func (p *preview) finish(plan *campaign.Plan, now time.Time) error {
	windows := map[string][]stretch{}
	by := map[time.Time]int{}
	for s, n := range p.spans {
		if _, known := windows[s.lane]; !known {
			at := p.at[s.lane]
			place, err := plan.CompilePlace(at.regions, at.zones)
			if err != nil {
				return err
			}
			windows[s.lane] = openHours(plan, place, now)
		}
		for _, w := range windows[s.lane] {
			if s.from != 0 && w.from.Unix() < s.from {
				w.from = time.Unix(s.from, 0).UTC()
			}
			if s.to != 0 && w.to.Unix() > s.to {
				w.to = time.Unix(s.to, 0).UTC()
			}
			if w.from.Before(w.to) {
				by[w.from] += n
				by[w.to] -= n
			}
		}
	}
	times := slices.SortedFunc(maps.Keys(by), time.Time.Compare)
	leads := 0
	for i, from := range times {
		leads += by[from]
		if last := len(p.Callable) - 1; last >= 0 && p.Callable[last].Leads == leads && time.Time(p.Callable[last].To).Equal(from) && i+1 < len(times) {
			p.Callable[last].To = stamp(times[i+1])
			continue
		}
		if leads > 0 && i+1 < len(times) {
			p.Callable = append(p.Callable, callable{stamp(from), stamp(times[i+1]), leads})
		}
	}
	return nil
}

// stretch is from one time to another.
type stretch struct{ from, to time.Time }

// openHours is when calls may be placed to a place in the coming days.
func openHours(plan *campaign.Plan, place *campaign.Place, now time.Time) []stretch {
	var open []stretch
	end := now.AddDate(0, 0, previewDays)
	for t := now; t.Before(end); {
		w := plan.Window(place, t)
		until := w.Until
		if until.IsZero() || until.After(end) {
			until = end
		}
		if w.Open {
			open = append(open, stretch{t.Round(0).UTC(), until.Round(0).UTC()})
		}
		if !until.After(t) {
			break
		}
		t = until
	}
	return open
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
