package simulator

import (
	"slices"
	"strconv"
	"time"
)

// Outcome is what a person, or the line, does when the phone rings.
type Outcome string

// The outcomes; the package comment says how each of them shows.
const (
	Completed     Outcome = "completed"
	NoAnswer      Outcome = "no_answer"
	Busy          Outcome = "busy"
	Voicemail     Outcome = "voicemail"
	HangUp        Outcome = "hang_up"
	NotInterested Outcome = "not_interested"
	Callback      Outcome = "callback"
	OptOut        Outcome = "opt_out"
	Transferred   Outcome = "transferred"
	WrongNumber   Outcome = "wrong_number"
	Failed        Outcome = "failed"
	Cancelled     Outcome = "cancelled"
	Suppressed    Outcome = "suppressed"
	Strange       Outcome = "strange"
	Stuck         Outcome = "stuck"
)

// Outcomes are all outcomes, in the order in which weights are summed.
var Outcomes = []Outcome{
	Completed, NoAnswer, Busy, Voicemail, HangUp, NotInterested, Callback, OptOut, Transferred, WrongNumber,
	Failed, Cancelled, Suppressed, Strange, Stuck,
}

// meeting is one ring and what comes of it. Durations are unhurried (not divided by Speed).
type meeting struct {
	outcome  Outcome
	ring     time.Duration // from the request to an answer, or to the end when there is none
	talk     time.Duration // 0 when nobody and nothing answers
	callback time.Duration // from the end of the call to the promised time; 0 when none was promised
	vague    bool          // the promised time is words
	voice    uint64        // seeds what is said
}

// meet is the n-th ring (from 1) of a phone. It depends on nothing but its arguments and p.
func (p People) meet(seed uint64, phone string, n int) meeting {
	d := roll(seed, "person", phone, strconv.Itoa(n))
	m := meeting{outcome: p.draw(d)} // drawn even when overridden: the durations stay the same
	if list := p.Phones[phone]; len(list) > 0 {
		m.outcome = list[min(n, len(list))-1]
	}
	if p.blocked(seed, phone) {
		m.outcome = Suppressed
	}
	m.ring, m.talk = d.between(p.Ring), d.between(p.Talk)
	callback, vague := d.between(p.Callback), d.hit(p.Vague)
	m.voice = d.next()
	if lasts, ok := talks[m.outcome]; ok {
		m.talk = min(m.talk, roll(m.voice).between(lasts))
	}
	switch m.outcome { //nolint:exhaustive // the others need nothing more
	case NoAnswer, Cancelled:
		m.ring = p.Ring.Max.Duration()
	case Busy, Failed:
		m.ring = min(m.ring, 2*time.Second)
	case Suppressed:
		m.ring = 0
	case Callback:
		m.callback, m.vague = callback, vague
	}
	return m
}

// talks are how long the short conversations last at most; outcomes that are not named talk at full length.
var talks = map[Outcome]Span{
	NoAnswer: {}, Busy: {}, Failed: {}, Cancelled: {}, Suppressed: {},
	HangUp: {1, 4}, WrongNumber: {5, 15}, OptOut: {8, 20}, NotInterested: {10, 40}, Voicemail: {15, 40},
}

func (p People) draw(d *dice) Outcome {
	sum := 0.0
	for _, o := range Outcomes {
		sum += p.Weights[o]
	}
	u := d.unit() * sum
	for _, o := range Outcomes {
		if u -= p.Weights[o]; u < 0 {
			return o
		}
	}
	return NoAnswer
}

func (p People) blocked(seed uint64, phone string) bool {
	return slices.Contains(p.Suppressed, phone) || p.SuppressedShare > 0 && roll(seed, "blocked", phone).hit(p.SuppressedShare)
}

// Meet says what the n-th ring (from 1) of a phone leads to under the present profile, without ringing it: tests compute from it what
// a campaign should end with. [Server.Suppress] and SuppressAfterOptOut are not looked at.
func (s *Server) Meet(phone string, n int) Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.profile.People.meet(s.cfg.Seed, phone, max(n, 1)).outcome
}
