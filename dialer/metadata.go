package dialer

import (
	"strings"
	"unicode"

	"github.com/dialerd/dialerd/campaign"
)

// The keys under which a call's metadata carry our own names, so that its events find their attempt.
const (
	MetaAttempt  = "dialerd_attempt"
	MetaCampaign = "dialerd_campaign"
	MetaLead     = "dialerd_lead"
)

const (
	maxMetadata      = 60  // keys
	maxMetadataValue = 500 // bytes of one value
)

// metadata is what goes with a call: contacts cannot be updated, so each call carries the lead's current values. Keys are
// flat and values strings; the platform's own namespace, system, is never touched.
func metadata(name, attempt string, lead *campaign.Lead) map[string]string {
	m := map[string]string{MetaAttempt: attempt, MetaCampaign: name, MetaLead: lead.ID}
	put := func(key, value string) {
		key = metadataKey(key)
		if value == "" || !usable(key) || len(m) >= maxMetadata {
			return
		}
		if _, taken := m[key]; !taken {
			m[key] = campaign.Clip(value, maxMetadataValue)
		}
	}
	put("name", lead.Name)
	put("email", lead.Email)
	put("state", lead.Province)
	put("zip", lead.ZIP)
	put("key", lead.Key)
	for _, key := range sortedKeys(lead.Attributes) {
		put(key, lead.Attributes[key])
	}
	return m
}

// usable reports whether a key may be filled from a list: not with nothing, the platform's own, or one of ours.
func usable(key string) bool {
	return key != "" && key != "system" && !strings.HasPrefix(key, "dialerd_")
}

// metadataKey makes a column's header a key that scripts can refer to: lower case, words joined by underscores.
func metadataKey(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(strings.TrimSpace(s)) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	return b.String()
}
