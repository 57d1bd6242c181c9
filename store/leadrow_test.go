package store

import (
	"slices"
	"strings"
	"testing"
)

// A row comes back as it was written, whatever is in its cells.
func FuzzRow(f *testing.F) {
	f.Add("list1", "a|b||c")
	f.Add("", "")
	f.Add("{", "{|}|\n|\x1f|\"")
	f.Add("list2", "one\x1ftwo|three")
	f.Add("l\x1fst", "-")
	f.Fuzz(func(t *testing.T, list, text string) {
		list, text = strings.ToValidUTF8(list, "?"), strings.ToValidUTF8(text, "?")
		for _, cells := range [][]string{nil, strings.Split(text, "|")} {
			l := NewLead{List: list, Row: cells}
			row, err := parseRow(string(l.row()))
			if err != nil {
				t.Fatal(err)
			}
			if row.List != list || !slices.Equal(row.Values, cells) {
				t.Errorf("%q, %q comes back as %q, %q", list, cells, row.List, row.Values)
			}
		}
	})
}

// What an earlier version wrote is read as well.
func TestRowsOfEarlierVersionsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]leadRow{
		`{}`:                           {},
		`{"l":"list1"}`:                {List: "list1"},
		`{"l":"list1","v":["a","\""]}`: {List: "list1", Values: []string{"a", "\""}},
		`{"v":["a"]}`:                  {Values: []string{"a"}},
	} {
		row, err := parseRow(text)
		if err != nil || row.List != want.List || !slices.Equal(row.Values, want.Values) {
			t.Errorf("%s is read as %+v, %v", text, row, err)
		}
	}
}
