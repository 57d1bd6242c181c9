package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
)

// importBatch is how many leads go to the record at once.
const importBatch = 500

// importRun is one import over one list or more.
type importRun struct {
	a       *app
	name    string
	plan    *campaign.Plan
	o       importOptions
	sum     *importer.Summary
	lanes   map[string]bool // that the record knows, or (false) that no call can be placed in
	rejects *rejects
	before  map[string]*campaign.Lead // of a dry run: what the record holds
	batch   []*campaign.Lead
	places  map[string]store.Place // lanes of the batch that are new to the record
}

// begin makes ready for the rows of the lists.
func (r *importRun) begin(ctx context.Context, lists []*list) error {
	path := r.o.rejects
	if path == "" {
		s, err := r.a.load()
		if err != nil {
			return err
		}
		base := r.name
		if len(lists) == 1 {
			base += "-" + stem(lists[0].input.Name)
		}
		path = filepath.Join(s.DataDir, "rejects", base+".csv")
	}
	r.places = map[string]store.Place{}
	r.rejects = &rejects{to: path, asked: r.o.rejects != "", dryRun: r.o.dryRun, columns: union(lists)}
	for _, l := range lists {
		if err := r.rejects.check(l.input.Name); err != nil {
			return err
		}
	}
	if !r.o.dryRun {
		return nil
	}
	r.before = map[string]*campaign.Lead{}
	return r.a.store.EachLead(ctx, r.name, func(l *campaign.Lead) error {
		r.before[l.ID] = l
		return nil
	})
}

// stem is the name of a list without its folder and ending, as a part of a file's name.
func stem(name string) string {
	base := filepath.Base(filepath.ToSlash(name))
	if ext := filepath.Ext(base); ext != "" && ext != base {
		base = base[:len(base)-len(ext)]
	}
	if base == importer.Stdin || base == "." || base == "/" {
		return "stdin"
	}
	return base
}

// list reads one list to its end.
func (r *importRun) list(ctx context.Context, l *list) error {
	if !r.o.dryRun {
		if err := r.a.store.AddList(ctx, r.name, l.reader.List()); err != nil {
			return err
		}
	}
	from := r.sum.Rows
	show := newProgress(r.a, filepath.Base(l.input.Name), l.input.Size)
	if r.o.silent {
		show = nil
	}
	for {
		row, err := l.reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(err, r.flush(ctx))
		}
		if err := r.row(ctx, l, row); err != nil {
			return err
		}
		if show != nil {
			show.at(l.reader.BytesRead(), r.sum.Rows-from+len(r.batch))
		}
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	if show != nil {
		show.end()
		r.a.note("%s: %s read\n", filepath.Base(l.input.Name), plural(r.sum.Rows-from, "row"))
		for _, w := range l.reader.Warnings() {
			r.a.note("%s: %s\n", filepath.Base(l.input.Name), w)
		}
	}
	return nil
}

// row takes one row: a reject or duplicate at once, a lead with its batch.
func (r *importRun) row(ctx context.Context, l *list, row importer.Row) error {
	if r.sum.Pass(row) {
		return r.rejects.write(l, row)
	}
	lead := row.Lead
	if lead.Lane != "" {
		callable, known := r.lanes[lead.Lane]
		if !known {
			// A place that cannot be made ready would stop every other lead of the campaign; such a lead is held without one.
			_, err := r.plan.CompilePlace(row.Place.Regions, row.Place.Zones)
			callable = err == nil
			r.lanes[lead.Lane] = callable
			if callable {
				r.places[lead.Lane] = store.Place{Zones: row.Place.Zones, Regions: row.Place.Regions}
			}
		}
		if !callable {
			lead.Lane = ""
		}
	}
	r.batch = append(r.batch, lead)
	if len(r.batch) < importBatch {
		return nil
	}
	return r.flush(ctx)
}

// flush gives the batch to the record and counts what became of it.
func (r *importRun) flush(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	defer func() { r.batch = r.batch[:0] }()
	if r.o.dryRun {
		return r.weigh(ctx)
	}
	if len(r.places) > 0 {
		if err := r.a.store.PutLanes(ctx, r.name, r.places); err != nil {
			return err
		}
		clear(r.places)
	}
	leads := make([]store.NewLead, len(r.batch))
	for i, l := range r.batch {
		leads[i] = newLead(l)
	}
	added, err := r.a.store.AddLeads(ctx, r.name, leads, r.a.now())
	if err != nil {
		return err
	}
	for i, res := range added {
		if err := r.sum.Lead(r.batch[i], string(res.Outcome), res.Suppressed != campaign.ScopeNone); err != nil {
			return err
		}
	}
	return nil
}

// newLead is a lead as the record takes it in.
func newLead(l *campaign.Lead) store.NewLead {
	return store.NewLead{
		ID: l.ID, Key: l.Key, Phone: l.Phone, Lane: l.Lane, Priority: l.Priority, List: l.List, Row: l.Row, State: l.State,
		Reason: l.Reason, Note: l.Note, Due: l.Due, Promised: l.Promised, Urgent: l.Urgent,
	}
}

// weigh counts what a batch would come to.
func (r *importRun) weigh(ctx context.Context) error {
	for _, l := range r.batch {
		was := r.before[l.ID]
		outcome, suppressed := store.LeadAdded, false
		switch {
		case was == nil:
			scope, _, err := r.a.store.Suppressed(ctx, "", r.name, l.Phone)
			if err != nil {
				return err
			}
			suppressed = scope != campaign.ScopeNone
		case same(was, l):
			outcome = store.LeadUnchanged
		default:
			outcome = store.LeadUpdated
		}
		if err := r.sum.Lead(l, string(outcome), suppressed); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether taking a lead in would change the one that is there.
func same(was, l *campaign.Lead) bool {
	byHand := was.Zone != l.Zone || was.Province != l.Province || was.ZIP != l.ZIP || was.Country != l.Country
	return was.List == l.List && was.Phone == l.Phone && slices.Equal(was.Row, l.Row) && (was.Lane == l.Lane || l.Lane == "" || byHand)
}
