package importer

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTwoCellsOverSeveralLinesAreOneRow(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"every cell quoted":                                  "Name,Address,Phone,Note\n\"Ann\",\"12 Main St\nSuite 5, NY\",\"2125550101\",\"a\nb\"\n",
		"only where it must be":                              "Name,Address,Phone,Note\nAnn,\"12 Main St\nSuite 5, NY\",2125550101,\"a\nb\"\n",
		"a row in the middle":                                "Name,Address,Phone,Note\nAnn,\"12 Main St\nBob,x,2125550102,y\nNY\",2125550101,\"a\nb\"\n",
		"a phone in a note":                                  "Phone,Note\n2125550101,\"called, then\n2125550102, no answer\"\n",
		"a phone before the own":                             "Note,Phone\n\"call Ann, 2125550102\nor Bob\",2125550101\n",
		"rows in a note of a program that quotes everything": "Phone,Note\n\"2125550101\",\"a\n2125550102,b\"\n",
	} {
		_, rows := readAll(t, text, options())
		if len(rows) != 1 || rows[0].Lead == nil || rows[0].Lead.Phone != "+12125550101" {
			t.Errorf("%s: got %+v", name, rows)
		}
	}
}

// What a program writes as RFC 4180 says is read just as encoding/csv reads it, whatever stands in the cells.
func TestValidCSVIsReadAsEncodingCSVReadsIt(t *testing.T) {
	t.Parallel()
	lists := uint64(2000)
	if testing.Short() {
		lists = 300 // under the race detector, which 2,000 lists keep busy for half a minute
	}
	for seed := range lists {
		sameAsEncodingCSV(t, seed)
	}
}

// FuzzValidCSV goes on with other lists than the test: go test -run '^$' -fuzz '^FuzzValidCSV$' ./importer.
func FuzzValidCSV(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(sameAsEncodingCSV)
}

// sameAsEncodingCSV writes a random list and reads it in both ways.
func sameAsEncodingCSV(t *testing.T, seed uint64) {
	t.Helper()
	text, delim := validList(rand.New(rand.NewPCG(seed, 4180)))
	strict := csv.NewReader(strings.NewReader(text))
	strict.Comma = delim
	want, err := strict.ReadAll()
	if err != nil {
		t.Fatalf("list %d is not CSV: %v\n%s", seed, err, text)
	}
	opts := options()
	opts.Delimiter = delim
	r, rows := readAll(t, text, opts)
	got := [][]string{r.List().Columns}
	for _, row := range rows {
		got = append(got, row.Cells)
		if row.Lead == nil && row.Duplicate == nil {
			t.Errorf("list %d, line %d: %+v", seed, row.Line, row.Reject)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("list %d: -encoding/csv +ours:\n%s\n%s", seed, diff, text)
	}
}

// validList makes a list: cells over several lines, delimiters, quotes, phones and whole rows in cells.
func validList(rnd *rand.Rand) (text string, delim rune) {
	delim = []rune(delimiters)[rnd.IntN(len(delimiters))]
	end := []string{"\n", "\r\n"}[rnd.IntN(2)]
	all := rnd.IntN(2) == 0
	columns := []string{"Phone", "Name", "Notes", "Address", "Remark"}[:2+rnd.IntN(4)]
	rnd.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
	d := string(delim)
	if !all {
		d += " " // or a list with a single cell in quotes may be taken for one with two stray quotes, which frame.swallows tells of
	}
	pieces := []string{
		"\n", "\n", d, d, `"`, `""`, "2125550199", "+1 212 555 0198", "Suite 5", "x", " ", "é", "Phone", "ok\n2125550197" + d + "b", "'", "",
		d + `"` + "\n", "\n\n", "=1",
	}
	var b strings.Builder
	line := func(cells []string) {
		for i, cell := range cells {
			if i > 0 {
				b.WriteRune(delim)
			}
			if all || strings.ContainsAny(cell, "\"\n"+string(delim)) {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			b.WriteString(strings.ReplaceAll(cell, "\n", end))
		}
		b.WriteString(end)
	}
	line(columns)
	phone := slices.Index(columns, "Phone")
	for i := range 1 + rnd.IntN(15) {
		cells := make([]string, len(columns))
		for at := range cells {
			for range rnd.IntN(6) {
				cells[at] += pieces[rnd.IntN(len(pieces))]
			}
		}
		cells[phone] = fmt.Sprintf("212555%04d", 101+i)
		line(cells)
	}
	return b.String(), delim
}
