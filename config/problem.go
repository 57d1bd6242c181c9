package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a file or in the environment.
type Problem struct {
	File    string `json:"file"`  // path of the file, or "environment"; empty for a campaign that does not come from a file
	Line    int    `json:"line"`  // line in the file, from 1; 0 when there is none
	Field   string `json:"field"` // path of the field, as in teams[0].rate.per; name of the environment variable
	Value   string `json:"value"` // what stands there, secrets masked; empty when nothing does
	Message string `json:"message"`
}

// String is the problem on one line: place, field, value, and what to do.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
		if p.Line > 0 {
			fmt.Fprintf(&b, "%d:", p.Line)
		}
		b.WriteString(" ")
	}
	b.WriteString(p.Field)
	if p.Value != "" {
		if p.Field != "" {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%q", p.Value)
	}
	if p.Field != "" || p.Value != "" {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is every mistake of a file, in the order of its lines.
type Problems []Problem //nolint:errname // it is a list, named for what it holds

// Error lists the problems, one on a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// err is the problems in order, each once, as an error; nil when there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field))
	})
	return slices.Compact(p)
}

// maxValue is how many runes of a value an error shows.
const maxValue = 80

// short cuts a value for an error.
func short(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if r := []rune(s); len(r) > maxValue {
		return string(r[:maxValue]) + "…"
	}
	return s
}

// didYouMean is `; did you mean "near"?` when one of the choices is close to the word, and "" otherwise.
func didYouMean(word string, choices []string) string {
	if near := nearest(word, choices); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// nearest is the choice with the fewest single letters changed, added, lost or swapped, or "" when none is close: more
// than a third of the word would have to change.
func nearest(word string, choices []string) string {
	word = strings.ToLower(word)
	if len(word) > maxValue {
		return ""
	}
	best, least := "", max(1, len(word)/3)+1
	for _, choice := range choices {
		if d := distance(word, strings.ToLower(choice)); d < least {
			best, least = choice, d
		}
	}
	return best
}

// distance is the optimal string alignment distance of two words.
func distance(a, b string) int {
	prev, cur, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range cur {
		cur[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(cur[j]+1, next[j-1]+1, cur[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], prev[j-2]+1)
			}
		}
		prev, cur, next = cur, next, prev
	}
	return cur[len(b)]
}
