package importer

import "github.com/agnivade/levenshtein"

// nearest is the choice that differs from the word in the fewest letters, or "" when more than a third would have to change.
func nearest(word string, choices []string) string {
	word = plain(word)
	if len(word) > 64 {
		return ""
	}
	best, least := "", max(1, len(word)/3)+1
	for _, choice := range choices {
		if p := plain(choice); len(p) <= 64 {
			if d := levenshtein.ComputeDistance(word, p); d < least {
				best, least = choice, d
			}
		}
	}
	return best
}
