package webhook

import (
	"net/http"
	"net/url"
	"strings"
)

// Where the doors are, below public_url.
const (
	hooksPath      = "/hooks/"
	automationPath = "/automation/"
)

// maxAgent is the longest agent id that is believed, in bytes. Real ones have 8.
const maxAgent = 128

// door is where an event came in.
type door struct{ team, kind, agent string }

// knock reads door and secret off a request; ok is false if there is no such door.
func (h *Handler) knock(r *http.Request) (d door, secret string, ok bool) {
	path := r.URL.EscapedPath()
	if rest, cut := strings.CutPrefix(path, strings.TrimRight(h.Prefix, "/")); cut {
		path = rest
	}
	if team, found := strings.CutPrefix(path, automationPath); found {
		parts, ok := unescape(team, 1)
		if !ok {
			return door{}, "", false
		}
		return door{team: parts[0], kind: KindAutomation}, r.Header.Get(SecretHeader), true
	}
	rest, found := strings.CutPrefix(path, hooksPath)
	if !found {
		return door{}, "", false
	}
	return splitHook(rest)
}

// splitHook reads what follows /hooks/ in an address of ours, escaped.
func splitHook(rest string) (d door, secret string, ok bool) {
	parts, ok := unescape(rest, 4)
	if !ok || (parts[2] != KindResponse && parts[2] != KindTransfer) || len(parts[3]) > maxAgent {
		return door{}, "", false
	}
	return door{team: parts[1], kind: parts[2], agent: parts[3]}, parts[0], true
}

// unescape splits a path into exactly n parts, none of them empty.
func unescape(path string, n int) ([]string, bool) {
	parts := strings.Split(path, "/")
	if len(parts) != n {
		return nil, false
	}
	for i, part := range parts {
		text, err := url.PathUnescape(part)
		if err != nil || text == "" {
			return nil, false
		}
		parts[i] = text
	}
	return parts, true
}

// enters says whether the secret opens the door. An unknown team takes as long as a wrong secret.
func (h *Handler) enters(d door, secret string) bool {
	keys, known := h.Teams[d.team]
	opens := keys.opens(d, secret)
	return opens && known
}
