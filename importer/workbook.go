package importer

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

const (
	// xmlInMemory is how much of one sheet is kept in memory, in bytes; what is larger is unpacked onto disk.
	xmlInMemory = 4 << 20
	// maxWorkbook bounds a workbook unpacked, in bytes.
	maxWorkbook = 8 << 30
)

// isWorkbook reports whether an archive is an Excel workbook.
func isWorkbook(z *zip.Reader) bool {
	return slices.ContainsFunc(z.File, func(f *zip.File) bool {
		return strings.EqualFold(strings.ReplaceAll(f.Name, "\\", "/"), "xl/workbook.xml")
	})
}

// workbook reads a sheet of a workbook on disk: the one that is asked for, else the first that can be seen and has something in it.
//
// Cells are read as the spreadsheet shows them, but for dates, which come as 2026-11-22 or 2026-11-22 14:30 whatever they look like, and
// numbers that are shown as 1.42E+10, which come with all their digits as long as the file has them.
func (t *text) workbook(z *zip.Reader, file *os.File, sheet string) (err error) {
	defer damaged(&err)
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("read workbook: %w", err)
	}
	book, err := t.inlined(z)
	if err == nil && book == nil {
		limit := min(maxWorkbook, max(freeSize, maxRatio*info.Size()))
		book, err = excelize.OpenFile(file.Name(), excelize.Options{UnzipSizeLimit: limit, UnzipXMLSizeLimit: xmlInMemory})
		err = workbookFault(err)
	}
	if err != nil {
		return fmt.Errorf("read workbook: %w", err)
	}
	t.ends = append(t.ends, book.Close)
	if err := plainNumbers(book); err != nil {
		return fmt.Errorf("read workbook: %w", err)
	}
	name, err := t.sheet(book, sheet)
	if err != nil {
		return err
	}
	part, err := sheetPart(z, name)
	if err != nil {
		return fmt.Errorf("read workbook: %w", err)
	}
	rows, err := book.Rows(name)
	if err != nil {
		return fmt.Errorf("read sheet %q: %w", clip(name), err)
	}
	t.ends = append(t.ends, rows.Close)
	count, err := countRows(part)
	if err != nil {
		return fmt.Errorf("read sheet: %w", err)
	}
	t.ends = append(t.ends, count.Close)
	n := 0
	t.table = newTable(func() (_ []string, err error) {
		defer damaged(&err)
		if !rows.Next() {
			if err := t.inline.fault(); err != nil {
				return nil, fmt.Errorf("read workbook: %w", err)
			}
			return nil, sheetEnd(rows, n, count)
		}
		n++
		if rows.GetRowOpts().Hidden {
			t.hidden.Add(1)
		}
		cells, err := rows.Columns()
		if err != nil {
			return nil, fmt.Errorf("read sheet %q: %w", clip(name), err)
		}
		for i, cell := range cells {
			cells[i] = allDigits(cell)
		}
		return cells, nil
	})
	t.table.quit = count.stop
	t.ends = append(t.ends, t.table.Close) // before what it reads
	return nil
}

// sheetEnd is io.EOF when all rows of a sheet were read, so many, and else what is wrong with it.
func sheetEnd(rows *excelize.Rows, read int, count *rowCount) error {
	if err := rows.Error(); err != nil {
		return fmt.Errorf("read sheet: %w", err)
	}
	n, err := count.row()
	switch {
	case err != nil:
		return fmt.Errorf("read sheet: %w", err)
	case n > read:
		return fmt.Errorf("the sheet is damaged in row %d: no row from there on can be read; open it in a spreadsheet and save it again, or as CSV (UTF-8)", max(read, 1))
	}
	return io.EOF
}

// damaged makes an error of a panic of the library, which some damaged workbooks bring about.
func damaged(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("read workbook: it is damaged (%v); save it again, or as CSV (UTF-8)", p)
	}
}

// allScientific is the number format that shows every digit and still says that it is scientific.
const allScientific = "0.00000000000000E+00"

// plainNumbers changes the formats of dates in the workbook that was read into the one that is understood everywhere, and scientific ones
// into one that leaves no digit out.
func plainNumbers(book *excelize.File) error {
	styles := make([]*int, 3)
	for i, code := range []string{"yyyy-mm-dd", "yyyy-mm-dd hh:mm", allScientific} {
		at, err := book.NewStyle(&excelize.Style{CustomNumFmt: &code})
		if err != nil {
			return err
		}
		styles[i] = book.Styles.CellXfs.Xf[at].NumFmtID
	}
	custom := map[int]string{}
	if book.Styles.NumFmts != nil {
		for _, f := range book.Styles.NumFmts.NumFmt {
			custom[f.NumFmtID] = f.FormatCode
		}
	}
	for i := range book.Styles.CellXfs.Xf {
		xf := &book.Styles.CellXfs.Xf[i]
		if xf.NumFmtID == nil {
			continue
		}
		switch day, hour := dateFormat(*xf.NumFmtID, custom); {
		case day && hour:
			xf.NumFmtID = styles[1]
		case day:
			xf.NumFmtID = styles[0]
		case scientific(*xf.NumFmtID, custom):
			xf.NumFmtID = styles[2]
		}
	}
	return nil
}

