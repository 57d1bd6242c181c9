package importer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/gocarina/gocsv"
)

// Reasons for rejecting a row, beside those of region.PhoneCode.
const (
	RejectQuotes     = "bad_quotes"  // a quote that is opened and not closed
	RejectUnreadable = "unreadable"  // not CSV
	RejectExtraCells = "extra_cells" // more cells than the header has columns
	RejectHeader     = "header"      // the header once more, as where files were joined
	RejectLongCell   = "long_cell"   // a cell is longer than this import takes
	RejectKey        = "bad_key"     // the key is longer than a key may be
)

// Reject is why a row is no lead.
type Reject struct {
	Column string // header of the cell that is to blame; empty when it is the row
	Reason string // one word, the same in reports and metrics
	Fix    string // what a person can do about it; holds nothing out of the row
}

// rejectColumns follow the list's own columns in a file of rejects.
var rejectColumns = []string{"line", "column", "reason", "fix"}

// surplusColumn stands before them in a file that has a row with more cells than its list has columns. What is in it keeps the
// row from being taken in before somebody has put it where it belongs.
const surplusColumn = OwnPrefix + "surplus"

// Rejects writes a file of rejected rows: the list's own columns in their order, then line, column, reason and fix. Once mended,
// the file can be imported again. When Surplus says so, the file is not whole before Widen has written it again.
//
// Spreadsheets run what begins with = + - @ or a tab, so such cells get an apostrophe in front, which spreadsheets hide
// and the importer takes off when it reads such a file. Numbers and phones (+1 415 555 0123, -5.5) stay as they are.
type Rejects struct {
	w     *gocsv.SafeCSVWriter
	width int
	n     int
	extra bool
}

// NewRejects begins a file of rejects for a list with these columns.
func NewRejects(w io.Writer, columns []string) (*Rejects, error) {
	r := &Rejects{w: gocsv.DefaultCSVWriter(w), width: len(columns)}
	header := make([]string, 0, len(columns)+len(rejectColumns))
	for _, c := range columns {
		header = append(header, Neutral(c))
	}
	if err := r.w.Write(append(header, rejectColumns...)); err != nil {
		return nil, fmt.Errorf("write rejects: %w", err)
	}
	return r, nil
}

// Write adds a row that was rejected; others are passed over.
func (r *Rejects) Write(row Row) error {
	if row.Reject == nil {
		return nil
	}
	record := make([]string, r.width, r.width+len(rejectColumns))
	for i := range min(r.width, len(row.Cells)) {
		record[i] = Neutral(row.Cells[i])
	}
	fix := row.Reject.Fix
	if row.Surplus != "" {
		fix += "; then empty " + surplusColumn
	}
	record = append(record, strconv.Itoa(row.Line), Neutral(row.Reject.Column), row.Reject.Reason, Neutral(fix))
	if row.Surplus != "" {
		record, r.extra = append(record, Neutral(row.Surplus)), true
	}
	if err := r.w.Write(record); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	r.n++
	return nil
}

// Len is how many rows were written.
func (r *Rejects) Len() int { return r.n }

// Surplus reports whether a row had more cells than its list has columns.
func (r *Rejects) Surplus() bool { return r.extra }

// Widen writes a file of rejects again, with a column for what rows had beyond the columns of their list.
func (r *Rejects) Widen(from io.Reader, to io.Writer) error {
	in, out := csv.NewReader(from), csv.NewWriter(to)
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	for surplus := surplusColumn; ; surplus = "" {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read rejects: %w", err)
		}
		if end := r.width + len(rejectColumns); len(record) > end {
			surplus, record = record[end], record[:end]
		}
		if err := out.Write(slices.Insert(slices.Clone(record), r.width, surplus)); err != nil {
			return fmt.Errorf("write rejects: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

// Flush writes what is still in memory. Call it at the end; the error is the first of all writes.
func (r *Rejects) Flush() error {
	r.w.Flush()
	if err := r.w.Error(); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

// Neutral makes a cell safe for spreadsheets: what they would take for a formula gets an apostrophe in front.
func Neutral(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) || numeric(cell) {
		return cell
	}
	return "'" + cell
}

// meant is a cell without the apostrophe that Neutral put in front.
func meant(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && Neutral(rest) == cell && rest != cell {
		return rest
	}
	return cell
}

// numeric reports whether a cell is a number or a phone: a sign, then digits and what people put between them. A spreadsheet
// may calculate with it, but it cannot do anything else.
func numeric(cell string) bool {
	if cell[0] != '+' && cell[0] != '-' {
		return false
	}
	digits := 0
	for _, c := range cell[1:] {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune(" .,-()/", c):
			return false
		}
	}
	return digits > 0
}
