package store

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// shortMark begins the short form of an id. An id that begins with it by itself has it twice.
const shortMark = "~"

// shortID is how the record keeps a contact's id. Redis has one for each lead, and Thoughtly's are UUIDs: 23 letters instead of 36.
// Every other id stays what it is.
func shortID(id string) string {
	raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err == nil && len(raw) == 16 && dashed(raw) == id {
		return shortMark + base64.RawURLEncoding.EncodeToString(raw)
	}
	if strings.HasPrefix(id, shortMark) {
		return shortMark + id
	}
	return id
}

// longID reads what shortID has written.
func longID(id string) string {
	rest, marked := strings.CutPrefix(id, shortMark)
	if !marked || strings.HasPrefix(rest, shortMark) {
		return rest
	}
	if raw, err := base64.RawURLEncoding.DecodeString(rest); err == nil && len(raw) == 16 {
		return dashed(raw)
	}
	return id
}

// dashed writes a UUID in its usual form, in lower case.
func dashed(raw []byte) string {
	x := hex.EncodeToString(raw)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
