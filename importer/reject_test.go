package importer

import (
	"bytes"
	"errors"
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
