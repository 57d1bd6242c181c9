package importer

import (
	"errors"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"
)

// sheetLimit is how many rows a sheet of a workbook can have.
const sheetLimit = excelize.TotalRows

// Workbook writes rows into an Excel workbook, one after the other; what does not fit into memory waits on disk. Text stays
// text: nothing that stands in a cell is run as a formula. After sheetLimit rows another sheet begins.
type Workbook struct {
	book   *excelize.File
	stream *excelize.StreamWriter
	name   string
	header []any
	sheets int
	row    int // last one written to the sheet
}

// NewWorkbook begins a workbook whose sheets have a name and begin with a header.
func NewWorkbook(name string, header []string) (*Workbook, error) {
	w := &Workbook{book: excelize.NewFile(), name: name}
	for _, h := range header {
		w.header = append(w.header, h)
	}
	if err := w.sheet(); err != nil {
		return nil, errors.Join(err, w.book.Close())
	}
	return w, nil
}

// sheet begins the next sheet.
func (w *Workbook) sheet() error {
	if w.stream != nil {
		if err := w.stream.Flush(); err != nil {
			return fmt.Errorf("write workbook: %w", err)
		}
	}
	w.sheets++
	name := w.name
	var err error
	if w.sheets > 1 {
		name = fmt.Sprintf("%s (%d)", w.name, w.sheets)
		_, err = w.book.NewSheet(name)
	} else {
		err = w.book.SetSheetName("Sheet1", name)
	}
	if err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	if w.stream, err = w.book.NewStreamWriter(name); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	w.row = 0
	return w.write(w.header)
}

// Row adds a row of strings, numbers and nils.
func (w *Workbook) Row(cells []any) error {
	if w.row == sheetLimit {
		if err := w.sheet(); err != nil {
			return err
		}
	}
	return w.write(cells)
}

func (w *Workbook) write(cells []any) error {
	w.row++
	if err := w.stream.SetRow(fmt.Sprintf("A%d", w.row), cells); err != nil {
		return fmt.Errorf("write workbook: row %d: %w", w.row, err)
	}
	return nil
}

// Finish writes the workbook out and lets go of it.
func (w *Workbook) Finish(out io.Writer) error {
	err := w.stream.Flush()
	if err == nil {
		err = w.book.Write(out)
	}
	if err = errors.Join(err, w.book.Close()); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

// Close lets go of a workbook that is not to be finished.
func (w *Workbook) Close() error { return w.book.Close() }
