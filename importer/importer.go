// Package importer reads lists and says of every row either a lead or why not.
//
// A list's way through the package:
//
//	Sources.Expand ─► Input.Open ─► NewReader (encoding, delimiter, header, roles) ─► Next, Next, … ─► lead | duplicate | reject
//
// Memory does not grow with the list: what grows with it, the keys and the texts of a workbook, lies on disk.
package importer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
)

// Options says how a list is to be read.
type Options struct {
	// Plan is the campaign that the leads are for: its name and team make their ids, its rules decide who is held.
	Plan *campaign.Plan
	// Now is the time at which the age of consent and the limits of leads are judged.
	Now time.Time
	// Source is the list's name, in errors and in its id. The same source with the same columns is the same list.
	Source string
	// Columns names the header for a role, before all aliases. The header "-" means that no column plays the role.
	Columns map[string]string
	// Country is where national numbers belong to when the row does not say; ISO 3166, empty for none.
	Country string
	// Delimiter is the character between cells: , ; | or a tab. Zero finds out.
	Delimiter rune
	// Encoding is the IANA name of the list's encoding. Empty finds out among UTF-8, UTF-16 and Windows-1252.
	Encoding string
	// Sheet is the sheet of a workbook; empty is the first that can be seen.
	Sheet string
	// MaxCell is how many bytes a cell may have; 0 is as many as a row. Rows with a longer one are rejected.
	MaxCell int
	// Seen remembers the keys of one run. Readers that share it find duplicates across their lists; nil is for one alone.
	Seen *Seen
}

// Check says what is wrong with the country, the encoding or the delimiter; nil when nothing is. NewReader says it too.
func (o Options) Check() error {
	_, err := encodingCalled(o.Encoding)
	return errors.Join(checkCountry(o.Country), err, checkDelimiter(o.Delimiter))
}

// Row is what became of one row of a list: exactly one of Lead, Duplicate and Reject is set.
type Row struct {
	Line      int      // physical line of the text where the row begins, from 1
	Cells     []string // as many as the list has columns
	Lead      *campaign.Lead
	Place     region.Place // where the lead may be; its regions and zones make the lane
	Duplicate *Duplicate
	Reject    *Reject
	Surplus   string // cells beyond the header, as CSV, of a row that is rejected for them
}

// Size is how many bytes the row's cells have.
func (r *Row) Size() int { return rowSize(r.Cells) }

// Duplicate is a row whose key stood in an earlier row of the same run. The earlier row counts as it stands: nothing of
// the later one is taken over, not even into cells that are empty in the earlier one.
type Duplicate struct {
	Key   string
	First int // line of the earlier row, in its own list
}

// Reader reads one list, row by row.
type Reader struct {
	opts     Options
	list     campaign.List
	phone    string // header of the phone column
	first    int    // lines above the rows
	head     Head
	records  *records
	text     *text
	keep     []int // columns of the file that are columns of the list; nil = all
	rejects  bool  // it is a file of rejects
	input    *counter
	places   map[string]*known
	spots    map[signals]*spot
	alone    *Seen // nobody shares it; nil = somebody does
	warnings []string
}

// NewReader reads the head of a list: its encoding, its delimiter, its header. The error says what is wrong with the file
// and what to do; a *HeaderError when a column is missing.
func NewReader(r io.Reader, opts Options) (*Reader, error) {
	if opts.Plan == nil {
		return nil, errors.New("read list: no campaign")
	}
	if err := checkCountry(opts.Country); err != nil {
		return nil, fmt.Errorf("%s: %w", opts.Source, err)
	}
	reader := &Reader{opts: opts, input: &counter{from: r}, places: map[string]*known{}, spots: map[signals]*spot{}}
	if opts.Seen == nil {
		reader.opts.Seen = NewSeen()
		reader.alone = reader.opts.Seen
	}
	if err := reader.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", opts.Source, err), reader.Close())
	}
	return reader, nil
}

// open finds out everything that stands before the first row.
func (r *Reader) open() error {
	var err error
	r.text = &text{}
	if err = r.text.read(r.input, r.opts.Encoding, r.opts.Sheet); err != nil {
		return err
	}
	r.warnings = append(r.warnings, r.text.warnings...)
	if r.records, err = newRecords(r.text, r.opts.Delimiter); err != nil {
		return err
	}
	head, err := findHead(r.records, r.opts.Columns, r.opts.Country)
	if err != nil && r.text.sheets != "" {
		return fmt.Errorf("%w\nPerhaps it is another sheet: %s", err, r.text.sheets)
	}
	if err != nil {
		return err
	}
	r.warnings = append(r.warnings, head.warnings...)
	r.first = head.line
	r.head = Head{Line: head.line, Width: head.width, Results: head.own}
	phone := head.roles[campaign.RolePhone]
	r.keep, r.rejects = head.keep, head.rejects
	isPhone := func(cell string) bool {
		_, err := region.ParsePhone(cell, r.opts.Country)
		return err == nil
	}
	if err := r.records.start(head.width, head.at(phone), isPhone); err != nil {
		return err
	}
	r.list = campaign.List{
		Source:  r.opts.Source,
		Columns: head.columns,
		Roles:   head.roles,
		Country: r.opts.Country,
		Zone:    r.opts.Plan.Schedule.Timezone,
	}
	r.list.ID = listID(&r.list)
	r.phone = head.columns[phone]
	return nil
}

