package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// resultReader joins what the record says about a campaign's leads.
type resultReader struct {
	store   *store.Store
	decider *decider
	now     time.Time
	at      map[string][]int // list → where its columns are among all columns
	width   int
	said    map[string]store.Results // by lead
}

// entry is a row with what it is sorted by.
type entry struct {
	list, key string
	row       resultRow
}

func (r *resultReader) read(ctx context.Context) (*resultTable, error) {
	name := r.decider.record.Name
	lists, err := r.store.Lists(ctx, name)
	if err != nil {
		return nil, err
	}
	t := &resultTable{columns: r.columns(lists), leads: map[string]int{}}
	counts, err := r.store.Counts(ctx, name)
	if err != nil {
		return nil, err
	}
	r.said = make(map[string]store.Results, counts.Leads)
	if err := r.store.EachResults(ctx, name, func(lead string, res store.Results) error {
		r.said[lead] = res
		return nil
	}); err != nil {
		return nil, err
	}
	entries := make([]entry, 0, counts.Leads)
	if err := r.decider.each(ctx, counts.Leads, func(l *campaign.Lead, d campaign.Decision) {
		t.leads[l.List]++
		entries = append(entries, entry{lists[l.List].Source, l.Key, r.row(l, d)})
	}); err != nil {
		return nil, err
	}
	// The record does not keep the order of the rows; this one is the same at each export.
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.list, b.list), cmp.Compare(a.key, b.key)) })
	t.rows = make([]resultRow, len(entries))
	for i := range entries {
		t.rows[i] = entries[i].row
	}
	return t, nil
}

// columns are those of all lists, each name once, and where each list's are among them.
func (r *resultReader) columns(lists map[string]campaign.List) []string {
	ids := make([]string, 0, len(lists))
	for id := range lists {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(-cmp.Compare(len(lists[a].Columns), len(lists[b].Columns)), cmp.Compare(lists[a].Source, lists[b].Source), cmp.Compare(a, b))
	})
	var columns []string
	r.at = map[string][]int{}
	for _, id := range ids {
		at := make([]int, len(lists[id].Columns))
		for i, c := range lists[id].Columns {
			if at[i] = slices.Index(columns, c); at[i] < 0 {
				at[i] = len(columns)
				columns = append(columns, c)
			}
		}
		r.at[id] = at
	}
	r.width = len(columns)
	return columns
}

func (r *resultReader) row(l *campaign.Lead, d campaign.Decision) resultRow {
	cells := make([]string, r.width)
	for i, at := range r.at[l.List] {
		if i < len(l.Row) {
			cells[at] = l.Row[i]
		}
	}
	var first, last *campaign.Attempt
	var duration any
	for i := range l.Attempts {
		t := &l.Attempts[i]
		if t.State == campaign.Refused {
			continue
		}
		if first == nil {
			first = t
		}
		last = t
		if t.State == campaign.Settled {
			duration = t.Duration.Seconds()
		}
	}
	var firstAt, lastAt, next time.Time
	agent, call := "", ""
	if first != nil {
		firstAt, lastAt, agent, call = first.At, last.At, last.Agent, last.CallID
	}
	switch d.Verdict {
	case campaign.Call:
		next = r.now
	case campaign.Wait:
		next = d.Until
	case campaign.Never:
	}
	said := r.said[l.ID]
	return resultRow{cells, []any{
		l.ID, string(l.Phone), string(l.State), string(shownReason(d)), string(l.Disposition), l.Spent(), firstAt, lastAt, next, duration, agent, call,
		said.RecordingURL, said.Summary,
	}}
}
