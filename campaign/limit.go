package campaign

import (
	"time"

	"github.com/dialerd/dialerd/region"
)

// Limit is one rolling cap: at most N attempts in any stretch of Per.
type Limit struct {
	N    int
	Per  time.Duration
	said region.Cap // where a region says so; else the campaign does
}

// Reason names the cap by its length.
func (l Limit) Reason() Reason {
	switch {
	case l.Per <= 24*time.Hour:
		return ReasonCap24h
	case l.Per <= 7*24*time.Hour:
		return ReasonCap7d
	}
	return ReasonCap30d
}

// Source is who says so: the campaign, or a region and its law.
func (l Limit) Source() string {
	if l.said.Region != "" {
		return sourceOf(l.said)
	}
	switch l.Reason() {
	case ReasonCap24h:
		return "attempts.per_24h"
	case ReasonCap7d:
		return "attempts.per_7d"
	default:
		return "attempts.per_30d"
	}
}

// sourceOf names the region and the law of a cap.
func sourceOf(c region.Cap) string { return c.Region + ": " + c.Source }

// counts reports whether the cap still counts a call at t.
func (l Limit) counts(call, t time.Time) bool { return t.Before(call.Add(l.Per + CapMargin)) }

// Count is how many of some calls (oldest first) the cap counts at t.
func (l Limit) Count(calls []time.Time, t time.Time) int {
	n := 0
	for _, call := range calls {
		if l.counts(call, t) {
			n++
		}
	}
	return n
}

// free is when the next attempt would keep the cap, given the earlier ones (oldest first); zero = now.
func (l Limit) free(calls []time.Time, t time.Time) time.Time {
	if len(calls) < l.N {
		return time.Time{}
	}
	// The N-th last call must have left the stretch.
	if first := calls[len(calls)-l.N]; l.counts(first, t) {
		return first.Add(l.Per + CapMargin)
	}
	return time.Time{}
}

// eachLimit hands over every rolling cap on a phone at t: the campaign's own and those of every region that it could be in.
func (p *Plan) eachLimit(place *Place, t time.Time, do func(Limit)) {
	const day = 24 * time.Hour
	own := [...]Limit{{N: p.Attempts.Per24h, Per: day}, {N: p.Attempts.Per7d, Per: 7 * day}, {N: p.Attempts.Per30d, Per: 30 * day}}
	for _, l := range own {
		if l.N > 0 {
			do(l)
		}
	}
	p.eachCap(place, t, func(c region.Cap) {
		if !c.Completed && !c.Refusal && c.N > 0 {
			do(Limit{N: c.N, Per: c.Per, said: c})
		}
	})
}

// eachCap hands over what the law of every region that a phone could be in says about repeated calls at t.
func (p *Plan) eachCap(place *Place, t time.Time, do func(region.Cap)) {
	if place == nil || p.Calling.Rules != RulesLegal {
		return
	}
	for _, c := range place.CapsAt(t) {
		do(c)
	}
}

// Limits lists every rolling cap on a phone at t: the campaign's own and those of every region that it could be in.
func (p *Plan) Limits(place *Place, t time.Time) []Limit {
	var limits []Limit
	p.eachLimit(place, t, func(l Limit) { limits = append(limits, l) })
	return limits
}

// Quiet is one pause that follows a conversation, or a refusal: no attempt for so long after it.
type Quiet struct {
	Per     time.Duration
	Refusal bool // after a no, not after every conversation
	Reason  Reason
	said    region.Cap // where a region says so; else the campaign does
}

// Source is who says so: the campaign, or a region and its law.
func (q Quiet) Source() string {
	if q.said.Region != "" {
		return sourceOf(q.said)
	}
	return "attempts.after_conversation"
}

// eachQuiet hands over the pauses that hold for the lead's next call: the campaign's own, unless this call was agreed upon, and those of
// every region that it could be in. A cap on conversations looks at the last one only; every such row allows exactly one.
func (p *Plan) eachQuiet(l *Lead, place *Place, t time.Time, do func(Quiet)) {
	if p.Attempts.AfterConversation > 0 && !l.agreed() {
		do(Quiet{Per: p.Attempts.AfterConversation, Reason: ReasonGap})
	}
	p.eachCap(place, t, func(c region.Cap) {
		if c.Completed || c.Refusal {
			do(Quiet{Per: c.Per, Refusal: c.Refusal, Reason: quietReason(c), said: c})
		}
	})
}

// Quiets lists the pauses that hold for the lead's next call. See eachQuiet.
func (p *Plan) Quiets(l *Lead, place *Place, t time.Time) []Quiet {
	var quiets []Quiet
	p.eachQuiet(l, place, t, func(q Quiet) { quiets = append(quiets, q) })
	return quiets
}

// quietReason names the pause after a conversation by its length, as caps are; the pause after a no is a gap.
func quietReason(c region.Cap) Reason {
	if c.Refusal {
		return ReasonGap
	}
	return Limit{Per: c.Per}.Reason()
}

// agreed reports whether the person asked for the next call: then no pause after the conversation holds it off.
func (l *Lead) agreed() bool { return l.Promised || l.Disposition == Callback }
