package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dialerd/dialerd/simulator"
)

func TestTheDemosPromisesFitATerminal(t *testing.T) {
	t.Parallel()
	told := demoJSON{
		Rings: 99_999, Phones: 99_999, Twice: 99, Outside: 99, Suppressed: 99, AfterOptOut: 99, Peak: 100, Throttled: 99, Used: 0.999,
		Webhooks: simulator.HookCounts{Accepted: 9999, Lost: 999, Doubled: 999},
	}
	var out bytes.Buffer
	printTable(&out, []string{"promise", "seen"}, told.promises("100 in 60 s", usable(60, 66.5, 999, 9999)))
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, " \n")); n > plainColumns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
