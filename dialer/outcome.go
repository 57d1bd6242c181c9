package dialer

import (
	"slices"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/thoughtly"
)

// outcome reads what became of a call from the API's record of it. It is the one place where the API's vocabulary becomes
// ours, for webhooks and look-ups alike. It returns false while the call has not ended.
//
// An opt-out outranks everything: whatever the record's status says, a person who said "stop calling me" is not called again.
func outcome(c *campaign.Campaign, r *thoughtly.Response, transferred bool) (campaign.Ended, bool) {
	if _, known := mapped(c, r.RawStatus); !r.Ended() && (!known || r.Status != thoughtly.StatusUnknown) {
		return campaign.Ended{}, false // a word that the campaign gives a meaning ends a call without any other sign
	}
	return campaign.Ended{Disposition: disposition(c, r, transferred), At: r.EndedAt}, true
}

func disposition(c *campaign.Campaign, r *thoughtly.Response, transferred bool) campaign.Disposition {
	if optedOut(r, c.OptOutWords) {
		return campaign.DoNotCall
	}
	said, told := named(c, r.Outcome)
	if told && (said == campaign.DoNotCall || said == campaign.Suppressed) {
		return said
	}
	if d, ok := mapped(c, r.RawStatus); ok {
		return d
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
		case r.Timed && r.Duration == 0 && !r.PersonSpoke():
			return campaign.NoAnswer // connected to nobody
		}
		return campaign.Completed
	case thoughtly.StatusQueued, thoughtly.StatusInProgress, thoughtly.StatusUnknown:
	}
	switch {
	case transferred:
		return campaign.Transferred
	case told: // nobody knows the status word, but the agent knows what was said
		return said
	}
	return campaign.Unknown
}

// longestWord bounds what is kept of a status word, in bytes.
const longestWord = 64

// odd reports whether nobody knows a record's status word: neither we nor the campaign.
func odd(c *campaign.Campaign, r *thoughtly.Response) bool {
	_, known := mapped(c, r.RawStatus)
	return !known && r.Status == thoughtly.StatusUnknown && snake(r.RawStatus) != ""
}

// Mapped reports whether a campaign says what a status word of the API means.
func Mapped(c *campaign.Campaign, word string) bool {
	_, known := mapped(c, word)
	return known
}

// mapped finds what the campaign says about a raw status word.
func mapped(c *campaign.Campaign, raw string) (campaign.Disposition, bool) {
	for _, word := range sortedKeys(c.Statuses) {
		if word != "" && strings.EqualFold(snake(word), snake(raw)) {
			return c.Statuses[word], true
		}
	}
	return "", false
}

// synonyms are outcome words of agents for what has a name here.
var synonyms = map[string]campaign.Disposition{
	"dnc": campaign.DoNotCall, "opt_out": campaign.DoNotCall, "opted_out": campaign.DoNotCall, "stop": campaign.DoNotCall,
	"unsubscribe": campaign.DoNotCall, "unsubscribed": campaign.DoNotCall, "do_not_contact": campaign.DoNotCall,
	"remove": campaign.DoNotCall, "remove_from_list": campaign.DoNotCall, "stop_calling": campaign.DoNotCall,
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
