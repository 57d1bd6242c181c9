package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
)

// list is one list to be read, and how.
type list struct {
	input   importer.Input
	columns map[string]string
	country string
	form    listForm
	maxCell int // bytes of a cell; 0 = what a row may have

	reader *importer.Reader
	close  func() error
	at     []int // where each of its columns is in the file of rejects
}

// listForm is how a list is written, as far as somebody says.
type listForm struct {
	sheet, encoding, delimiter string
}

// over is the form with what a campaign's entry says filled in where the command says nothing.
func (f listForm) over(entry *campaign.Source) listForm {
	return listForm{cmp.Or(f.sheet, entry.Sheet), cmp.Or(f.encoding, entry.Encoding), cmp.Or(f.delimiter, entry.Delimiter)}
}

// delim is the delimiter as a character; zero = to be found out.
func (f listForm) delim() rune {
	switch f.delimiter {
	case "":
		return 0
	case "tab", `\t`:
		return '\t'
	}
	r, _ := utf8.DecodeRuneInString(f.delimiter)
	return r
}

// lists finds the lists that files name, or the campaign's own when there are none. It returns those that it found beside what
// is wrong with the others.
func (a *app) lists(r *store.Record, files []string, o importOptions) ([]*list, error) {
	sources, err := a.sources()
	if err != nil {
		return nil, err
	}
	var lists []*list
	var errs []error
	add := func(source, dir string, entry campaign.Source) {
		inputs, err := sources.Expand(source, dir)
		if err != nil {
			errs = append(errs, err)
			return
		}
		for _, in := range inputs {
			lists = append(lists, o.list(in, entry))
		}
	}
	if len(files) == 0 {
		if len(r.Leads) == 0 {
			return nil, fmt.Errorf("campaign %q names no lists: name a FILE, or write leads: into the campaign file and apply it again", r.Name)
		}
		for _, entry := range r.Leads {
			add(entry.Source, entry.Dir, entry)
		}
	} else {
		here, err := filepath.Abs(".")
		if err != nil {
			return nil, fmt.Errorf("find the working folder: %w", err)
		}
		for _, file := range files {
			entry, _ := importer.SourceFor(&r.Campaign, file)
			add(file, here, entry)
		}
	}
	return lists, errors.Join(errs...)
}

// list is a list that is read as a campaign's entry says, as far as the options say nothing else.
func (o *importOptions) list(in importer.Input, entry campaign.Source) *list {
	columns := maps.Clone(entry.Columns)
	if columns == nil {
		columns = map[string]string{}
	}
	maps.Copy(columns, o.columns)
	l := &list{input: in, columns: columns, country: cmp.Or(o.country, entry.Country), form: o.form.over(&entry)}
	if o.work != nil {
		l.maxCell = maxJobCell
	}
	return l
}

// openLists reads the heads of all lists, so that what is wrong with one is known before anything is taken in. It returns
// those that can be read beside what is wrong with the others.
func (a *app) openLists(ctx context.Context, plan *campaign.Plan, seen *importer.Seen, lists []*list) ([]*list, error) {
	var opened []*list
	var errs []error
	for _, l := range lists {
		if err := l.open(ctx, importer.Options{
			Plan: plan, Now: a.now(), Source: l.input.Name, Columns: l.columns, Country: l.country, Seen: seen,
			Sheet: l.form.sheet, Encoding: l.form.encoding, Delimiter: l.form.delim(), MaxCell: l.maxCell,
		}); err != nil {
			errs = append(errs, err)
			continue
		}
		opened = append(opened, l)
	}
	return opened, errors.Join(errs...)
}

func (l *list) open(ctx context.Context, o importer.Options) error {
	body, err := l.input.Open(ctx)
	if err != nil {
		return err
	}
	if l.reader, err = importer.NewReader(body, o); err != nil {
		return errors.Join(err, body.Close())
	}
	l.close = func() error { return errors.Join(l.reader.Close(), body.Close()) }
	return nil
}

// sources is where lists can come from.
func (a *app) sources() (*importer.Sources, error) {
	s, err := a.load()
	if err != nil {
		return nil, err
	}
	return &importer.Sources{Stdin: a.in, Google: importer.Google{
		CredentialsFile: s.Google.CredentialsFile, APIKey: s.Google.APIKey.Reveal(), Endpoint: s.Google.Endpoint,
	}}, nil
}

// closeLists ends the reading; it was for reading only, so nothing is lost by an error.
func closeLists(lists []*list) {
	for _, l := range lists {
		_ = l.close()
	}
}

