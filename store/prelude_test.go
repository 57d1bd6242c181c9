package store

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAScriptBeginsWithWhatItUsesAndNothingElse(t *testing.T) {
	t.Parallel()
	parts := luaParts(strings.Join([]string{
		"-- about all of it", "local base = 'x'", "", "-- a comment that says second", "local function first() return base end",
		"local had, more = {}, {}", "local function tally()", "  more.x = 'had'", "end", "local function write_counters() tally() return had end",
		"local function second(rec)", "  return rec.first", "end", "local function third() return first() end", "",
	}, "\n"))
	for body, want := range map[string]string{
		"return 1":                         "",
		"return base":                      "base",
		"return third()":                   "base first third",
		"return second() -- third":         "second",
		"return 'third', rec.third":        "",
		"tally()":                          "had,more tally write_counters",
		"local t = { third = 1 } second()": "base first second third", // more than is needed does no harm
	} {
		var got []string
		for _, p := range neededParts(parts, body) {
			var names []string
			for _, name := range []string{"base", "first", "had", "more", "tally", "write_counters", "second", "third"} {
				if p.names[name] {
					names = append(names, name)
				}
			}
			got = append(got, strings.Join(names, ","))
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}
