package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// What no list of people has.
const (
	maxRecord  = 1 << 20 // bytes of one row
	maxLines   = 1000    // lines of one row
	maxColumns = 512
)

// frame cuts a text into records: mostly a line each, more where a quoted cell goes on over line ends.
//
// encoding/csv would do that too, but a quote that is opened and never closed makes it take everything up to the end of the
// file, or to the next stray quote, for one cell: every row in between would be lost without a word. Here such a line is
// given up alone, and reading goes on with the next one.
type frame struct {
	text    *text
	delim   byte
	cr      bool                   // lines end with a carriage return, as old Macs wrote them
	columns int                    // cells that a row should have; 0 = not known yet
	isRow   func(line []byte) bool // reports whether a line alone looks like a row of the list

	line    int       // physical lines read
	pending []rawLine // lines that were read ahead
}

// rawLine is one physical line without its end.
type rawLine struct {
	text    []byte
	number  int
	suspect bool // it may belong to a cell whose quotes are broken
}

// rawRecord is one record as it stands in the text.
type rawRecord struct {
	text   []byte   // without the last line end
	line   int      // where it begins
	row    []string // the cells themselves, of a table
	cells  int
	broken bool // its quotes make no sense; text is its first line alone
	beside bool // it is broken only because a cell above it is
}

// next is the next record that is not blank, or io.EOF.
func (f *frame) next() (rawRecord, error) {
	if f.text.table != nil {
		return f.tableRow()
	}
	for {
		first, err := f.read()
		if err != nil {
			return rawRecord{}, err
		}
		if len(bytes.TrimSpace(first.text)) == 0 {
			continue
		}
		return f.record(first)
	}
}

// tableRow is the next row of a table that has a cell. Its line is the row's number in the spreadsheet.
func (f *frame) tableRow() (rawRecord, error) {
	for {
		row, err := f.text.table.row()
		if err != nil {
			return rawRecord{}, err
		}
		f.line++
		switch {
		case rowSize(row) > maxRecord:
			return rawRecord{}, fmt.Errorf("row %d is longer than %d MiB, so this is no list", f.line, maxRecord>>20)
		case len(row) > 0:
			return rawRecord{row: row, line: f.line, cells: len(row)}, nil
		}
	}
}

// record reads the record that begins with a line.
func (f *frame) record(first rawLine) (rawRecord, error) {
	rec := rawRecord{text: first.text, line: first.number}
	q := quotes{delim: f.delim}
	q.scan(first.text)
	if !q.open {
		rec.cells = q.cells
		// A line out of a broken cell may look like a short row, and a number in it is not a lead's.
		rec.broken = (q.stray || first.suspect) && f.columns > 0 && q.cells != f.columns
		rec.beside = rec.broken && first.suspect
		return rec, nil
	}
	var ahead []rawLine
	first.text = bytes.Clone(first.text)
	whole := bytes.Clone(first.text)
	for q.open && !q.stray && len(whole) < maxRecord && len(ahead) < maxLines {
		more, err := f.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rawRecord{}, err
		}
		ahead = append(ahead, rawLine{bytes.Clone(more.text), more.number, true})
		whole = append(append(whole, '\n'), more.text...)
		q.scan(more.text)
	}
	// A cell over several lines is believed when its quotes are in order and the row has as many cells as the header, whatever
	// stands in it: such a row is CSV as it should be. There is one exception.
	if q.open || q.stray || (f.columns > 0 && q.cells != f.columns) || f.swallows(first.text, ahead, whole) {
		f.pending = append(ahead, f.pending...)
		rec.broken = true
		return rec, nil
	}
	rec.text, rec.cells = whole, q.cells
	return rec, nil
}

// swallows reports whether a cell over several lines is rows that two stray quotes make one, as in
//
//	+14155552671,"Ann,CA
//	+12125550123,Bob",NY
//
// It is when every line of it is a row by itself, the first one without the quote that it opens, and there are no other quotes.
// Prose has a blank after a comma, and programs that write quotes write them around other cells too.
func (f *frame) swallows(first []byte, ahead []rawLine, whole []byte) bool {
	if f.isRow == nil || len(ahead) == 0 || bytes.Count(whole, []byte{'"'}) != 2 || bytes.Contains(whole, []byte{f.delim, ' '}) {
		return false
	}
	if slices.ContainsFunc(ahead, func(l rawLine) bool { return !f.isRow(l.text) }) {
		return false
	}
	q := quotes{delim: f.delim}
	q.scan(first)
	return f.isRow(slices.Delete(bytes.Clone(first), q.at, q.at+1))
}

// read is the next physical line. Its text is good until the next call, unless it was pending.
func (f *frame) read() (rawLine, error) {
	if len(f.pending) > 0 {
		l := f.pending[0]
		f.pending = f.pending[1:]
		return l, nil
	}
	end := byte('\n')
	if f.cr {
		end = '\r'
	}
	line, err := f.text.ReadSlice(end)
	if err != nil {
		line = bytes.Clone(line)
	}
	for errors.Is(err, errFull) && len(line) <= maxRecord {
		var more []byte
		more, err = f.text.ReadSlice(end)
		line = append(line, more...)
	}
	switch {
	case len(line) > maxRecord:
		return rawLine{}, fmt.Errorf("line %d is longer than %d MiB, so this is no list; check the file and its encoding", f.line+1, maxRecord>>20)
	case errors.Is(err, io.EOF) && len(line) == 0:
		return rawLine{}, io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return rawLine{}, fmt.Errorf("read line %d: %w", f.line+1, err)
	}
	f.line++
	line = bytes.TrimSuffix(line, []byte{end})
	return rawLine{text: bytes.TrimSuffix(line, []byte{'\r'}), number: f.line}, nil
}

// quotes follows the quotes and delimiters of a record, exactly as encoding/csv does with LazyQuotes.
type quotes struct {
	delim byte
	open  bool // inside of a quoted cell
	stray bool // a quote inside of a quoted cell that is neither doubled nor its end
	cells int
	at    int // where in its line the last quoted cell began
}

// scan reads one line of the record.
func (q *quotes) scan(line []byte) {
	if !q.open {
		if bytes.IndexByte(line, '"') < 0 { // nearly every line
			q.cells = 1 + bytes.Count(line, []byte{q.delim})
			return
		}
		q.cells++
	}
	for i := 0; ; {
		if !q.open {
			if i < len(line) && line[i] == '"' {
				q.open, q.at = true, i
				i++
				continue
			}
			next := bytes.IndexByte(line[i:], q.delim)
			if next < 0 {
				return
			}
			i += next + 1
			q.cells++
			continue
		}
		next := bytes.IndexByte(line[i:], '"')
		if next < 0 {
			return
		}
		i += next + 1
		switch {
		case i == len(line):
			q.open = false
			return
		case line[i] == '"':
			i++
		case line[i] == q.delim:
			q.open = false
			q.cells++
			i++
		default:
			q.stray = true
		}
	}
}
