package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
)

const (
	// importBatch is how many leads go to the record at once.
	importBatch = 500
	// importBytes is how many bytes of rows make a batch even if they are fewer.
	importBytes = 1 << 20
	// importAhead is how many batches of rows are read while the record takes in others.
	importAhead = 3
	// importLanes is how many batches the record takes in at once: while it works on one, the next is put together.
	importLanes = 2
)

// importRun is one import over one list or more.
type importRun struct {
	a       *app
	name    string
	plan    *campaign.Plan
	o       importOptions
	sum     *importer.Summary
	lanes   map[string]bool // that the record knows, or (false) that no call can be placed in
	rejects *rejects
	preview *preview // of a dry run
	batch   []*campaign.Lead
	bytes   int                    // of the batch's rows
	places  map[string]store.Place // lanes of the batch that are new to the record
	taking  []*taking              // batches that the record is taking in, the oldest first

	size    int64 // of all lists, in bytes
	unsized bool  // nobody knows it
	read    int64 // bytes of the lists that were read to their end
}

// share is how much of all lists has been read, with so many bytes of the one that is being read; nil when nobody knows.
func (r *importRun) share(bytes int64) *float64 {
	if r.unsized || r.size == 0 || bytes < 0 {
		return nil
	}
	return new(min(1, float64(r.read+bytes)/float64(r.size)))
}

