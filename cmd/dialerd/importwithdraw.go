package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// withdrawnJSON is what `import --withdraw` prints.
type withdrawnJSON struct {
	Campaign  string `json:"campaign"`
	Source    string `json:"source"`
	Leads     int    `json:"leads"`     // that came from the list
	Withdrawn int    `json:"withdrawn"` // of them; the others were called already, or closed before
}

// withdraw takes the leads of a list out of calling, as far as none of them was called.
func (a *app) withdraw(ctx context.Context, r *store.Record, list string) error {
	heads, err := a.store.Lists(ctx, r.Name)
	if err != nil {
		return err
	}
	source, err := sourceCalled(heads, list)
	if err != nil {
		return fmt.Errorf("campaign %q: %w", r.Name, err)
	}
	var ids []string // a source that was read with other columns at times is several lists
	for _, id := range slices.Sorted(maps.Keys(heads)) {
		if heads[id].Source == source {
			ids = append(ids, id)
		}
	}
	w, err := a.store.Withdraw(ctx, r.Name, ids, operator())
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(withdrawnJSON{r.Name, source, w.Leads, w.Closed})
	}
	a.say("%s: %s of %s withdrawn from %s\n", r.Name, plural(w.Closed, "lead"), plural(w.Leads, "lead"), source)
	if left := w.Leads - w.Closed; left > 0 {
		a.say("  %d stay: they were called already, or closed before\n", left)
	}
	return nil
}

// sourceCalled finds the list that a person means: by its source, by a path to it, or by its file's name.
func sourceCalled(heads map[string]campaign.List, list string) (string, error) {
	full, err := filepath.Abs(list)
	if err != nil {
		full = list
	}
	var sources, named []string
	for _, head := range heads {
		switch {
		case head.Source == list || head.Source == full:
			return head.Source, nil
		case filepath.Base(head.Source) == list && !slices.Contains(named, head.Source):
			named = append(named, head.Source)
		}
		if !slices.Contains(sources, head.Source) {
			sources = append(sources, head.Source)
		}
	}
	slices.Sort(sources)
	slices.Sort(named)
	switch {
	case len(named) == 1:
		return named[0], nil
	case len(named) > 1:
		return "", fmt.Errorf("several lists are called %s: name one of %s", list, strings.Join(named, ", "))
	case len(sources) == 0:
		return "", fmt.Errorf("no list was imported, so %s cannot be withdrawn", list)
	}
	return "", fmt.Errorf("no list %s was imported; there are %s", list, strings.Join(sources, ", "))
}
