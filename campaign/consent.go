package campaign

import "strings"

// noes are the ways of writing "no" that lists use, in the languages of the countries that the rule tables cover. What is not
// among them counts as evidence: a date, a form's name, a link to a recording.
var noes = map[string]bool{
	"": true, "no": true, "n": true, "false": true, "f": true, "0": true, "off": true, "none": true, "null": true, "nil": true, "n/a": true, "na": true,
	"-": true, "--": true, "?": true, "unknown": true, "pending": true, "not given": true, "no consent": true, "opt-out": true, "opt out": true,
	"opted out": true, "opted-out": true, "optout": true, "unsubscribed": true, "revoked": true, "withdrawn": true, "denied": true, "declined": true,
	"refused": true, "non": true, "nein": true, "nee": true, "nej": true, "nie": true, "não": true, "nao": true, "falso": true, "faux": true, "falsch": true,
	"ne": true, "nei": true, "ei": true, "いいえ": true, "नहीं": true,
}

// isNo reports whether a consent cell says that there is none.
func isNo(s string) bool {
	return noes[strings.ToLower(strings.Trim(strings.TrimSpace(s), ".!"))]
}
