package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gocarina/gocsv"
)

// errFull says that a line is longer than the buffer.
var errFull = bufio.ErrBufferFull

// records reads the rows of a list. The frame cuts the text, gocsv reads what it cut, one record at a time: gocsv's
// Unmarshaller reports an error for each row and goes on, which none of its other forms does.
type records struct {
	frame *frame
	mixed bool
	table bool        // the rows are cut already
	queue []rawRecord // the head of the list, until it is known which one is the header
	width int         // cells that a row has

	rows   *gocsv.Unmarshaller
	csv    *csv.Reader  // under rows
	input  bytes.Reader // under csv: one record, then the end
	line   []byte       // under input
	offset int64        // where csv should stand

	latin int // rows that were Windows-1252
	empty int // rows without any cell
}

// cells is a row as gocsv fills it: every cell in its place. What the columns mean is the campaign's business.
type cells struct {
	Cell []string `csv:"cell" csv[]:"529"`
}

// spare is how many cells beyond the header are read, so that it can be said what they hold.
const spare = 16

// record is one row: its cells, or why it cannot be read.
type record struct {
	line    int
	cells   []string
	surplus string // cells beyond the header, as CSV, of a row that is rejected for them
	reject  *Reject
}

// newRecords finds out how the text is cut.
func newRecords(t *text, delimiter rune) (*records, error) {
	r := &records{frame: &frame{text: t}, mixed: t.mixed, table: t.table != nil}
	if r.table {
		r.frame.delim = ','
		return r, nil
	}
	sample, err := t.sample()
	if err != nil {
		return nil, err
	}
	r.frame.cr = bytes.IndexByte(sample, '\n') < 0 && bytes.IndexByte(sample, '\r') >= 0
	if err := checkDelimiter(delimiter); err != nil {
		return nil, err
	}
	if r.frame.delim = byte(delimiter); delimiter == 0 { //nolint:gosec // G115: one of four ASCII characters
		r.frame.delim = sniffDelimiter(sample, r.frame.cr)
	}
	return r, nil
}

// checkDelimiter says what is wrong with a delimiter, or nil; zero is to be found out.
func checkDelimiter(delimiter rune) error {
	if delimiter != 0 && !strings.ContainsRune(delimiters, delimiter) {
		return fmt.Errorf("delimiter %q is none; name one of , ; | or a tab", delimiter)
	}
	return nil
}

// ahead reads up to n records into the queue and returns their cells, for finding the header.
func (r *records) ahead(n int) ([]rawRecord, [][]string, error) {
	var rows [][]string
	for len(r.queue) < n {
		raw, err := r.frame.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		raw.text = bytes.Clone(raw.text)
		r.queue = append(r.queue, raw)
	}
	for _, raw := range r.queue {
		rows = append(rows, r.split(raw))
	}
	return r.queue, rows, nil
}

// split reads the cells of one record, whatever their number.
func (r *records) split(raw rawRecord) []string {
	if raw.row != nil {
		row := make([]string, len(raw.row))
		for i, cell := range raw.row {
			row[i] = oneLine(cell)
		}
		return row
	}
	c := csv.NewReader(bytes.NewReader(r.decode(raw.text)))
	c.Comma, c.LazyQuotes, c.FieldsPerRecord = rune(r.frame.delim), true, -1
	row, err := c.Read()
	if err != nil {
		return []string{string(raw.text)}
	}
	return row
}

// drop leaves out the first n records of the queue: titles and the header.
func (r *records) drop(n int) { r.queue = r.queue[n:] }

// start makes ready for rows of so many columns, one of which holds phones. There must be at least one row.
func (r *records) start(columns, phone int, isPhone func(cell string) bool) error {
	r.width, r.frame.columns = columns, columns
	if r.table {
		return r.first()
	}
	r.frame.isRow = func(line []byte) bool {
		cells := bytes.Split(line, []byte{r.frame.delim})
		if len(cells) != columns && bytes.IndexByte(line, '"') >= 0 {
			cells = nil
			for _, cell := range r.split(rawRecord{text: line}) {
				cells = append(cells, []byte(cell))
			}
		}
		return len(cells) == columns && isPhone(string(cells[phone]))
	}
	// What was read ahead is cut again, now that it is known how many cells a row has.
	var lines []rawLine
	for _, raw := range r.queue {
		for i, line := range bytes.Split(raw.text, []byte{'\n'}) {
			lines = append(lines, rawLine{text: line, number: raw.line + i})
		}
	}
	r.queue, r.frame.pending = nil, append(lines, r.frame.pending...)

	if err := r.restart(); err != nil {
		return err
	}
	return r.first()
}

// first demands that there is a row.
func (r *records) first() error {
	if len(r.queue) > 0 {
		return nil
	}
	first, err := r.frame.next()
	if errors.Is(err, io.EOF) {
		return errors.New("the file has a header and no rows below it")
	}
	if err != nil {
		return err
	}
	first.text = bytes.Clone(first.text)
	r.queue = []rawRecord{first}
	return nil
}

// restart makes a new Unmarshaller for rows of the list's width.
func (r *records) restart() error {
	labels := make([]string, r.width+spare)
	for i := range labels {
		labels[i] = fmt.Sprintf("cell[%d]", i)
	}
	header := strings.Join(labels, string(rune(r.frame.delim))) + "\n"
	r.input.Reset([]byte(header))
	r.offset = int64(len(header))
	r.csv = csv.NewReader(&r.input)
	r.csv.Comma, r.csv.LazyQuotes, r.csv.FieldsPerRecord = rune(r.frame.delim), true, -1
	var err error
	if r.rows, err = gocsv.NewUnmarshaller(r.csv, cells{}); err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	return nil
}

