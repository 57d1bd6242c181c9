package campaign

import "strings"

// Clip cuts a text to at most n bytes, between letters.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
