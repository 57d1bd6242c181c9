package importer

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// textCases are texts as they stand in a workbook.
var textCases = []string{
	"<t>Ann</t>",
	`<t xml:space="preserve"> two  spaces </t>`,
	"<t>A&amp;B &lt;b&gt; &quot;q&quot; &#233;</t>",
	"<t>a > b >> c</t>",
	"<t>one\ntwo_x000D_ _x005F_x</t>",
	"<t/>",
	"",
	"<r><rPr><b/></rPr><t>Rich</t></r><r><t xml:space=\"preserve\"> text</t></r>",
	"<t>東京</t><rPh sb=\"0\" eb=\"2\"><t>トウキョウ</t></rPh><phoneticPr fontId=\"1\"/>",
	"<t>" + strings.Repeat("long ", 6000) + "</t>",
}

// manyTexts writes a workbook whose texts are those of textCases, and so many others that they are not left to the library.
func manyTexts(t testing.TB, texts func(part []byte) []byte, sheet func(part []byte) []byte) string {
	t.Helper()
	return withTexts(t, strings.Repeat("<si><t>"+strings.Repeat("filling ", 1000)+"</t></si>", xmlInMemory/8000+1), texts, sheet)
}

// withTexts writes the workbook of manyTexts, with others behind its texts.
func withTexts(t testing.TB, others string, texts func(part []byte) []byte, sheet func(part []byte) []byte) string {
	t.Helper()
	rows := [][]any{{"Phone", "Name", "Notes", "ZIP", "Paid"}}
	const leads = 200
	for i := range leads {
		rows = append(rows, []any{fmt.Sprintf("(415) 555-%04d", 1000+i), fmt.Sprintf("Ann %d", i), fmt.Sprintf("case %d", i%len(textCases)), 94110, 1.5})
	}
	path := workbook(t, map[string][][]any{"Leads": rows, "Other": {{"x"}}}, "Leads", "Other")
	path = damage(t, path, "xl/worksheets/sheet1.xml", sheet)
	return damage(t, path, "xl/sharedStrings.xml", func(part []byte) []byte {
		for i, c := range textCases {
			part = bytes.Replace(part, fmt.Appendf(nil, "<si><t>case %d</t></si>", i), []byte("<si>"+c+"</si>"), 1)
		}
		return texts(bytes.Replace(part, []byte("</sst>"), []byte(others+"</sst>"), 1))
	})
}

func same(part []byte) []byte { return part }

// cellsOf is every cell of a workbook's first sheet as the library reads it.
func cellsOf(t *testing.T, book *excelize.File, err error) [][]string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("Leads")
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

var cellNames = regexp.MustCompile(`<c r="[A-Z]+\d+"`)

