package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// endsSoon is how long before the end of a list of no-call days somebody should see to another one.
const endsSoon = 90 * 24 * time.Hour

// examineRules looks at what the operator added to the calling rules, and at lists of no-call days that end soon.
func (a *app) examineRules(ctx context.Context) []finding {
	const check = "operator's rules"
	in, err := a.store.Rules(ctx)
	if err != nil {
		return []finding{{check, findingFailed, err.Error()}}
	}
	book, err := a.store.Rulebook(ctx)
	if err != nil {
		return []finding{{check, findingFailed, err.Error()}}
	}
	found := []finding{{check, findingOK, "none"}}
	if !in.Added.Empty() {
		found[0].Detail = fmt.Sprintf("number %d, in force since %s by %s", in.Number, stamp(in.At), dash(in.By))
	}
	var ends []string
	for _, l := range book.Tables().Lists() {
		if a.now().Add(endsSoon).After(l.Last) {
			ends = append(ends, fmt.Sprintf("no-call days of %s end on %s: nobody there is called after that", l.Region, l.Last.Format(time.DateOnly)))
		}
	}
	if len(ends) > 0 {
		found = append(found, finding{"no-call days", findingWarning, strings.Join(ends, "\n") +
			"\nUse a newer dialerd, or for regions that have them from you: dialerd rules apply"})
	}
	return found
}