// begin makes ready for the rows of the lists.
func (r *importRun) begin(lists []*list) error {
	path := r.o.rejects
	var place *rejectsPlace
	if path == "" {
		s, err := r.a.load()
		if err != nil {
			return err
		}
		if r.o.work != nil {
			path = jobRejects(s.DataDir, r.o.work.job.ID)
		} else {
			place = newRejectsPlace(s.DataDir, r.name, lists, r.o.once)
			path = place.path
		}
	}
	for _, l := range lists {
		r.size += l.input.Size
		r.unsized = r.unsized || l.input.Size < 0
	}
	r.places = map[string]store.Place{}
	r.rejects = &rejects{to: path, asked: r.o.rejects != "", place: place, dryRun: r.o.dryRun, columns: union(lists)}
	for _, l := range lists {
		if err := r.rejects.check(l.input.Name); err != nil {
			return err
		}
	}
	if r.o.dryRun {
		r.preview = newPreview(lists)
	}
	return nil
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

// rowBatch is some rows of a list, or how its reading ended.
type rowBatch struct {
	rows []importer.Row
	read int64 // bytes of the list
	err  error
}

// ahead reads a list while the record takes in what was read before.
func ahead(ctx context.Context, reader *importer.Reader) <-chan rowBatch {
	batches := make(chan rowBatch, importAhead)
	go func() {
		defer close(batches)
		for {
			b := rowBatch{rows: make([]importer.Row, 0, importBatch)}
			for size := 0; len(b.rows) < importBatch && size < importBytes && b.err == nil; {
				var row importer.Row
				if row, b.err = reader.Next(); b.err == nil {
					b.rows = append(b.rows, row)
					size += row.Size()
				}
			}
			b.read = reader.BytesRead()
			end := b.err != nil
			select {
			case batches <- b:
			case <-ctx.Done():
				return
			}
			if end {
				return
			}
		}
	}()
	return batches
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
	reading, stop := context.WithCancel(ctx)
	batches := ahead(reading, l.reader)
	defer func() {
		stop()
		for range batches { // until the reader is at rest, for its file is closed next
		}
	}()
	for b := range batches {
		for _, row := range b.rows {
			if err := r.row(ctx, l, row); err != nil {
				return errors.Join(err, r.settle())
			}
		}
		if b.err != nil && !errors.Is(b.err, io.EOF) {
			return errors.Join(b.err, r.flush(ctx))
		}
		if show != nil {
			show.show(progressAt{bytes: b.read, rows: r.sum.Rows - from + r.pending(), rejected: r.sum.Rejected})
		}
		if r.o.work != nil {
			r.o.work.at(r.sum.Rows+r.pending(), r.sum.Rejected, r.share(b.read))
		}
	}
	if err := ctx.Err(); err != nil {
		return errors.Join(context.Cause(ctx), r.settle())
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	r.read += l.input.Size
	if r.o.work != nil {
		r.o.work.read(l)
	}
	if show != nil {
		show.whole(progressAt{bytes: l.reader.BytesRead(), rows: r.sum.Rows - from, rejected: r.sum.Rejected})
		for _, w := range l.reader.Warnings() {
			r.a.note("%s: %s\n", filepath.Base(l.input.Name), w)
		}
	}
	return nil
}

// row takes one row: a reject or duplicate at once, a lead with its batch.
func (r *importRun) row(ctx context.Context, l *list, row importer.Row) error {
	if r.preview != nil {
		r.preview.row(row)
	}
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
	if r.bytes += row.Size(); len(r.batch) < importBatch && r.bytes < importBytes {
		return nil
	}
	return r.take(ctx)
}

// pending is how many leads were read and are not counted yet.
func (r *importRun) pending() int {
	n := len(r.batch)
	for _, t := range r.taking {
		n += len(t.leads)
	}
	return n
}

// flush gives everything that was read to the record and counts what became of it.
func (r *importRun) flush(ctx context.Context) error {
	return errors.Join(r.take(ctx), r.settle())
}

// taking is a batch that the record is taking in.
type taking struct {
	leads []*campaign.Lead
	added []store.Added
	err   error
	done  chan struct{}
}

// take gives the batch to the record. No key comes twice in a run, so that batches may be taken in at the same time.
func (r *importRun) take(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	r.bytes = 0
	if r.o.dryRun {
		defer func() { r.batch = r.batch[:0] }()
		return r.weigh(ctx)
	}
	if len(r.places) > 0 {
		if err := r.a.store.PutLanes(ctx, r.name, r.places); err != nil {
			return err
		}
		clear(r.places)
	}
	t := &taking{leads: r.batch, done: make(chan struct{})}
	r.batch = make([]*campaign.Lead, 0, importBatch)
	go func() {
		defer close(t.done)
		leads := make([]store.NewLead, len(t.leads))
		for i, l := range t.leads {
			leads[i] = newLead(l)
		}
		t.added, t.err = r.a.store.AddLeads(ctx, r.name, leads)
	}()
	r.taking = append(r.taking, t)
	if len(r.taking) < importLanes {
		return nil
	}
	return r.oldest()
}

// oldest waits for the oldest batch and counts what became of it.
func (r *importRun) oldest() error {
	t := r.taking[0]
	r.taking = r.taking[1:]
	<-t.done
	if t.err != nil {
		return t.err
	}
	for i, res := range t.added {
		if err := r.sum.Lead(t.leads[i], string(res.Outcome), res.Suppressed != campaign.ScopeNone); err != nil {
			return err
		}
	}
	return nil
}

// settle waits for every batch.
func (r *importRun) settle() error {
	var errs []error
	for len(r.taking) > 0 {
		errs = append(errs, r.oldest())
	}
	return errors.Join(errs...)
}

// newLead is a lead as the record takes it in.
func newLead(l *campaign.Lead) store.NewLead {
	return store.NewLead{
		ID: l.ID, Key: l.Key, Phone: l.Phone, Lane: l.Lane, Priority: l.Priority, List: l.List, Row: l.Row, State: l.State,
		Reason: l.Reason, Note: l.Note, Due: l.Due, Promised: l.Promised, Urgent: l.Urgent,
	}
}

// weigh counts what a batch would come to. What would become of each lead is answered by what takes leads in.
func (r *importRun) weigh(ctx context.Context) error {
	leads, phones, ids := make([]store.NewLead, len(r.batch)), make([]campaign.Phone, len(r.batch)), make([]string, len(r.batch))
	for i, l := range r.batch {
		leads[i], phones[i], ids[i] = newLead(l), l.Phone, l.ID
	}
	added, err := r.a.store.PreviewLeads(ctx, r.name, leads)
	if err != nil {
		return err
	}
	weights, err := r.a.store.Weigh(ctx, r.name, phones)
	if err != nil {
		return err
	}
	there, err := r.a.store.LeadsOf(ctx, r.name, ids)
	if err != nil {
		return err
	}
	before := make(map[string]*campaign.Lead, len(there))
	for _, l := range there {
		before[l.ID] = l
	}
	for i, l := range r.batch {
		if err := r.sum.Lead(l, string(added[i].Outcome), added[i].Suppressed != campaign.ScopeNone); err != nil {
			return err
		}
		if err := r.preview.lead(ctx, r, weighed{
			lead: l, was: before[l.ID], back: added[i].Back, unchanged: added[i].Outcome == store.LeadUnchanged, suppressed: weights[i].Suppressed != campaign.ScopeNone, called: weights[i].Called,
		}); err != nil {
			return err
		}
	}
	return nil
}
