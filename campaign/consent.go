package campaign

import "strings"

// isNo reports whether a consent cell says that there is none.
func isNo(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "no", "n", "false", "0", "none", "null", "-", "opt-out", "opted out", "optout", "unsubscribed", "revoked", "denied":
		return true
	}
	return false
}
