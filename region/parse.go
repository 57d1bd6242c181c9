package region

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// TableError is one mistake in a table.
type TableError struct {
	File    string
	Line    int // 1-based; 0 = the whole file
	Column  int // 1-based, in bytes; 0 = the whole line
	Field   string
	Value   string
	Problem string // what is wrong, and what would be right
}

// Error names the place first, as compilers do.
func (f *TableError) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Column > 0 {
		fmt.Fprintf(&b, ":%d", f.Column)
	}
	if f.Field != "" {
		fmt.Fprintf(&b, ": %s %q", f.Field, f.Value)
	}
	return b.String() + ": " + f.Problem
}

// maxFaults bounds a report: a table that is broken all through need not be listed all through.
const maxFaults = 50

type faults struct {
	list []error
	more int
}

func (f *faults) add(x *TableError) {
	if len(f.list) >= maxFaults {
		f.more++
		return
	}
	f.list = append(f.list, x)
}

func (f *faults) err() error {
	list := slices.Clone(f.list)
	if f.more > 0 {
		list = append(list, fmt.Errorf("and %d more", f.more))
	}
	return errors.Join(list...)
}

// parser reads the tables in the order in which they need each other.
type parser struct {
	fsys   fs.FS
	t      *Tables
	faults faults
}

// record is one row of a table and where its cells stand.
type record struct {
	p      *parser
	file   string
	line   int
	header []string
	cells  []string
	pos    [][2]int
}

// get is the cell of a column, which must be one of the header's.
func (r *record) get(field string) string { return r.cells[slices.Index(r.header, field)] }

// list is a cell that holds several values joined by |.
func (r *record) list(field string) []string {
	if s := r.get(field); s != "" {
		return strings.Split(s, "|")
	}
	return nil
}

// bad notes a fault of a cell.
func (r *record) bad(field, format string, args ...any) {
	i := slices.Index(r.header, field)
	r.p.faults.add(&TableError{
		File: r.file, Line: r.pos[i][0], Column: r.pos[i][1], Field: field, Value: r.cells[i], Problem: fmt.Sprintf(format, args...),
	})
}

// read reads a file and notes its checksum. A spreadsheet may have put the mark of UTF-8 before its text.
func (p *parser) read(file string) []byte {
	data, err := fs.ReadFile(p.fsys, file)
	if err != nil {
		p.faults.add(&TableError{File: file, Problem: "cannot be read: " + err.Error()})
		return nil
	}
	p.t.sums[file] = checksum(data)
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// version reads the date of the tables.
func (p *parser) version() {
	text := strings.TrimSpace(string(p.read(tableVersion)))
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		p.faults.add(&TableError{File: tableVersion, Line: 1, Column: 1, Field: "version", Value: text, Problem: "want a date such as 2026-11-22"})
	}
	p.t.version, p.t.day = text, int(date.Unix()/daySeconds)
}

// each calls row for every row of a table whose header must be exactly the one given. Rows with too few or too many cells
// are noted and left out.
func (p *parser) each(file string, header []string, row func(*record)) {
	data := p.read(file)
	if data == nil {
		return
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	first, err := r.Read()
	if err != nil || !slices.Equal(first, header) {
		p.faults.add(&TableError{File: file, Line: 1, Column: 1, Field: "header", Value: strings.Join(first, ","), Problem: "want " + strings.Join(header, ",")})
		return
	}
	p.t.rows[file] = [][]string{header}
	rows := 0
	for ; ; rows++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f := &TableError{File: file, Problem: err.Error()}
			if pe, ok := errors.AsType[*csv.ParseError](err); ok {
				f.Line, f.Column, f.Problem = pe.Line, pe.Column, pe.Err.Error()
			}
			p.faults.add(f)
			return // past a broken quote nothing can be trusted
		}
		rec := &record{p: p, file: file, header: header, cells: cells}
		rec.line, _ = r.FieldPos(0)
		if len(cells) != len(header) {
			p.faults.add(&TableError{File: file, Line: rec.line, Column: 1, Field: "row", Value: strings.Join(cells, ","), Problem: fmt.Sprintf("has %d cells, want %d", len(cells), len(header))})
			continue
		}
		for i := range cells {
			line, col := r.FieldPos(i)
			rec.pos = append(rec.pos, [2]int{line, col})
		}
		for i, cell := range cells {
			if strings.TrimSpace(cell) != cell {
				rec.bad(header[i], "has spaces around it")
			}
		}
		p.t.rows[file] = append(p.t.rows[file], cells)
		row(rec)
	}
	if rows == 0 {
		p.faults.add(&TableError{File: file, Problem: "has no rows"})
	}
}

// knownZones notes every name of a cell that is no zone, and returns the cell's names.
func (r *record) knownZones(field string) []string {
	names := r.list(field)
	for _, name := range names {
		if _, err := Zone(name); err != nil {
			r.bad(field, "%v", err)
		}
	}
	return names
}