func TestTextsAreTheSameInTheirCellsAsByTheirNumbers(t *testing.T) {
	t.Parallel()
	prefixed := strings.NewReplacer("</", "</x:", "<?", "<?", "<", "<x:", `xmlns="`, `xmlns:x="`)
	for name, c := range map[string]struct{ texts, sheet func([]byte) []byte }{
		"as most write it": {same, same},
		"single quotes, other order": {same, func(part []byte) []byte {
			return bytes.ReplaceAll(part, []byte(` t="s"`), []byte("\n t = 's'"))
		}},
		"cells that only their places name, one of them empty": {same, func(part []byte) []byte {
			part = cellNames.ReplaceAll(part, []byte("<c"))
			return bytes.Replace(part, []byte(`<c t="s"><v>9</v></c>`), []byte(`<c t="s"/>`), 1)
		}},
		"with formulas": {same, func(part []byte) []byte {
			return bytes.ReplaceAll(part, []byte(` t="s"><v>`), []byte(` t="s"><f t="shared" ref="A1:B2">IF(A1>B1,"x>y",1)</f> <v>`))
		}},
		"with formulas in styles, behind their values, and one of them empty but for it": {same, func(part []byte) []byte {
			part = bytes.Replace(part, []byte(` t="s"><v>7</v>`), []byte(` t="s"><v>7</v><f>A1&gt;B1</f>`), 1)
			part = bytes.Replace(part, []byte(` t="s"><v>9</v>`), []byte(` t="s"><f>A1&gt;B1</f>`), 1)
			return bytes.ReplaceAll(part, []byte(` t="s"><v>`), []byte(` s="1" t="s"><f/><v>`))
		}},
		"one of them empty, and others without a number": {same, func(part []byte) []byte {
			part = bytes.Replace(part, []byte(`<v>9</v>`), []byte(`<v></v>`), 1)
			part = bytes.Replace(part, []byte(`<v>10</v>`), []byte(`<v/>`), 1)
			return bytes.Replace(part, []byte(`<v>11</v>`), []byte(`<is><t>not this</t></is>`), 1)
		}},
		"with > in attributes": {same, func(part []byte) []byte {
			part = bytes.ReplaceAll(part, []byte(` t="s"><v>`), []byte(` x="it's > 1" t="s" y='"/>'><v z=">">`))
			return bytes.ReplaceAll(part, []byte(`<row `), []byte(`<row x='a>"b' `))
		}},
		"with comments": {same, func(part []byte) []byte {
			return bytes.ReplaceAll(part, []byte(`<v>`), []byte(`<!-- it's <c t="s"><v>1</v> > 2 --><?x a>b' ?><v>`))
		}},
		"in a style": {same, func(part []byte) []byte {
			return bytes.ReplaceAll(part, []byte(` t="s"`), []byte(` s="1" t="s"`))
		}},
		"with prefixes": {
			func(part []byte) []byte { return []byte(prefixed.Replace(string(part))) },
			func(part []byte) []byte { return []byte(prefixed.Replace(string(part))) },
		},
		"left to the library": {func(part []byte) []byte {
			return bytes.Replace(part, []byte("<t>Ann 7</t>"), []byte("<t><![CDATA[Ann <7>]]></t>"), 1)
		}, same},
		"another encoding": {func(part []byte) []byte {
			return bytes.Replace(part, []byte("UTF-8"), []byte("utf-16"), 1)
		}, same},
	} {
		path := manyTexts(t, c.texts, c.sheet)
		z, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		text := &text{}
		book, err := text.inlined(&z.Reader)
		if err != nil {
			t.Fatal(name, err)
		}
		if left := name == "left to the library" || name == "another encoding"; left != (book == nil) {
			t.Errorf("%s: left to the library: %v", name, book == nil)
		}
		if book != nil {
			// No cell names the others, and the library takes most of the test's time to read them.
			whole, err := excelize.OpenFile(withTexts(t, "", c.texts, c.sheet))
			want := cellsOf(t, whole, err)
			if empty := want[2][1] == ""; len(want) != 201 || want[1][1] != "Ann 0" || empty != strings.Contains(name, "one of them empty") {
				t.Fatalf("%s: the library reads %d rows", name, len(want))
			}
			if diff := cmp.Diff(want, cellsOf(t, book, nil)); diff != "" {
				t.Errorf("%s: (-by number +in cells)\n%.2000s", name, diff)
			}
		}
		if err := text.close(); err != nil {
			t.Error(err)
		}
		if book != nil {
			if _, err := os.Stat(text.inline.texts.file.Name()); err == nil {
				t.Errorf("%s: %s is left behind", name, text.inline.texts.file.Name())
			}
		}
		if err := z.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAWorkbookOfManyTextsIsReadAsAnyOther(t *testing.T) {
	t.Parallel()
	got := describeFile(t, manyTexts(t, same, same))
	if n := strings.Count(got, " lead +1415555"); n != 200 {
		t.Errorf("%d leads", n)
	}
	for _, want := range []string{
		`["(415) 555-1001" "Ann 1" " two  spaces " "94110" "1.5"]`,
		`["(415) 555-1002" "Ann 2" "A&B <b> \"q\" é" "94110" "1.5"]`,
		`["(415) 555-1008" "Ann 8" "東京" "94110" "1.5"]`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("want a lead %s in %.1000s", want, got)
		}
	}
}

func TestTextsThatAreDamagedAreAnErrorAndNoEmptyCells(t *testing.T) {
	t.Parallel()
	replace := func(from, to string) func([]byte) []byte {
		return func(part []byte) []byte {
			if !bytes.Contains(part, []byte(from)) {
				t.Errorf("%q is not there to be damaged", from)
			}
			return bytes.Replace(part, []byte(from), []byte(to), 1)
		}
	}
	for name, c := range map[string]struct {
		texts, sheet func([]byte) []byte
		want         string
	}{
		"control character":  {replace("Ann 7<", "Ann \x0b7<"), same, "the sheet is damaged in row 9"},
		"no such text":       {same, replace("<v>8</v>", "<v>80000</v>"), "a cell names text 80000, and there are "},
		"no number":          {same, replace("<v>8</v>", "<v>eight</v>"), `a cell has "eight" for the number of its text`},
		"a text without end": {replace("Ann 7<", strings.Repeat("x", maxRecord+1)+"<"), same, "a text is longer than 1 MiB"},
	} {
		got := describeFile(t, manyTexts(t, c.texts, c.sheet))
		if !strings.Contains(got, "error ") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %.1500s", name, got)
		}
	}
}

// TestAWorkbookThatIsNotReadToItsEndLeavesNothingRunning: the bubble ends only when nobody writes or reads any more.
func TestAWorkbookThatIsNotReadToItsEndLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	path := manyTexts(t, same, func(part []byte) []byte {
		var more bytes.Buffer
		for n := 300; n < 20_000; n++ {
			fmt.Fprintf(&more, `<row r="%d"><c r="A%d" t="s"><v>%d</v></c></row>`, n, n, 5+n%100)
		}
		return bytes.Replace(part, []byte("</sheetData>"), append(more.Bytes(), "</sheetData>"...), 1)
	})
	for _, rows := range []int{0, 1, 1000} {
		synctest.Test(t, func(t *testing.T) {
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := NewReader(file, options())
			if err != nil {
				t.Fatal(err)
			}
			for range rows {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(r.Close(), file.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}
