package importer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRead, for as long as is wanted: go test -run '^$' -fuzz '^FuzzRead$' -fuzztime 10m ./importer. What other inputs it found worth
// trying is kept in testdata/fuzz, and tried with every run of the tests.
//
// It demands of any file: no panic; every row is a lead, a duplicate or a reject and nothing else; lines go up; rows
// are as wide as the header; and where there are no quotes, as many rows come out as lines with something on them go in.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/lists/*")
	if err != nil || len(files) == 0 {
		f.Fatalf("no lists in testdata: %v", err)
	}
	for _, path := range files {
		if filepath.Ext(path) == ".want" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := NewReader(bytes.NewReader(text), options())
		if err != nil {
			return
		}
		columns := len(r.List().Columns)
		rows, last := 0, 0
		for {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			rows++
			kinds := 0
			for _, is := range []bool{row.Lead != nil, row.Duplicate != nil, row.Reject != nil} {
				if is {
					kinds++
				}
			}
			if kinds != 1 {
				t.Fatalf("line %d is %d things: %+v", row.Line, kinds, row)
			}
			if row.Line <= last {
				t.Fatalf("line %d comes after line %d", row.Line, last)
			}
			last = row.Line
			whole := row.Reject == nil || (row.Reject.Reason != RejectQuotes && row.Reject.Reason != RejectUnreadable)
			if whole && len(row.Cells) != columns {
				t.Fatalf("line %d has %d cells, the header %d", row.Line, len(row.Cells), columns)
			}
			if row.Lead != nil && (row.Lead.Key == "" || row.Lead.State == "" || row.Lead.Lane == "" && row.Lead.State == "new") {
				t.Fatalf("line %d: half a lead: %+v", row.Line, row.Lead)
			}
			if row.Reject != nil && (row.Reject.Reason == "" || row.Reject.Fix == "") {
				t.Fatalf("line %d is rejected without a word", row.Line)
			}
		}
		if want, ok := plainRows(text, r); ok && rows+r.records.empty != want {
			t.Fatalf("%d rows and %d empty ones came out of %d", rows, r.records.empty, want)
		}
	})
}

// plainRows counts the lines below the header of a text that has neither quotes nor a packed or wide encoding.
func plainRows(text []byte, r *Reader) (int, bool) {
	if bytes.ContainsAny(text, "\"\x00") || !utf8.Valid(text) || bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		return 0, false
	}
	end := "\n"
	if r.records.frame.cr {
		end = "\r"
	}
	rows := 0
	for i, line := range strings.Split(string(text), end) {
		if i >= r.first && strings.TrimSpace(line) != "" {
			rows++
		}
	}
	return rows, true
}

// FuzzPlainRow demands that rows without quotes are cut just as gocsv cuts them.
func FuzzPlainRow(f *testing.F) {
	for _, row := range []string{"a,b,c", ",,", "", " a , b ", "1,2,3,4,5,6", "é,ß,\xff", "a\rb,c\r", strings.Repeat(",", 40), "a;b\tc|d", "\u2028,x"} {
		for _, width := range []uint8{1, 3, 20} {
			f.Add(row, width)
		}
	}
	f.Fuzz(func(t *testing.T, row string, width uint8) {
		if strings.ContainsAny(row, "\n\"") {
			return
		}
		for _, delim := range []byte(delimiters) {
			r := &records{frame: &frame{delim: delim}, mixed: true, width: int(width%30) + 1}
			if err := r.restart(); err != nil {
				t.Fatal(err)
			}
			q := quotes{delim: delim}
			q.scan([]byte(row))
			fast := record{}
			if len(strings.TrimSpace(row)) == 0 || !r.plain(&fast, rawRecord{text: []byte(row), cells: q.cells}) {
				continue
			}
			slow := record{}
			r.parse(&slow, []byte(row))
			r.fit(&fast, q.cells)
			r.fit(&slow, q.cells)
			if !slices.Equal(fast.cells, slow.cells) || (fast.reject == nil) != (slow.reject == nil) {
				t.Fatalf("%q by %q, width %d: %q, gocsv %q", row, delim, r.width, fast.cells, slow.cells)
			}
		}
	})
}