// How broken quotes are mended.
const (
	fixQuotes = "a quote is opened here and not closed: close it, or write a quote inside of a cell twice"
	fixBeside = "the line may be part of a row above it whose quotes are broken: mend that one, then look at this one"
)

// next is the next row, or io.EOF.
func (r *records) next() (record, error) {
	for {
		raw, err := r.raw()
		if err != nil {
			return record{}, err
		}
		rec := record{line: raw.line}
		if !raw.broken && (r.tabled(&rec, raw) || r.plain(&rec, raw)) {
			if blank(rec.cells) {
				r.empty++
				continue
			}
			r.fit(&rec, raw.cells)
			r.rest(&rec, raw)
			return rec, nil
		}
		if r.mixed && !utf8.Valid(raw.text) {
			r.latin++
		}
		if raw.broken {
			rec.cells = []string{string(r.decode(raw.text))}
			rec.reject = &Reject{Reason: RejectQuotes, Fix: fixQuotes}
			if raw.beside {
				rec.reject.Fix = fixBeside
			}
			return rec, nil
		}
		if r.parse(&rec, raw.text); rec.reject != nil {
			return rec, nil
		}
		if blank(rec.cells) {
			r.empty++
			continue
		}
		r.fit(&rec, raw.cells)
		r.rest(&rec, raw)
		return rec, nil
	}
}

func (r *records) raw() (rawRecord, error) {
	if len(r.queue) > 0 {
		raw := r.queue[0]
		r.queue = r.queue[1:]
		return raw, nil
	}
	return r.frame.next()
}

// tabled takes the cells of a row of a table, which is cut already.
func (r *records) tabled(rec *record, raw rawRecord) bool {
	if raw.row == nil {
		return false
	}
	rec.cells = raw.row
	return true
}

// plain cuts a row that has no quotes, as nearly all have none, with one allocation for all its cells: gocsv sets each through
// reflection. What it makes is what gocsv makes, which a fuzz test holds. It reports false for all other rows.
func (r *records) plain(rec *record, raw rawRecord) bool {
	if bytes.IndexByte(raw.text, '"') >= 0 || bytes.HasSuffix(raw.text, []byte{'\r'}) || !utf8.Valid(raw.text) {
		return false
	}
	text := string(raw.text)
	rec.cells = make([]string, 0, max(r.width, min(raw.cells, r.width+spare)))
	for len(rec.cells) < r.width+spare {
		i := strings.IndexByte(text, r.frame.delim)
		if i < 0 {
			rec.cells = append(rec.cells, text)
			break
		}
		rec.cells = append(rec.cells, text[:i])
		text = text[i+1:]
	}
	return true
}

// parse reads the cells of one record through gocsv, or rejects it.
func (r *records) parse(rec *record, raw []byte) {
	r.line = append(append(r.line[:0], r.decode(raw)...), '\n')
	r.input.Reset(r.line)
	v, err := r.rows.Read()
	r.offset += int64(len(r.line))
	if err == nil && r.csv.InputOffset() != r.offset {
		err = errors.New("its quotes are out of order") // the frame and encoding/csv cut it in two ways
	}
	row, ok := v.(cells)
	if err == nil && ok {
		rec.cells = row.Cell
		return
	}
	rec.cells = []string{string(r.decode(raw))}
	rec.reject = &Reject{Reason: RejectUnreadable, Fix: fmt.Sprintf("the row cannot be read as CSV: %v", errors.Join(err, r.restart()))}
}

// decode makes a row UTF-8.
func (r *records) decode(raw []byte) []byte {
	row, latin := utf8Text(raw)
	if latin && !r.mixed {
		return bytes.ToValidUTF8(raw, []byte("�"))
	}
	return row
}

// fit makes the row as wide as the header. Cells that are missing at the end are empty; cells beyond the header mean that a
// delimiter inside of a cell was not quoted, so that nobody knows which cell is which.
func (r *records) fit(rec *record, count int) {
	if len(rec.cells) > r.width {
		extra := rec.cells[r.width:]
		rec.cells = rec.cells[:r.width:r.width]
		if !blank(extra) || count > r.width+spare {
			rec.surplus = joined(extra)
			rec.reject = &Reject{
				Reason: RejectExtraCells,
				Fix:    fmt.Sprintf("the row has %d cells and the header %d: put quotes around cells with a %q in them", count, r.width, r.frame.delim),
			}
			if r.table {
				rec.reject.Fix = fmt.Sprintf("the row has %d cells and the header %d: give every column a header, or empty the cells right of the last", count, r.width)
			}
		}
	}
	for len(rec.cells) < r.width {
		rec.cells = append(rec.cells, "")
	}
}

// rest takes all cells beyond the header where there are more than were read.
func (r *records) rest(rec *record, raw rawRecord) {
	if rec.reject == nil || r.table || raw.cells <= r.width+spare {
		return
	}
	if all := r.split(raw); len(all) > r.width {
		rec.surplus = joined(all[r.width:])
	}
}

// joined is cells as one text, in the form of CSV.
func joined(cells []string) string {
	for len(cells) > 1 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.Write(cells); err != nil {
		panic(err) // unreachable: it is written to memory
	}
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// dosEnd is the control character that old programs end a text with.
const dosEnd = "\x1a"

// blank reports whether no cell says anything.
func blank(cells []string) bool {
	for _, c := range cells {
		if c = strings.TrimSpace(c); c != "" && c != dosEnd {
			return false
		}
	}
	return true
}
