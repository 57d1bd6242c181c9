package region

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest lists up to three zones whose names look most like the one given: the same but for case and spaces, the same city, or a
// few letters off.
func (a *atlas) nearest(name string) []string {
	want := plain(name)
	if want == "" {
		return nil
	}
	type near struct {
		name string
		off  int
	}
	limit := max(1, len(want)/4)
	var found []near
	for i, whole := range a.plain {
		city := whole[strings.LastIndexByte(whole, '/')+1:]
		if off := min(levenshtein.ComputeDistance(want, whole), levenshtein.ComputeDistance(want, city)+1); off <= limit {
			found = append(found, near{a.sorted[i], off})
		}
	}
	slices.SortFunc(found, func(a, b near) int { return cmp.Or(a.off-b.off, strings.Compare(a.name, b.name)) })
	var out []string
	for _, n := range found[:min(3, len(found))] {
		out = append(out, n.name)
	}
	return out
}

func plain(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}