// checkCountry says what is wrong with a list's country, or nil.
func checkCountry(country string) error {
	if country == "" {
		return nil
	}
	// Any number will do: what is asked is whether the tables know the country.
	if p := region.Locate(region.Signals{Phone: "+12125550123", Country: country}).Problem; p.Code == "invalid_country" {
		return fmt.Errorf("country %q is not known: %s", country, p.Fix)
	}
	return nil
}

// Head is where the header of a list stands in its file.
type Head struct {
	Line    int            // physical line, from 1
	Width   int            // columns of the file
	Results map[string]int // columns whose names begin with OwnPrefix → where they are in the file, from 0
}

// Head is where the header stands in the file.
func (r *Reader) Head() Head { return r.head }

// List is the head of the list: its columns, and which roles they play.
func (r *Reader) List() campaign.List { return r.list }

// Next is the next row, or io.EOF after the last one. Any other error ends the list: what stood before it was read, the
// rest was not.
func (r *Reader) Next() (Row, error) {
	rec, err := r.records.next()
	if errors.Is(err, io.EOF) {
		return Row{}, io.EOF
	}
	if err != nil {
		return Row{}, fmt.Errorf("%s: %w", r.opts.Source, err)
	}
	if r.rejects && (rec.reject == nil || rec.reject.Reason == RejectExtraCells) {
		for i, cell := range rec.cells {
			rec.cells[i] = meant(cell)
		}
	}
	if i, ok := r.head.Results[surplusColumn]; ok && rec.reject == nil && !blank(rec.cells[i:i+1]) {
		rec.surplus, rec.reject = rec.cells[i], &Reject{Reason: RejectExtraCells, Fix: "put the cells where they belong"}
	}
	row := Row{Line: rec.line, Cells: r.own(rec.cells), Surplus: rec.surplus}
	if rec.reject != nil {
		row.Reject = rec.reject
		return row, nil
	}
	if row.Reject = r.tooLong(row.Cells); row.Reject != nil {
		return row, nil
	}
	if err := r.judge(&row); err != nil {
		return Row{}, fmt.Errorf("%s: %w", r.opts.Source, err)
	}
	return row, nil
}

// tooLong rejects a row for a cell that is longer than one may be.
func (r *Reader) tooLong(cells []string) *Reject {
	if r.opts.MaxCell > 0 {
		for i, cell := range cells {
			if len(cell) > r.opts.MaxCell {
				fix := fmt.Sprintf("the cell has %d bytes, more than %d: shorten it, or leave the column out", len(cell), r.opts.MaxCell)
				return &Reject{Column: r.list.Columns[i], Reason: RejectLongCell, Fix: fix}
			}
		}
	}
	return nil
}

// own are the cells of the columns that the list has.
func (r *Reader) own(cells []string) []string {
	if r.keep == nil || len(cells) <= r.keep[len(r.keep)-1] {
		return cells
	}
	for to, from := range r.keep {
		cells[to] = cells[from]
	}
	return cells[:len(r.keep):len(r.keep)]
}

// Close lets go of what was opened to read the list, but not of the io.Reader that NewReader was given.
func (r *Reader) Close() error {
	if r.alone != nil {
		r.alone.Close()
	}
	if r.text == nil {
		return nil
	}
	return r.text.close()
}

// Warnings says what a person should know about how the list was read, as far as it was read.
func (r *Reader) Warnings() []string {
	warnings := slices.Clone(r.warnings)
	if n := r.records.latin; n > 0 {
		warnings = append(warnings, fmt.Sprintf("%d rows are not UTF-8 and were read as Windows-1252; name the encoding if letters look wrong", n))
	}
	if n := r.text.hidden.Load(); n > 0 {
		warnings = append(warnings, fmt.Sprintf("%d rows are hidden in the sheet, as by a filter, and were read all the same; delete them there if they are not meant", n))
	}
	if n := r.records.empty; n > 0 {
		warnings = append(warnings, fmt.Sprintf("%d rows without any cell were passed over", n))
	}
	return warnings
}

// BytesRead is how much of the input was read, for progress; -1 when nobody can say, as of workbooks.
func (r *Reader) BytesRead() int64 {
	if r.text.table != nil {
		return -1
	}
	return r.input.n.Load()
}
