package region

import (
	"cmp"
	"slices"
	"strings"
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
		if off := min(distance(want, whole, limit), distance(want, city, limit)+1); off <= limit {
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

// distance is the number of letters to add, drop or change to make b of a; any number above limit when it is more than that.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
