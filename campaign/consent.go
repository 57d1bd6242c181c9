package campaign

import (
	"strings"
	"time"
)

// refusals are the ways of writing "no" that lists use, in the languages of the countries that the rule tables cover. Who said no
// is not called, whatever the campaign declares.
var refusals = map[string]bool{
	"no": true, "n": true, "false": true, "f": true, "0": true, "off": true, "not given": true, "no consent": true, "opt-out": true, "opt out": true,
	"opted out": true, "opted-out": true, "optout": true, "unsubscribed": true, "revoked": true, "withdrawn": true, "denied": true, "declined": true,
	"refused": true, "non": true, "nein": true, "nee": true, "nej": true, "nie": true, "não": true, "nao": true, "falso": true, "faux": true, "falsch": true,
	"ne": true, "nei": true, "ei": true, "いいえ": true, "नहीं": true,
}

// blanks are the ways of writing that nobody knows. What is neither a refusal nor one of them counts as evidence: a date, a form's
// name, a link to a recording.
var blanks = map[string]bool{
	"": true, "none": true, "null": true, "nil": true, "n/a": true, "na": true, "-": true, "--": true, "?": true, "unknown": true, "pending": true,
}

// futureSlack is how far ahead of now the date of an evidence may lie: a date without a zone is off by less than a day.
const futureSlack = 24 * time.Hour

func consentWord(s string) string { return strings.ToLower(strings.Trim(strings.TrimSpace(s), ".!")) }

// consentCell is what the lead says about consent: its own cell, else the source alone.
func (l *Lead) consentCell() string {
	if l.Consent != "" {
		return consentWord(l.Consent)
	}
	return consentWord(l.ConsentSource)
}

// evident reports whether the lead has evidence of consent that is good for the campaign at t: it does not say no, it is of the
// past and young enough, and it is for what the campaign calls about. A source alone is evidence; beside a "no" it is not.
func (p *Plan) evident(l *Lead, t time.Time) bool { return p.lacking(l, t) == "" }

// lacking says what the lead's evidence of consent lacks at t; "" when it is good.
func (p *Plan) lacking(l *Lead, t time.Time) string {
	cell := l.consentCell()
	switch {
	case refusals[cell]:
		return "the consent cell says no"
	case blanks[cell]:
		return "no evidence of consent"
	case p.Consent.MaxAge > 0 && l.ConsentAt.IsZero():
		return "evidence of consent without its time, and the campaign limits its age"
	case l.ConsentAt.After(t.Add(futureSlack)):
		return "evidence of consent is dated in the future"
	case p.Consent.MaxAge > 0 && t.Sub(l.ConsentAt) > p.Consent.MaxAge:
		return "evidence of consent is too old"
	case !p.ConsentFits(l):
		return "the consent is not for " + p.Consent.Scope
	}
	return ""
}

// ConsentLack says why there is no permission to call the lead at t, and "" when Consents says that there is.
func (p *Plan) ConsentLack(l *Lead, place *Place, t time.Time) string {
	if p.Consents(l, place, t) {
		return ""
	}
	lack := p.lacking(l, t)
	if !p.Consent.Required && blanks[l.consentCell()] {
		return "automated calls need consent there: fill in a consent column, or declare consent.basis"
	}
	return lack
}

// ConsentFits reports whether the lead's consent is for what the campaign calls about, as far as the campaign names that. A lead
// that does not say what its consent is for has given none for that.
func (p *Plan) ConsentFits(l *Lead) bool {
	if p.Consent.Scope == "" {
		return true
	}
	for rest := l.ConsentScope; rest != ""; {
		one := rest
		if i := strings.IndexAny(rest, ",;|"); i >= 0 {
			one, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if strings.EqualFold(strings.TrimSpace(one), p.Consent.Scope) {
			return true
		}
	}
	return false
}

// Consents reports whether there is permission enough to call the lead at t: evidence that is there, young enough and for this
// where the campaign asks for it, and evidence or a declared basis in the states that bar automated sales calls. A lead that says
// no is called on no ground.
func (p *Plan) Consents(l *Lead, place *Place, t time.Time) bool {
	if refusals[l.consentCell()] {
		return false
	}
	law := p.Calling.Rules == RulesLegal && place != nil && place.NeedsConsentAt(t)
	if !p.Consent.Required && !law {
		return true
	}
	return p.evident(l, t) || !p.Consent.Required && p.Consent.Basis != ""
}

// evidenceKept is how much of an evidence is kept with an attempt, in bytes: enough to find the original by.
const evidenceKept = 200

// Evidence is on what ground the lead is called at t, as every attempt keeps it: the lead's own evidence with its source, scope and
// date, else the basis that the operator declared; "" when there is neither.
func (p *Plan) Evidence(l *Lead, t time.Time) string {
	if !p.evident(l, t) {
		if p.Consent.Basis == "" {
			return ""
		}
		return Clip("basis: "+p.Consent.Basis, evidenceKept)
	}
	parts := []string{"consent"}
	add := func(word, value string) {
		if value != "" {
			parts = append(parts, word+value)
		}
	}
	add("", l.Consent)
	add("from ", l.ConsentSource)
	add("for ", l.ConsentScope)
	if !l.ConsentAt.IsZero() {
		add("given ", stamp(l.ConsentAt))
	}
	add("list ", l.List)
	return Clip(strings.Join(parts, "; "), evidenceKept)
}
