package importer

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRejectsHaveTheListsColumnsThenLineColumnReasonFix(t *testing.T) {
	t.Parallel()
	r, rows := readAll(t, "Name,Phone,=note\nAnn,4155552671,x\nBob,123,\"=1+1\"\nCid,,\"a\nb\"\n\"Dan,+12125550123,z\nEve,+13035550123,a,b\n", options())
	var out bytes.Buffer
	w, err := NewRejects(&out, r.List().Columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `Name,Phone,'=note,line,column,reason,fix
Bob,123,'=1+1,3,Phone,too_short,"write it in full, with its area code"
Cid,,"a
b",4,Phone,empty,fill in a phone number
"""Dan,+12125550123,z",,,6,,bad_quotes,"a quote is opened here and not closed: close it, or write a quote inside of a cell twice"
"Eve,+13035550123,a,b",,,7,,bad_quotes,"the line may be part of a row above it whose quotes are broken: mend that one, then look at this one"
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if w.Len() != 4 {
		t.Errorf("Len = %d", w.Len())
	}
}

func TestMendedRejectsCanBeImported(t *testing.T) {
	t.Parallel()
	_, rows := readAll(t, "Name,Phone,line,column,reason,fix\nBob,2125550123,3,Phone,too_short,\"write it in full\"\n", options())
	if len(rows) != 1 || rows[0].Lead == nil || rows[0].Lead.Name != "Bob" {
		t.Errorf("got %+v", rows)
	}
}

func TestRejectsFileWithoutRejectsHasItsHeader(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := NewRejects(&out, []string{"Phone"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if out.String() != "Phone,line,column,reason,fix\n" {
		t.Errorf("got %q", out.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestRejectsThatCannotBeWrittenAreAnError(t *testing.T) {
	t.Parallel()
	w, err := NewRejects(fullDisk{}, []string{"Phone"})
	if err == nil {
		err = w.Flush()
	}
	if err == nil || !strings.Contains(err.Error(), "write rejects: no space left") {
		t.Errorf("got %v", err)
	}
}

func TestNeutral(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "Ann": "Ann", "a=1": "a=1", "=1+1": "'=1+1", "=HYPERLINK(\"x\")": "'=HYPERLINK(\"x\")", "@SUM(A1)": "'@SUM(A1)",
		"+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-2+3": "'-2+3", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "-": "'-", "+": "'+",
		"+1 (415) 555-0123": "+1 (415) 555-0123", "+14155550123": "+14155550123", "-5.5": "-5.5", "-1,234.50": "-1,234.50",
		"+1415555A1": "'+1415555A1", "+1;2": "'+1;2", "-1e5": "'-1e5", "'=1": "'=1",
	} {
		if got := Neutral(cell); got != want {
			t.Errorf("%q: got %q, want %q", cell, got, want)
		}
	}
}

// rejected reads a list and writes the file of its rejects, as an import does.
func rejected(t *testing.T, text string) string {
	t.Helper()
	r, rows := readAll(t, text, options())
	var out bytes.Buffer
	w, err := NewRejects(&out, r.List().Columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		err = errors.Join(err, w.Write(row))
	}
	if err := errors.Join(err, w.Flush()); err != nil {
		t.Fatal(err)
	}
	if !w.Surplus() {
		return out.String()
	}
	var wide strings.Builder
	if err := w.Widen(&out, &wide); err != nil {
		t.Fatal(err)
	}
	return wide.String()
}

func TestCellsBeyondTheHeaderAreInTheRejectsAndKeepTheRowOut(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("x,", spare) + "last"
	for name, c := range map[string]struct{ text, want string }{
		"a comma that is not quoted": {
			"Phone,Name,City\n2125550740,Lee, Ann,NYC\n2125550741,Bob,LA\nbad,Cec,SF\n",
			"Phone,Name,City,dialerd_surplus,line,column,reason,fix\n" +
				`2125550740,Lee," Ann",NYC,2,,extra_cells,"the row has 4 cells and the header 3: put quotes around cells with a ',' in them; then empty dialerd_surplus"` + "\n" +
				"bad,Cec,SF,,4,Phone,not_a_number,write a phone number such as +1 415 555 0123\n",
		},
		"quotes, delimiters and more cells than are counted": {
			"Phone;Name\n2125550740;Lee;\"a;b\";=1;\"c,\";" + strings.ReplaceAll(many, ",", ";") + ";;\n",
			"Phone,Name,dialerd_surplus,line,column,reason,fix\n2125550740,Lee,\"a;b,=1,\"\"c,\"\"," + many + "\",2,,extra_cells," +
				"the row has 24 cells and the header 2: put quotes around cells with a ';' in them; then empty dialerd_surplus\n",
		},
		"a line that ends as old Macs ended it": {
			"Name,Phone\r\nAnn,2125550740\rBob,2125550741\r\nCec,2125550742\r\n",
			"Name,Phone,dialerd_surplus,line,column,reason,fix\nAnn,\"2125550740\rBob\",2125550741,2,,extra_cells," +
				`"the row has 3 cells and the header 2: put quotes around cells with a ',' in them; then empty dialerd_surplus"` + "\n",
		},
	} {
		got := rejected(t, c.text)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		r, rows := readAll(t, got, options())
		if row := rows[0]; row.Reject == nil || row.Reject.Reason != RejectExtraCells || row.Surplus == "" {
			t.Errorf("%s: read again as it is: %+v", name, row)
		}
		if slices.Contains(r.List().Columns, surplusColumn) {
			t.Errorf("%s: the surplus is a column of the list: %q", name, r.List().Columns)
		}
		again := rejected(t, got)
		if surplus := rows[0].Surplus; !strings.Contains(got, surplusColumn) || strings.Count(again, surplusColumn) != strings.Count(got, surplusColumn) || surplus == "" {
			t.Errorf("%s: rejected again it is %s", name, again)
		}
	}
	_, rows := readAll(t, "Phone,Name,City,dialerd_surplus,line,column,reason,fix\n2125550740,\"Lee, Ann\",NYC,,2,,extra_cells,x\n", options())
	if len(rows) != 1 || rows[0].Lead == nil || rows[0].Lead.Name != "Lee, Ann" || !cmp.Equal(rows[0].Cells, []string{"2125550740", "Lee, Ann", "NYC"}) {
		t.Errorf("mended: %+v", rows)
	}
}

func TestAListWithAColumnCalledLineHasItsOwnColumnsAfterItsRejects(t *testing.T) {
	t.Parallel()
	text := rejected(t, "line,Phone,reason\n7,12,x\n")
	r, _ := readAll(t, text, options())
	if got := r.List().Columns; !cmp.Equal(got, []string{"line", "Phone", "reason"}) {
		t.Errorf("%q read again has the columns %q", text, got)
	}
}

func TestApostrophesOfRejectsAreTakenOffAgain(t *testing.T) {
	t.Parallel()
	const text = "Phone,Name,=note\n12,=Ann,'tis\n13,'quoted',-\n14,\"-a, b\",\"@x,y\",=z\n"
	rejects := rejected(t, text)
	if !strings.Contains(rejects, "'=Ann") || !strings.Contains(rejects, "'=note") {
		t.Fatal(rejects)
	}
	first, want := readAll(t, text, options())
	again, got := readAll(t, rejects, options())
	if diff := cmp.Diff(first.List().Columns, again.List().Columns); diff != "" {
		t.Error(diff)
	}
	for i := range want {
		if diff := cmp.Diff(want[i].Cells, got[i].Cells); diff != "" || want[i].Surplus != got[i].Surplus {
			t.Errorf("row %d: %q %q\n%s", i, want[i].Surplus, got[i].Surplus, diff)
		}
	}
	_, rows := readAll(t, "Phone,Name\n2125550123,'=Ann\n", options())
	if rows[0].Lead.Name != "'=Ann" {
		t.Errorf("another list's cell is %q", rows[0].Lead.Name)
	}
}
