package importer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// workbook writes sheets, each a list of rows, into a file.
func workbook(t testing.TB, sheets map[string][][]any, order ...string) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, name := range order {
		if i == 0 {
			if err := book.SetSheetName("Sheet1", name); err != nil {
				t.Fatal(err)
			}
		} else if _, err := book.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for n, row := range sheets[name] {
			if err := book.SetSheetRow(name, fmt.Sprintf("A%d", n+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	code := `d. mmmm yyyy "um" h:mm`
	style, err := book.NewStyle(&excelize.Style{CustomNumFmt: &code})
	if err != nil {
		t.Fatal(err)
	}
	if err := book.SetCellStyle(order[0], "C8", "C8", style); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "list.xlsx")
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// describeFile reads a file as the command does.
func describeFile(t testing.TB, path string, change ...func(*Options)) string {
	t.Helper()
	inputs, err := (&Sources{}).Expand(path, "")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, in := range inputs {
		body, err := in.Open(context.Background())
		if err != nil {
			return "error " + err.Error()
		}
		opts := options()
		opts.Source = filepath.Base(in.Name)
		for _, f := range change {
			f(&opts)
		}
		b.WriteString(describe(body, opts))
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	}
	return b.String()
}

func TestWorkbookIsReadAsItIsShown(t *testing.T) {
	t.Parallel()
	path := workbook(t, map[string][][]any{
		"Leads": {
			{"Spring list"},
			{},
			{"Phone", "Full Name", "Call after", "Notes", "ZIP"},
			{"(415) 555-2671", "Ann", time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), "two\nlines, \"quoted\"", "94110"},
			{4155552672, "a number", nil, "", 94110},
			{},
			{14155552673, "a long number", nil, "", ""},
			{4155552674.0, "a float", time.Date(2026, 12, 1, 14, 30, 0, 0, time.UTC), true, 94111},
			{"1.41556E+10", "damaged text"},
			{nil, "no phone"},
		},
		"Other": {{"x"}},
	}, "Leads", "Other")
	want := `column "Phone" phone
column "Full Name" name
column "Call after" not_before
column "Notes"
column "ZIP" zip
4 lead +14155552671 new US-CA|America/Los_Angeles ["(415) 555-2671" "Ann" "2026-12-01" "two\nlines, \"quoted\"" "94110"] name "Ann"
5 lead +14155552672 new US-CA|America/Los_Angeles ["4155552672" "a number" "" "" "94110"] name "a number"
7 lead +14155552673 new US-CA|America/Los_Angeles ["14155552673" "a long number" "" "" ""] name "a long number"
8 lead +14155552674 new US-CA|America/Los_Angeles ["4155552674" "a float" "2026-12-01 14:30" "TRUE" "94111"] name "a float"
9 reject excel_damage "Phone" ["1.41556E+10" "damaged text" "" "" ""] (digits were lost in a spreadsheet: export the list again with the column formatted as text)
10 reject empty "Phone" ["" "no phone" "" "" ""] (fill in a phone number)
warning the list is sheet "Leads"; there is also "Other": choose with --sheet NAME
warning the header is in line 3; 1 lines above it were passed over
`
	if diff := cmp.Diff(want, describeFile(t, path)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Packed, from a stream, it is the same.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opts := options()
	opts.Source = "list.xlsx"
	if diff := cmp.Diff(want, describe(bytes.NewReader(text), opts)); diff != "" {
		t.Errorf("from a stream (-want +got):\n%s", diff)
	}
}

func TestDateFormats(t *testing.T) {
	t.Parallel()
	for code, want := range map[string][2]bool{
		"dd/mm/yyyy": {true, false}, `d. mmmm yyyy "um" h:mm`: {true, true}, "[$-409]m/d/yy h:mm AM/PM;@": {true, true}, "h:mm:ss": {false, true},
		"General": {false, false}, `0.00 "days"`: {false, false}, "[Red]0": {false, false}, `#,##0\ \d`: {false, false}, "@": {false, false},
	} {
		if day, hour := dateFormat(200, map[int]string{200: code}); day != want[0] || hour != want[1] {
			t.Errorf("%s: day %v, hour %v", code, day, hour)
		}
	}
}

func TestSheetIsChosen(t *testing.T) {
	t.Parallel()
	path := workbook(t, map[string][][]any{
		"Intro": {{"Read me"}},
		"Leads": {{"Phone"}, {"4155552671"}},
	}, "Intro", "Leads")
	got := describeFile(t, path, func(o *Options) { o.Sheet = "leads" })
	if !strings.Contains(got, "2 lead +14155552671") {
		t.Errorf("got %s", got)
	}
	got = describeFile(t, path, func(o *Options) { o.Sheet = "Lead" })
	if want := "error list.xlsx: there is no sheet \"Lead\"; there are \"Intro\", \"Leads\"; did you mean \"Leads\"?\n"; got != want {
		t.Errorf("got %s", got)
	}
	opts := options()
	opts.Sheet = "Leads"
	got = describe(strings.NewReader("Phone\n4155552671\n"), opts)
	if want := "error list.csv: sheet \"Leads\" is asked for, but the file is no workbook\n"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestHiddenSheetIsNotTheFirst(t *testing.T) {
	t.Parallel()
	book := excelize.NewFile()
	if _, err := book.NewSheet("Leads"); err != nil {
		t.Fatal(err)
	}
	if err := book.SetSheetRow("Leads", "A1", &[]any{"Phone"}); err != nil {
		t.Fatal(err)
	}
	if err := book.SetSheetRow("Leads", "A2", &[]any{"4155552671"}); err != nil {
		t.Fatal(err)
	}
	book.SetActiveSheet(1)
	if err := book.SetSheetVisible("Sheet1", false); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "list.xlsx")
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	if got := describeFile(t, path); !strings.Contains(got, "2 lead +14155552671") || strings.Contains(got, "warning") {
		t.Errorf("got %s", got)
	}
}

func TestReaderLeavesNoFileBehind(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	rows := [][]any{{"Phone", "Note"}}
	for i := range 2000 {
		rows = append(rows, []any{fmt.Sprintf("415555%04d", i), strings.Repeat("x", 3000)})
	}
	path := workbook(t, map[string][][]any{"Leads": rows}, "Leads")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(text), options())
	if err != nil {
		t.Fatal(err)
	}
	if during, err := os.ReadDir(temp); err != nil || len(during) <= len(before) {
		t.Errorf("nothing was unpacked onto disk: %v, %v", during, err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadDir(temp); err != nil || len(after) != len(before) {
		t.Errorf("left behind: %v, %v", after, err)
	}
}

func TestDamagedWorkbookIsRefused(t *testing.T) {
	t.Parallel()
	path := workbook(t, map[string][][]any{"Leads": {{"Phone"}, {"4155552671"}}}, "Leads")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{len(text) / 2, len(text) - 10} {
		_, err := NewReader(bytes.NewReader(text[:cut]), options())
		if err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("cut at %d of %d: %v", cut, len(text), err)
		}
	}
}
