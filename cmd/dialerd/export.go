package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/importer"
)

func (a *app) exportCommand() *cobra.Command {
	var format, file, to string
	cmd := &cobra.Command{
		Use:   "export NAME",
		Short: "Write a campaign's results, one row a lead",
		Long: "Writes one row for each lead: the columns of its list in their order, then what became of it in columns that begin with\n" +
			"dialerd_. Cells that a spreadsheet would run as a formula get an apostrophe in front (in csv), or are text (in xlsx).\n" +
			"--to writes the results beside the rows of a Google Sheet that was imported, in columns that imports pass over.",
		Example: "  dialerd export spring -o results.csv\n  dialerd export spring --format jsonl\n" +
			"  dialerd export spring -o results.xlsx\n  dialerd export spring --to gsheet://ID/TAB",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format == "" {
				format = formatOf(file)
			}
			if !slices.Contains(exportFormats, format) {
				return usagef("--format %q: the formats are %s", format, strings.Join(exportFormats, ", "))
			}
			if to != "" {
				if file != "" || cmd.Flags().Changed("format") {
					return usagef("--to writes into a sheet; leave out --output and --format")
				}
				return a.exportSheet(cmd.Context(), args[0], to)
			}
			if format == formatXLSX && (file == "" || file == "-") && terminal(a.out) {
				return usagef("a workbook is not for a terminal: name a file with -o")
			}
			t, err := a.results(cmd.Context(), args[0], a.now())
			if err != nil {
				return err
			}
			write := map[string]func(io.Writer) error{formatCSV: t.csv, formatJSONL: t.jsonl, formatXLSX: t.xlsx}[format]
			if file == "" || file == "-" {
				if a.json {
					return t.object(a.out, args[0])
				}
				return write(a.out)
			}
			if err := writeFile(file, write); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(struct {
					Campaign string `json:"campaign"`
					Rows     int    `json:"rows"`
					File     string `json:"file"`
					Format   string `json:"format"`
				}{args[0], len(t.rows), file, format})
			}
			a.note("%s written to %s\n", plural(len(t.rows), "lead"), file)
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "csv, jsonl or xlsx (default: by the name of the file, else csv)")
	cmd.Flags().StringVar(&to, "to", "", "Google Sheet to write the results into, as gsheet://ID/TAB")
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write (default: standard output)")
	a.jsonFlag(cmd)
	return cmd
}

// object writes all results as one JSON object.
func (t *resultTable) object(w io.Writer, name string) error {
	var lines bytes.Buffer
	if err := t.jsonl(&lines); err != nil {
		return err
	}
	leads := make([]json.RawMessage, 0, len(t.rows))
	for line := range bytes.Lines(lines.Bytes()) {
		leads = append(leads, json.RawMessage(line))
	}
	return printJSON(w, struct {
		Campaign string            `json:"campaign"`
		Rows     int               `json:"rows"`
		Leads    []json.RawMessage `json:"leads"`
	}{name, len(leads), leads})
}

// What results can be written as.
const (
	formatCSV   = "csv"
	formatJSONL = "jsonl"
	formatXLSX  = "xlsx"
)

var exportFormats = []string{formatCSV, formatJSONL, formatXLSX}

// formatOf is the format that a file's name says; csv when it says none.
func formatOf(file string) string {
	if ext := strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), "."); slices.Contains(exportFormats, ext) {
		return ext
	}
	return formatCSV
}

// resultTable is what is exported.
type resultTable struct {
	columns []string // of the lists
	rows    []resultRow
	leads   map[string]int // of each list
}

// resultRow is one lead: the cells of its list, and the result in the order of resultColumns. A list's cell that it has not is
// empty.
type resultRow struct {
	cells  []string
	result []any // string, int, float64, time.Time or nil
}

// resultColumns follow the lists' own columns.
var resultColumns = []string{
	"dialerd_lead", "dialerd_phone", "dialerd_state", "dialerd_reason", "dialerd_disposition", "dialerd_attempts", "dialerd_first_call",
	"dialerd_last_call", "dialerd_next_call", "dialerd_duration_s", "dialerd_agent", "dialerd_call_id", "dialerd_recording_url",
	"dialerd_summary",
}

func (t *resultTable) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	record := make([]string, 0, len(t.columns)+len(resultColumns))
	for _, c := range t.columns {
		record = append(record, importer.Neutral(c))
	}
	if err := out.Write(append(record, resultColumns...)); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	for _, row := range t.rows {
		record = record[:0]
		for _, c := range row.cells {
			record = append(record, importer.Neutral(c))
		}
		for _, v := range row.result {
			record = append(record, cell(v))
		}
		if err := out.Write(record); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// cell is a value as CSV has it.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Truncate(time.Second).Format(time.RFC3339)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return importer.Neutral(fmt.Sprint(v))
}

// xlsx writes a workbook: text as text, numbers as numbers, times as text in UTC.
func (t *resultTable) xlsx(w io.Writer) error {
	book, err := importer.NewWorkbook("results", slices.Concat(t.columns, resultColumns))
	if err != nil {
		return err
	}
	row := make([]any, 0, len(t.columns)+len(resultColumns))
	for i := range t.rows {
		row = row[:0]
		for _, c := range t.rows[i].cells {
			row = append(row, c)
		}
		for _, v := range t.rows[i].result {
			switch x := v.(type) {
			case int, float64, nil:
				row = append(row, x)
			case string:
				row = append(row, x)
			default:
				row = append(row, cell(v))
			}
		}
		if err := book.Row(row); err != nil {
			return errors.Join(err, book.Close())
		}
	}
	return book.Finish(w)
}

// jsonl writes one object a line, its keys in the order of the columns.
func (t *resultTable) jsonl(w io.Writer) error {
	var b bytes.Buffer
	for _, row := range t.rows {
		b.Reset()
		b.WriteByte('{')
		put := func(name string, v any) error {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			for i, part := range []any{name, v} {
				raw, err := json.Marshal(part)
				if err != nil {
					return fmt.Errorf("write the results: %w", err)
				}
				if i == 1 {
					b.WriteByte(':')
				}
				b.Write(raw)
			}
			return nil
		}
		for i, name := range t.columns {
			if err := put(name, row.cells[i]); err != nil {
				return err
			}
		}
		for i, name := range resultColumns {
			v := row.result[i]
			switch x := v.(type) {
			case time.Time:
				v = stamp(x)
			case string:
				v = text(x)
			}
			if err := put(name, v); err != nil {
				return err
			}
		}
		b.WriteString("}\n")
		if _, err := w.Write(b.Bytes()); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return nil
}

// results reads what became of every lead of a campaign.
func (a *app) results(ctx context.Context, name string, now time.Time) (*resultTable, error) {
	d, err := a.newDecider(ctx, name, now)
	if err != nil {
		return nil, err
	}
	r := &resultReader{store: a.store, decider: d, now: now}
	return r.read(ctx)
}
