package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
)

// sheetScheme begins the sources that are Google Sheets.
const sheetScheme = "gsheet://"

// sheetColumns are the results that are written into a Google Sheet, beside its rows. Their names are those of the export.
var sheetColumns = []string{
	"dialerd_state", "dialerd_reason", "dialerd_disposition", "dialerd_attempts", "dialerd_last_call", "dialerd_next_call",
}

// sheetWrittenJSON is what `export --to` prints.
type sheetWrittenJSON struct {
	Campaign string `json:"campaign"`
	Sheet    string `json:"sheet"`
	Rows     int    `json:"rows"`    // that were written
	Unknown  int    `json:"unknown"` // rows that are no leads of the campaign
}

// exportSheet writes what became of the rows of a Google Sheet beside them. Each row finds its lead as an import would.
func (a *app) exportSheet(ctx context.Context, name, source string) error {
	r, err := a.record(ctx, name)
	if err != nil {
		return err
	}
	sources, err := a.sources()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(source, sheetScheme) {
		return usagef("--to %q: write gsheet://ID/TAB", source)
	}
	sheet, err := sources.Google.OpenSheet(ctx, source)
	if err != nil {
		return err
	}
	t, err := a.results(ctx, name, a.now())
	if err != nil {
		return err
	}
	reader, err := a.importedSheet(ctx, r, sheet, t, source)
	if err != nil {
		return err
	}
	defer reader.Close()
	w := &sheetResults{reader: reader.Reader, found: t.byLead(), out: sheetWrittenJSON{Campaign: name, Sheet: source}}
	if err := w.read(); err != nil {
		return err
	}
	if err := sheet.Write(ctx, w.column(), w.cells); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if a.json {
		return a.printJSON(w.out)
	}
	a.say("%s: results of %s written to %s\n", name, plural(w.out.Rows, "row"), source)
	if w.out.Unknown > 0 {
		a.say("  %s no leads of the campaign: import the sheet first\n", plural(w.out.Unknown, "row"))
	}
	return nil
}

// importedSheet begins to read a sheet as its import did, so that each row comes to the lead that it has become.
func (a *app) importedSheet(ctx context.Context, r *store.Record, sheet *importer.Sheet, t *resultTable, source string) (*sheetReader, error) {
	heads, err := a.store.Lists(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	ways := waysOf(heads, t.leads, source)
	if entry, ok := importer.SourceFor(&r.Campaign, source); ok {
		ways = append(ways, importer.Options{Columns: entry.Columns, Country: entry.Country})
	}
	if len(ways) == 0 {
		return nil, fmt.Errorf("%s was not imported into campaign %q, so none of its rows is a lead: import it first", source, r.Name)
	}
	var other *importer.HeaderError
	for _, o := range ways {
		o.Plan, o.Now, o.Source = campaign.NewPlan(&r.Campaign), a.now(), source
		body := sheet.Open(ctx)
		reader, err := importer.NewReader(body, o)
		if err == nil {
			return &sheetReader{reader, body}, nil
		}
		_ = body.Close() // it was for reading only
		if header, ok := errors.AsType[*importer.HeaderError](err); !ok {
			return nil, err
		} else if other == nil {
			other = header
		}
	}
	return nil, fmt.Errorf("%s: %s. It was imported with other columns: import it again, then export", source, other.Problem())
}

// waysOf are the ways in which a sheet was imported, that which most leads came by first.
func waysOf(heads map[string]campaign.List, leads map[string]int, source string) []importer.Options {
	var ids []string
	for id := range heads {
		if sameSheet(heads[id].Source, source) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(-cmp.Compare(leads[a], leads[b]), cmp.Compare(a, b)) })
	ways := make([]importer.Options, len(ids))
	for i, id := range ids {
		head := heads[id]
		columns := map[string]string{}
		// What a row's lead is depends on these alone, on whether there is such a column too.
		for _, role := range append(campaign.PhoneRoles(), campaign.RoleKey, campaign.RoleCountry) {
			columns[role] = importer.NoColumn
			if at, ok := head.Roles[role]; ok && at < len(head.Columns) {
				columns[role] = head.Columns[at]
			}
		}
		ways[i] = importer.Options{Columns: columns, Country: head.Country}
	}
	return ways
}

// sameSheet reports whether two sources are the same Google Sheet; without a tab, one is taken for what the other names.
func sameSheet(a, b string) bool {
	if !strings.HasPrefix(a, sheetScheme) || !strings.HasPrefix(b, sheetScheme) {
		return false
	}
	idA, tabA, _ := strings.Cut(a[len(sheetScheme):], "/")
	idB, tabB, _ := strings.Cut(b[len(sheetScheme):], "/")
	return idA == idB && (tabA == tabB || tabA == "" || tabB == "")
}

// sheetReader is a reader with what it reads from.
type sheetReader struct {
	*importer.Reader
	body io.Closer
}

// Close ends the reading; it was for reading only, so nothing is lost by an error.
func (r *sheetReader) Close() { _, _ = r.Reader.Close(), r.body.Close() }

// byLead finds the results of a lead by its id.
func (t *resultTable) byLead() map[string][]any {
	found := make(map[string][]any, len(t.rows))
	for i := range t.rows {
		if id, ok := t.rows[i].result[0].(string); ok {
			found[id] = t.rows[i].result
		}
	}
	return found
}

// sheetResults puts results beside the rows of a sheet.
type sheetResults struct {
	reader *importer.Reader
	found  map[string][]any
	cells  []importer.Cell
	out    sheetWrittenJSON
}

// column is where the results begin in the sheet, from 1: where they stood before, as long as they stand together, else behind all
// columns.
func (w *sheetResults) column() int {
	head := w.reader.Head()
	first, ok := head.Results[sheetColumns[0]]
	for i, name := range sheetColumns {
		at, there := head.Results[name]
		ok = ok && there && at == first+i
	}
	if !ok {
		return head.Width + 1
	}
	return first + 1
}

// read goes through the rows of the sheet.
func (w *sheetResults) read() error {
	header := make([]any, len(sheetColumns))
	for i, c := range sheetColumns {
		header[i] = c
	}
	w.cells = append(w.cells, importer.Cell{Row: w.reader.Head().Line, Cells: header})
	for {
		row, err := w.reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if cells := w.results(row); cells != nil {
			w.cells = append(w.cells, importer.Cell{Row: row.Line, Cells: cells})
			w.out.Rows++
			continue
		}
		w.out.Unknown++
	}
}

// results are the cells of one row; nil when it is no lead of the campaign.
func (w *sheetResults) results(row importer.Row) []any {
	cells := make([]any, len(sheetColumns))
	for i := range cells {
		cells[i] = ""
	}
	switch {
	case row.Reject != nil:
		cells[0], cells[1] = "rejected", row.Reject.Reason
		return cells
	case row.Duplicate != nil:
		cells[0] = "duplicate"
		return cells
	}
	result, ok := w.found[row.Lead.ID]
	if !ok {
		return nil
	}
	for i, name := range sheetColumns {
		for j, column := range resultColumns {
			if column != name {
				continue
			}
			switch v := result[j].(type) {
			case int:
				cells[i] = v
			default:
				cells[i] = cell(v)
			}
		}
	}
	return cells
}
