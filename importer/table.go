package importer

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

const (
	// partRows and partBytes bound the rows of a sheet that are handed over at once.
	partRows  = 128
	partBytes = 256 << 10
	// partsAhead is how many such parts are read while rows of an earlier one are looked at.
	partsAhead = 2
)

// table is the rows of a sheet. They are read ahead, so that what the library takes to decode them and what becomes of them run side by
// side. It is a stream only because a list is opened as one: NewReader takes its rows, and nobody can read its bytes.
type table struct {
	next func() ([]string, error) // the next row, or io.EOF
	quit func()                   // cuts off a reading that is under way; may be nil
	rest func()                   // lets go of what was read, once nobody does; may be nil

	begin sync.Once
	end   sync.Once
	parts chan part
	stop  chan struct{}
	part  part
	at    int
}

// part is some rows, and how reading ended after them.
type part struct {
	rows [][]string
	err  error
}

// newTable makes a table of what next reads.
func newTable(next func() ([]string, error)) *table {
	return &table{next: next, parts: make(chan part, partsAhead), stop: make(chan struct{})}
}

// row is the next row, without the empty cells at its end, or io.EOF.
func (t *table) row() ([]string, error) {
	t.begin.Do(func() { go t.ahead() })
	for t.at == len(t.part.rows) {
		if t.part.err != nil {
			return nil, t.part.err
		}
		p, ok := <-t.parts
		if !ok {
			p.err = fmt.Errorf("read sheet: %w", io.ErrClosedPipe)
		}
		t.part, t.at = p, 0
	}
	t.at++
	return t.part.rows[t.at-1], nil
}

// ahead reads the sheet to its end.
func (t *table) ahead() {
	defer close(t.parts)
	for {
		var p part
		for size := 0; len(p.rows) < partRows && size < partBytes && p.err == nil; {
			var row []string
			if row, p.err = t.next(); p.err == nil {
				for len(row) > 0 && row[len(row)-1] == "" {
					row = row[:len(row)-1]
				}
				for i, cell := range row {
					row[i] = unixLines(cell)
				}
				p.rows = append(p.rows, row)
				size += rowSize(row)
			}
		}
		select {
		case t.parts <- p:
		case <-t.stop:
			return
		}
		if p.err != nil {
			return
		}
	}
}

func rowSize(row []string) (n int) {
	for _, cell := range row {
		n += len(cell)
	}
	return n
}

// Read says that there are no bytes.
func (t *table) Read([]byte) (int, error) {
	return 0, errors.New("a sheet is read row by row, by a Reader")
}

// Close ends the reading; when it returns, nobody reads the sheet any more. Like row it is for the goroutine that reads the rows, or for one
// that has waited for it.
func (t *table) Close() error {
	t.end.Do(func() {
		close(t.stop)
		if t.quit != nil {
			t.quit()
		}
		t.begin.Do(func() { close(t.parts) })
		for range t.parts { // until it is at rest
		}
		if t.rest != nil {
			t.rest()
		}
		t.part, t.at = part{}, 0
	})
	return nil
}

// oneLine is a cell without line ends, as a header is.
func oneLine(cell string) string {
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(cell)
}

// unixLines is a cell whose lines end with a line feed alone.
func unixLines(cell string) string {
	if !strings.ContainsRune(cell, '\r') {
		return cell
	}
	return strings.ReplaceAll(strings.ReplaceAll(cell, "\r\n", "\n"), "\r", "\n")
}
