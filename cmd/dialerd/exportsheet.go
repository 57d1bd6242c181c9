package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
)

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
	if !strings.HasPrefix(source, "gsheet://") {
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
	entry, _ := importer.SourceFor(&r.Campaign, source)
	body := sheet.Open(ctx)
	defer body.Close()
	reader, err := importer.NewReader(body, importer.Options{
		Plan: campaign.NewPlan(&r.Campaign), Now: a.now(), Source: source, Columns: entry.Columns, Country: entry.Country,
	})
	if err != nil {
		return err
	}
	w := &sheetResults{reader: reader, found: t.byLead(), out: sheetWrittenJSON{Campaign: name, Sheet: source}}
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
