package dialer

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/thoughtly"
)

// outcome reads what became of a call from the API's record of it. It is the one place where the API's vocabulary becomes
// ours, for webhooks and look-ups alike. It returns false while the call has not ended.
//
// An opt-out outranks everything: whatever the record's status says, a person who said "stop calling me" is not called again.
func outcome(c *campaign.Campaign, r *thoughtly.Response, transferred bool) (campaign.Ended, bool) {
	if !r.Ended() {
		return campaign.Ended{}, false
	}
	e := campaign.Ended{Disposition: disposition(c, r, transferred), At: r.EndedAt}
	if e.Disposition == campaign.Callback {
		e.CallbackAt = callbackTime(r, c.Schedule.Location())
	}
	return e, true
}

func disposition(c *campaign.Campaign, r *thoughtly.Response, transferred bool) campaign.Disposition {
	if optedOut(r) {
		return campaign.DoNotCall
	}
	if d, ok := mapped(c, r.RawStatus); ok {
		return d
	}
	said, told := named(c, r.Outcome)
	if told && (said == campaign.DoNotCall || said == campaign.Suppressed) {
		return said
	}
	switch r.Status {
	case thoughtly.StatusSuppressed:
		return campaign.Suppressed
	case thoughtly.StatusTransferred:
		return campaign.Transferred
	case thoughtly.StatusNoAnswer:
		return campaign.NoAnswer
	case thoughtly.StatusBusy:
		return campaign.Busy
	case thoughtly.StatusVoicemail:
		return campaign.Voicemail
	case thoughtly.StatusFailed:
		if told {
			return said
		}
		return campaign.Failed
	case thoughtly.StatusCancelled:
		return campaign.Cancelled
	case thoughtly.StatusCompleted:
		switch {
		case transferred:
			return campaign.Transferred
		case told:
			return said
		case r.Duration == 0 && !r.PersonSpoke():
			return campaign.NoAnswer // connected to nobody
		}
		return campaign.Completed
	}
	if transferred {
		return campaign.Transferred
	}
	return campaign.Unknown
}

// mapped finds what the campaign says about a raw status word.
func mapped(c *campaign.Campaign, raw string) (campaign.Disposition, bool) {
	for word, d := range c.Statuses {
		if word != "" && strings.EqualFold(snake(word), snake(raw)) {
			return d, true
		}
	}
	return "", false
}

// synonyms are outcome words of agents for what has a name here.
var synonyms = map[string]campaign.Disposition{
	"dnc": campaign.DoNotCall, "opt_out": campaign.DoNotCall, "opted_out": campaign.DoNotCall, "stop": campaign.DoNotCall,
	"unsubscribe": campaign.DoNotCall, "do_not_contact": campaign.DoNotCall, "remove": campaign.DoNotCall,
	"call_back": campaign.Callback, "callback_requested": campaign.Callback, "call_back_later": campaign.Callback,
	"transfer": campaign.Transferred, "phone_transfer": campaign.Transferred, "left_voicemail": campaign.Voicemail,
	"machine": campaign.Voicemail, "unanswered": campaign.NoAnswer, "wrong_person": campaign.WrongNumber,
	"declined": campaign.NotInterested, "no_interest": campaign.NotInterested, "rejected": campaign.NotInterested,
}

// named reads an agent's outcome word: a disposition that the campaign or everyone knows.
func named(c *campaign.Campaign, word string) (campaign.Disposition, bool) {
	w := snake(word)
	if w == "" {
		return "", false
	}
	if d, ok := mapped(c, word); ok {
		return d, true
	}
	d := campaign.Disposition(w)
	if _, ok := c.Outcomes[d]; ok || slices.Contains(campaign.Dispositions(), d) {
		return d, true
	}
	d, ok := synonyms[w]
	return d, ok
}

// snake is lower case with underscores: "Not Interested" and "not-interested" are the same word.
func snake(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// optOut are ways of saying "never call me again". The bare word "stop" is not among them, because people say it about many
// things; a text of one word is.
var optOut = regexp.MustCompile(`(?i)\b(stop\s+(calling|phoning|contacting|ringing)|do\s*n[o']?t\s+(ever\s+)?(call|phone|contact|ring)\s+(me|us|this|here|again)|` +
	`(do\s+not|don't|dont|never)\s+(ever\s+)?(call|phone|contact|ring)\s+(me|us|this|here|again)|` +
	`take\s+(me|us|my\s+(number|name)|this\s+number)\s+off|remove\s+(me|us|my\s+(number|name)|this\s+number)|unsubscribe|opt\s*(me\s+)?out|` +
	`(put|add)\s+me\s+on\s+(your|the)\s+do[\s-]not[\s-]call|lose\s+my\s+number)\b`)

// optedOut reports whether the person said so. What the agent says ("say stop calling at any time") does not count.
func optedOut(r *thoughtly.Response) bool {
	for _, t := range r.Turns {
		if t.Speaker == thoughtly.SpeakerPerson && (optOut.MatchString(t.Text) || strings.EqualFold(strings.Trim(t.Text, " .!"), "stop")) {
			return true
		}
	}
	return false
}

// callbackKeys are where agents leave the time at which a person wants to be called again.
var callbackKeys = []string{"callback_time", "callback_at", "callback", "call_back_at", "call_back_time"}

// callbackTime finds that time in the record; zero when it says none. A time without an offset is read in the campaign's zone.
func callbackTime(r *thoughtly.Response, zone *time.Location) time.Time {
	for _, key := range callbackKeys {
		for _, text := range []string{r.Data[key], r.Metadata[key]} {
			if t, err := campaign.ParseTime(text, zone); text != "" && err == nil {
				return t
			}
		}
	}
	for _, text := range slices.Concat(values(r.Data), values(r.Metadata), []string{r.Summary}) {
		var nested any
		if json.Unmarshal([]byte(text), &nested) == nil {
			if t := timeIn(nested, zone); !t.IsZero() {
				return t
			}
		}
	}
	return time.Time{}
}

// timeIn looks for the time of a callback anywhere inside a JSON value: agents nest their data points as they like.
func timeIn(v any, zone *time.Location) time.Time {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range callbackKeys {
			if text, ok := v[key].(string); ok {
				if t, err := campaign.ParseTime(text, zone); err == nil {
					return t
				}
			}
		}
		for _, key := range sortedKeys(v) {
			if t := timeIn(v[key], zone); !t.IsZero() {
				return t
			}
		}
	case []any:
		for _, item := range v {
			if t := timeIn(item, zone); !t.IsZero() {
				return t
			}
		}
	}
	return time.Time{}
}

func values(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, key := range sortedKeys(m) {
		out = append(out, m[key])
	}
	return out
}
