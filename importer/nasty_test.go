package importer

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// saveBook writes a workbook that a test fills.
func saveBook(t testing.TB, fill func(book *excelize.File) error) (path string) {
	t.Helper()
	book := excelize.NewFile()
	path = filepath.Join(t.TempDir(), "list.xlsx")
	if err := errors.Join(fill(book), book.SaveAs(path), book.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNumbersThatASpreadsheetShowsShortHaveAllTheirDigits(t *testing.T) {
	t.Parallel()
	path := saveBook(t, func(book *excelize.File) error {
		cells := []struct {
			value any
			style excelize.Style
		}{
			{"Phone", excelize.Style{}},
			{14155552671, excelize.Style{NumFmt: 11}}, // 1.42E+10
			{4155552672, excelize.Style{NumFmt: 48}},
			{4155552673.0, excelize.Style{CustomNumFmt: new("0.0E+0")}},
			{14155600000, excelize.Style{NumFmt: 11}}, // what Excel makes of the text 1.41556E+10
			{1.41556e10, excelize.Style{CustomNumFmt: new("0.00E+00")}},
			{447911123456, excelize.Style{}},
			{4155552674, excelize.Style{CustomNumFmt: new(`[<=9999999]###\-####;\(###\)\ ###\-####`)}},
			{4155552675, excelize.Style{NumFmt: 1}},
			{"1.4155552676E+10", excelize.Style{NumFmt: 49}}, // what is text stays text
		}
		var errs []error
		for i, c := range cells {
			style, err := book.NewStyle(&c.style)
			at, nameErr := excelize.CoordinatesToCellName(1, i+1)
			errs = append(errs, err, nameErr, book.SetCellValue("Sheet1", at, c.value), book.SetCellStyle("Sheet1", at, at, style))
		}
		return errors.Join(errs...)
	})
	const damage = `(digits were lost in a spreadsheet: export the list again with the column formatted as text)`
	want := `column "Phone" phone
2 lead +14155552671 new US-CA|America/Los_Angeles ["14155552671"]
3 lead +14155552672 new US-CA|America/Los_Angeles ["4155552672"]
4 lead +14155552673 new US-CA|America/Los_Angeles ["4155552673"]
5 reject excel_damage "Phone" ["1.41556E+10"] ` + damage + `
6 reject excel_damage "Phone" ["1.41556E+10"] ` + damage + `
7 reject too_long "Phone" ["447911123456"] (remove the surplus digits, or write + and the country code before a foreign number)
8 lead +14155552674 new US-CA|America/Los_Angeles ["415555-2674"]
9 lead +14155552675 new US-CA|America/Los_Angeles ["4155552675"]
10 reject excel_damage "Phone" ["1.4155552676E+10"] ` + damage + `
`
	if diff := cmp.Diff(want, describeFile(t, path)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMergedHeadersHiddenRowsAndEmptySheetsAreNoTrap(t *testing.T) {
	t.Parallel()
	path := saveBook(t, func(book *excelize.File) error {
		_, err := book.NewSheet("Leads")
		errs := []error{err}
		for at, row := range map[string][]any{
			"A1": {"Spring", nil, nil}, "A2": {"Contact", nil, "Telephone"}, "A3": {"First", "Last", "Mobile"},
			"A4": {"Ann", "Lee", "415-555-2671"}, "A5": {"Bob", "Ray", "415-555-2672"}, "A6": {"Total", nil, 2},
		} {
			errs = append(errs, book.SetSheetRow("Leads", at, &row))
		}
		errs = append(errs, book.MergeCell("Leads", "A1", "C1"), book.MergeCell("Leads", "A2", "B2"), book.SetRowVisible("Leads", 5, false))
		return errors.Join(errs...)
	})
	want := `column "First" first_name
column "Last" last_name
column "Mobile" phone
4 lead +14155552671 new US-CA|America/Los_Angeles ["Ann" "Lee" "415-555-2671"] name "Ann Lee"
5 lead +14155552672 new US-CA|America/Los_Angeles ["Bob" "Ray" "415-555-2672"] name "Bob Ray"
6 reject too_short "Mobile" ["Total" "" "2"] (write it in full, with its area code)
warning the list is sheet "Leads"; there is also "Sheet1": choose with --sheet NAME
warning the header is in line 3; 2 lines above it were passed over
warning 1 rows are hidden in the sheet, as by a filter, and were read all the same; delete them there if they are not meant
`
	if diff := cmp.Diff(want, describeFile(t, path)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAFirstSheetWithoutPhonesNamesTheOthers(t *testing.T) {
	t.Parallel()
	path := workbook(t, map[string][][]any{"Read me": {{"How to use"}, {"this list"}}, "Leads": {{"Phone"}, {"4155552671"}}}, "Read me", "Leads")
	const want = "error list.xlsx: no column is for the phone; the header has \"How to use\"; name the column with --map phone=HEADER, or the delimiter if it is not ','\n" +
		"Perhaps it is another sheet: the list is sheet \"Read me\"; there is also \"Leads\": choose with --sheet NAME\n"
	if diff := cmp.Diff(want, describeFile(t, path)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// damage writes a workbook again with one of its files changed.
func damage(t testing.TB, path, name string, change func([]byte) []byte) string {
	t.Helper()
	in, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	out.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == name {
			text = change(text)
		}
		w, err := out.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "list.xlsx")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var rowNumbers = regexp.MustCompile(`<row r="\d+"[^>]*>`)

// The library takes what it cannot read for the end of the sheet. No row may be lost without a word.
func TestAWorkbookThatIsDamagedInTheMiddleIsAnError(t *testing.T) {
	t.Parallel()
	rows := [][]any{{"Phone", "Name"}, {}}
	for i := range 10 {
		rows = append(rows, []any{4155552600 + i, 100 + i})
	}
	path := workbook(t, map[string][][]any{"Leads": rows}, "Leads")
	const sheet = "xl/worksheets/sheet1.xml"
	replace := func(from, to string) func([]byte) []byte {
		return func(text []byte) []byte {
			if !bytes.Contains(text, []byte(from)) {
				t.Errorf("%q is not there to be damaged", from)
			}
			return bytes.Replace(text, []byte(from), []byte(to), 1)
		}
	}
	for name, c := range map[string]struct {
		part   string
		change func([]byte) []byte
		want   string
	}{
		"whole":                 {sheet, func(text []byte) []byte { return text }, ""},
		"without row numbers":   {sheet, func(text []byte) []byte { return rowNumbers.ReplaceAll(text, []byte("<row>")) }, ""},
		"text like a row":       {sheet, replace("<v>105</v>", `<v>105</v><is><t>x>row r="999"></t></is>`), ""},
		"control character":     {sheet, replace("<v>105</v>", "<v>1\x0b5</v>"), "the sheet is damaged in row 8"},
		"entity of web pages":   {sheet, replace("<v>105</v>", "<v>105&nbsp;</v>"), "the sheet is damaged in row 8"},
		"cut off":               {sheet, func(text []byte) []byte { return text[:bytes.Index(text, []byte("<v>105"))] }, "the sheet is damaged in row 8"},
		"cut off in its end":    {sheet, func(text []byte) []byte { return text[:bytes.Index(text, []byte("<v>109"))] }, "the sheet is damaged in row 12"},
		"control in the texts":  {"xl/sharedStrings.xml", replace("Name", "Na\x0bme"), "illegal character code U+000B"},
		"without the sheet":     {sheet, func([]byte) []byte { return nil }, "list.xlsx: "},
		"without a list of its": {"xl/_rels/workbook.xml.rels", func([]byte) []byte { return nil }, "list.xlsx: "},
	} {
		got := describeFile(t, damage(t, path, c.part, c.change))
		if c.want == "" && (strings.Count(got, " lead ") != 10 || strings.Contains(got, "error ")) || c.want != "" && (!strings.Contains(got, c.want) || !strings.Contains(got, "error ")) {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestALongCellIsRejectedWhereItIsBounded(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.MaxCell = 10
	got := describe(strings.NewReader("Phone,Note\n4155552671,1234567890\n4155552672,12345678901\n"), opts)
	want := `column "Phone" phone
column "Note"
2 lead +14155552671 new US-CA|America/Los_Angeles ["4155552671" "1234567890"]
3 reject long_cell "Note" ["4155552672" "12345678901"] (the cell has 11 bytes, more than 10: shorten it, or leave the column out)
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAWorkbookThatGrowsWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	_, err := w.Create("xl/workbook.xml")
	_, rawErr := w.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, UncompressedSize64: freeSize + 1})
	if err := errors.Join(err, rawErr, w.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = NewReader(&b, options())
	if err == nil || !strings.Contains(err.Error(), "unpacked it is more than 200 times larger than its file, which no list is") {
		t.Errorf("got %v", err)
	}
}

func TestAWrittenWorkbookRunsNothingAndCanBeRead(t *testing.T) {
	t.Parallel()
	cells := []any{"=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1", 5, 2.5, nil, "a\x0bb\x00c", "two\nlines", "<&>", "\xff"}
	header := []string{"=Phone", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	w, err := NewWorkbook("results", header)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := errors.Join(w.Row(cells), w.Row([]any{"last"}), w.Finish(&out)); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for _, at := range []string{"A1", "A2", "B2", "C2", "D2", "E2"} {
		formula, err := book.GetCellFormula("results", at)
		kind, typeErr := book.GetCellType("results", at)
		if formula != "" || kind != excelize.CellTypeInlineString || err != nil || typeErr != nil {
			t.Errorf("%s: formula %q, type %d, %v, %v", at, formula, kind, err, typeErr)
		}
	}
	rows, err := book.GetRows("results")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{header, {"=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1", "5", "2.5", "", "a\ufffdb\ufffdc", "two\nlines", "<&>", "\ufffd"}, {"last"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
