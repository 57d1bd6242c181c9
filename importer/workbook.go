package importer

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
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

// workbook reads a sheet of a workbook on disk: the one that is asked for, else the first that can be seen.
//
// Cells are read as the spreadsheet shows them, but for dates, which come as 2026-11-22 or 2026-11-22 14:30 whatever they look like.
func (t *text) workbook(file, sheet string, size int64) error {
	book, err := excelize.OpenFile(file, excelize.Options{
		UnzipSizeLimit: min(maxWorkbook, max(freeSize, maxRatio*size)), UnzipXMLSizeLimit: xmlInMemory,
	})
	if err != nil {
		return fmt.Errorf("read workbook: %w", workbookFault(err))
	}
	t.ends = append(t.ends, book.Close)
	if err := plainDates(book); err != nil {
		return fmt.Errorf("read workbook: %w", err)
	}
	name, err := t.sheet(book, sheet)
	if err != nil {
		return err
	}
	rows, err := book.Rows(name)
	if err != nil {
		return fmt.Errorf("read sheet %q: %w", clip(name), err)
	}
	t.ends = append(t.ends, rows.Close)
	t.readTable(&table{next: func() ([]string, error) {
		if !rows.Next() {
			if err := rows.Error(); err != nil {
				return nil, fmt.Errorf("read sheet %q: %w", clip(name), err)
			}
			return nil, io.EOF
		}
		cells, err := rows.Columns()
		if err != nil {
			return nil, fmt.Errorf("read sheet %q: %w", clip(name), err)
		}
		return cells, nil
	}})
	return nil
}

// plainDates changes the formats of dates in the workbook that was read into the one that is understood everywhere.
func plainDates(book *excelize.File) error {
	styles := make([]*int, 2)
	for i, code := range []string{"yyyy-mm-dd", "yyyy-mm-dd hh:mm"} {
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

// notLetters is what stands in a number format and shows no part of a date: texts, escaped characters, colours and languages.
var notLetters = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|general|am/pm|a/p`)

// readTable takes the rows of a table for the text.
func (t *text) readTable(from *table) {
	t.Reader, t.table = bufio.NewReaderSize(from, sampleSize), true
}

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
	if len(seen) > 1 {
		t.warnings = append(t.warnings, fmt.Sprintf("the list is sheet %q; there is also %s: choose with --sheet NAME", seen[0], quoted(seen[1:])))
	}
	return seen[0], nil
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