// importAll reads lists into a campaign and counts what became of their rows. When it could not read all of them, it returns the counts of
// what it read beside the error; a tolerant import reads every list as far as it can be read.
func (a *app) importAll(ctx context.Context, r *store.Record, lists []*list, o importOptions) (*imported, error) {
	plan, err := a.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	run := &importRun{
		a: a, name: r.Name, plan: plan, o: o, sum: importer.NewSummary(r.Name), lanes: map[string]bool{},
	}
	seen := importer.NewSeen()
	defer seen.Close()
	lists, leftOut := a.openLists(ctx, run.plan, seen, lists)
	defer closeLists(lists)
	if leftOut != nil && (!o.tolerant || len(lists) == 0) {
		return nil, leftOut
	}
	if err := run.begin(lists); err != nil {
		return nil, err
	}
	broken := leftOut
	for _, l := range lists {
		err := run.list(ctx, l)
		broken = errors.Join(broken, err)
		if err != nil && (!o.tolerant || ctx.Err() != nil) {
			break
		}
	}
	if run.preview != nil && broken == nil {
		broken = run.preview.finish(run.plan, a.now())
	}
	if broken != nil {
		broken = errors.Join(broken, run.rejects.leave())
		run.sum.RejectsFile = run.rejects.path()
		return run.partly(ctx, broken)
	}
	if err := run.rejects.finish(); err != nil {
		return nil, err
	}
	run.sum.RejectsFile = run.rejects.path()
	return &imported{Summary: run.sum, Preview: run.preview}, nil
}

// partly is the end of an import that did not read its lists to their end: what came of the rows before, and what a person can do.
func (r *importRun) partly(ctx context.Context, err error) (*imported, error) {
	if r.o.dryRun || r.sum.Rows == 0 {
		return nil, err
	}
	if ctx.Err() == nil {
		where := ""
		if r.sum.RejectsFile != nil {
			where = fmt.Sprintf(" (%d rejected, in %s)", r.sum.Rejected, *r.sum.RejectsFile)
		}
		err = fmt.Errorf("%w; %s%s had been taken in: mend the list and import it again, nothing comes twice", err, plural(r.sum.Rows, "row"), where)
	}
	return &imported{Summary: r.sum, Error: err.Error()}, err
}

// imported is what came of an import.
type imported struct {
	*importer.Summary
	Preview *preview `json:"preview,omitempty"` // of a dry run
	Error   string   `json:"error,omitempty"`   // why not all rows were read
}

// attrs are the counts for a log.
func (i *imported) attrs() []any {
	attrs := []any{
		"campaign", i.Campaign, "rows", i.Rows, "added", i.Added, "updated", i.Updated, "unchanged", i.Unchanged,
		"duplicate", i.Duplicate, "rejected", i.Rejected, "suppressed", i.Suppressed, "held", i.Held,
	}
	if i.RejectsFile != nil {
		attrs = append(attrs, "rejects_file", *i.RejectsFile)
	}
	return attrs
}

// importLists reads a campaign's own lists.
func (a *app) importLists(ctx context.Context, name string, o importOptions) (*importer.Summary, error) {
	r, err := a.record(ctx, name)
	if err != nil {
		return nil, err
	}
	lists, leftOut := a.lists(r, nil, o)
	if leftOut != nil && (!o.tolerant || len(lists) == 0) {
		return nil, leftOut
	}
	done, err := a.importAll(ctx, r, lists, o)
	if done == nil {
		return nil, errors.Join(leftOut, err)
	}
	return done.Summary, errors.Join(leftOut, err)
}

// importScheduled is the import of a campaign's schedule: it logs what came of it. A list that cannot be read does not keep
// the others from being read.
func (a *app) importScheduled(ctx context.Context, name string) error {
	sum, err := a.importLists(ctx, name, importOptions{tolerant: true, silent: true})
	if sum != nil {
		a.logger(slog.LevelInfo).InfoContext(ctx, "lists imported", (&imported{Summary: sum}).attrs()...)
	}
	if err != nil {
		return fmt.Errorf("import the lists of campaign %s: %w", name, err)
	}
	return nil
}

// union is the columns of all lists, each once, and where each list's columns are among them. Several lists have one more, for their
// names.
func union(lists []*list) []string {
	var columns []string
	if len(lists) > 1 {
		columns = append(columns, rejectsList)
	}
	for _, l := range lists {
		own := l.reader.List().Columns
		l.at = make([]int, len(own))
		for i, c := range own {
			at := slices.Index(columns, c)
			if at < 0 {
				at = len(columns)
				columns = append(columns, c)
			}
			l.at[i] = at
		}
	}
	return columns
}
