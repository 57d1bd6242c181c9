package importer

import (
	"errors"
	"io"
	"strings"
)

// lineBreak stands for a line end inside of a cell of a table, so that every row of the table is one line of text and lines are the row
// numbers that its spreadsheet shows.
const lineBreak = "\u2028"

// table makes text of the rows of a sheet.
type table struct {
	next func() ([]string, error) // the next row, or io.EOF
	end  func() error
	text []byte
	at   int
	err  error
}

// Read makes as much text of whole rows as fits.
func (t *table) Read(p []byte) (int, error) {
	for t.at == len(t.text) {
		if t.err != nil {
			return 0, t.err
		}
		row, err := t.next()
		if err != nil {
			t.err = err
			continue
		}
		t.text, t.at = appendRow(t.text[:0], row), 0
	}
	n := copy(p, t.text[t.at:])
	t.at += n
	return n, nil
}

// Close lets go of the sheet.
func (t *table) Close() error {
	if t.end == nil {
		return nil
	}
	end := t.end
	t.end = nil
	t.err = errors.Join(t.err, io.ErrClosedPipe)
	return end()
}

// appendRow writes one row as a line of CSV. A row without any cell is a blank line.
func appendRow(b []byte, row []string) []byte {
	for len(row) > 0 && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	for i, cell := range row {
		if i > 0 {
			b = append(b, ',')
		}
		if strings.ContainsAny(cell, "\r\n") {
			cell = strings.ReplaceAll(strings.ReplaceAll(cell, "\r\n", lineBreak), "\n", lineBreak)
			cell = strings.ReplaceAll(cell, "\r", lineBreak)
		}
		if !strings.ContainsAny(cell, `",`) {
			b = append(b, cell...)
			continue
		}
		b = append(b, '"')
		b = append(b, strings.ReplaceAll(cell, `"`, `""`)...)
		b = append(b, '"')
	}
	return append(b, '\n')
}
