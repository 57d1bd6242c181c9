package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/importer"
)

func (a *app) exportCommand() *cobra.Command {
	var format, file string
	cmd := &cobra.Command{
		Use:   "export NAME",
		Short: "Write a campaign's results, one row a lead",
		Long: "Writes one row for each lead: the columns of its list in their order, then what became of it in columns that begin with\n" +
			"dialerd_. Cells that a spreadsheet would run as a formula get an apostrophe in front (in csv).",
		Example: "  dialerd export spring -o results.csv\n  dialerd export spring --format jsonl",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "csv" && format != "jsonl" {
				return usagef("--format %q: this version writes csv and jsonl", format)
			}
			t, err := a.results(cmd.Context(), args[0], a.now())
			if err != nil {
				return err
			}
			write := t.csv
			if format == "jsonl" {
				write = t.jsonl
			}
			if file == "" || file == "-" {
				return write(a.out)
			}
			if err := writeFile(file, write); err != nil {
				return err
			}
			a.note("%s written to %s\n", plural(len(t.rows), "lead"), file)
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "csv", "csv or jsonl")
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write (default: standard output)")
	return cmd
}

// resultTable is what is exported.
type resultTable struct {
	columns []string // of the lists
	rows    []resultRow
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

// writeFile makes a file that appears under its name when it is whole.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".dialerd-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = errors.Join(write(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
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