// dateFormat reports whether a number format shows a day, and whether an hour.
func dateFormat(id int, custom map[int]string) (day, hour bool) {
	code, ok := custom[id]
	if !ok {
		// The formats that every workbook has; 27 to 36 and 50 to 58 are those of East Asia.
		return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 54 || id == 57 || id == 58, id == 22
	}
	code = notLetters.ReplaceAllString(strings.ToLower(code), "")
	return strings.ContainsAny(code, "dy"), strings.ContainsAny(code, "hs")
}

// scientific reports whether a number format shows powers of ten; 11 and 48 are those that every workbook has.
func scientific(id int, custom map[int]string) bool {
	code, ok := custom[id]
	return !ok && (id == 11 || id == 48) || ok && strings.Contains(strings.ToUpper(notLetters.ReplaceAllString(code, "")), "E+")
}

// inPowers is a number in the format allScientific.
var inPowers = regexp.MustCompile(`^-?\d\.\d{14}E[+-]\d{2}$`)

// allDigits writes a number in the format allScientific out. One that has no more digits than are shown of large numbers stays as it was
// shown, 1.41556E+10: that is what is left of a phone that went through a spreadsheet as a number.
func allDigits(cell string) string {
	if !inPowers.MatchString(cell) {
		return cell
	}
	n, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return cell
	}
	if short := strconv.FormatFloat(n, 'E', -1, 64); math.Abs(n) >= 1e9 && strings.IndexByte(short, 'E') <= len("-1.415567") {
		return short
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// notLetters is what stands in a number format and shows no part of a date: texts, escaped characters, colours and languages.
var notLetters = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|general|am/pm|a/p`)

// sheet is the name of the sheet to read.
func (t *text) sheet(book *excelize.File, want string) (string, error) {
	names := book.GetSheetList()
	if want != "" {
		i := slices.Index(names, want)
		if i < 0 {
			i = slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), strings.TrimSpace(want)) })
		}
		if i < 0 {
			return "", noSheet(want, names)
		}
		return names[i], nil
	}
	var seen []string
	for _, name := range names {
		if visible, err := book.GetSheetVisible(name); err == nil && visible {
			seen = append(seen, name)
		}
	}
	if len(seen) == 0 {
		return "", errors.New("the workbook has no sheet that can be seen")
	}
	first := max(0, slices.IndexFunc(seen, func(name string) bool { return !emptySheet(book, name) }))
	if len(seen) > 1 {
		others := slices.Delete(slices.Clone(seen), first, first+1)
		t.sheets = fmt.Sprintf("the list is sheet %q; there is also %s: choose with --sheet NAME", clip(seen[first]), quoted(others))
		t.warnings = append(t.warnings, t.sheets)
	}
	return seen[first], nil
}

// emptyRows is how many rows of a sheet are looked at to see whether it is empty.
const emptyRows = 100

// emptySheet reports whether a sheet begins with nothing.
func emptySheet(book *excelize.File, name string) bool {
	rows, err := book.Rows(name)
	if err != nil {
		return false
	}
	defer func() { _ = rows.Close() }() // what is wrong with it comes up again
	for n := 0; n < emptyRows && rows.Next(); n++ {
		if cells, err := rows.Columns(); err != nil || !blank(cells) {
			return false
		}
	}
	return true
}

// noSheet says which sheets there are.
func noSheet(want string, names []string) error {
	hint := ""
	if n := nearest(want, names); n != "" {
		hint = fmt.Sprintf("; did you mean %q?", clip(n))
	}
	return fmt.Errorf("there is no sheet %q; there are %s%s", clip(want), quoted(names), hint)
}

// quoted names some things for people.
func quoted(names []string) string {
	shown := make([]string, 0, len(names))
	for _, n := range names[:min(len(names), 20)] {
		shown = append(shown, fmt.Sprintf("%q", clip(n)))
	}
	if len(names) > len(shown) {
		shown = append(shown, "…")
	}
	return strings.Join(shown, ", ")
}

// workbookFault puts the library's errors into words of ours.
func workbookFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, excelize.ErrWorkbookPassword), errors.Is(err, excelize.ErrWorkbookFileFormat):
		return errors.New("it is damaged or needs a password; save it again without one")
	case strings.Contains(err.Error(), "unzip size exceeds"):
		return fmt.Errorf("unpacked it is more than %d times larger than its file, which no list is", maxRatio)
	}
	return err
}

// IsList reports whether a file's name is one of lists.
func IsList(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".gz", ".zip":
		return true
	}
	return false
}
