package region

import (
	"math"
	"time"
)

// Horizon is how far ahead the next opening is looked for. What opens in no two weeks is held for a person to look at.
const Horizon = 14 * 24 * time.Hour

const horizonSeconds = int64(Horizon / time.Second)

// Window is whether a place may be called at an instant.
type Window struct {
	Open bool
	// From is when the window that is open began, its guard included; zero when it is closed or began long ago.
	From time.Time
	// Until is when the answer changes: open, the end of the window less its guard, zero when no end is in sight; closed, the
	// next opening and its guard, zero when there is none within the Horizon.
	Until  time.Time
	Reason Reason // why it is closed
	// Blame is who closes it, in words: "US-AL in America/Chicago: 2026-12-25 Christmas", "campaign in America/New_York: Monday
	// 09:00-17:00". Empty when open.
	Blame string
}

const memoSize = 16

// memo is an answer and how long it stays good, for one asker.
type memo struct {
	week        *Week
	close, open time.Duration
	from, to    time.Time // good in [from, to)
	window      Window
}

// At asks the law alone, without guards: whether a call is allowed at t, and until when that answer holds (zero: longer than
// the Horizon).
func (c *Compiled) At(t time.Time) (open bool, until time.Time) {
	w := c.Window(t, nil, 0, 0)
	return w.Open, w.Until
}

// Window asks whether the place may be called at t: the law of every region and, if week is not nil, the campaign's own
// hours must be open on the clock of every zone. No call is placed in the first openGuard and the last closeGuard of
// a window; a window that is not longer than both is none. A week must not change once it was used here.
func (c *Compiled) Window(t time.Time, week *Week, closeGuard, openGuard time.Duration) Window {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.memo {
		m := &c.memo[i]
		if m.week == week && m.close == closeGuard && m.open == openGuard && !t.Before(m.from) && t.Before(m.to) {
			return m.window
		}
	}
	m := memo{week: week, close: closeGuard, open: openGuard}
	c.answer(t, &m)
	c.memo[c.next] = m
	c.next = (c.next + 1) % memoSize
	return m.window
}

// answer works out the window at t and how long the answer is good.
func (c *Compiled) answer(t time.Time, m *memo) {
	s := c.all(t.Unix(), m.week)
	m.from = t
	if s.open {
		s = c.whole(s, m.week)
		from, until := m.usable(s)
		if (from.IsZero() || !t.Before(from)) && (until.IsZero() || t.Before(until)) {
			m.window = Window{Open: true, From: from, Until: until}
			if !from.IsZero() {
				m.from = from
			}
			// Without an end in sight, look again well before what was seen is used up.
			if m.to = until; until.IsZero() {
				m.to = t.Add(Horizon / 2)
			}
			return
		}
		m.window = c.guarded(s, m.week)
		if t.Before(from) && (until.IsZero() || from.Before(until)) {
			m.window.Until, m.to = from, from
			return
		}
		m.to = time.Unix(s.to, 0).UTC()
	} else {
		m.window = c.blame(t.Unix(), m.week)
		m.to = time.Unix(min(s.edge, t.Unix()+horizonSeconds), 0).UTC()
	}
	limit := c.limit(t.Unix())
	m.window.Until = c.opening(s.to, limit, m)
	if m.window.Until.IsZero() {
		c.hopeless(limit, &m.window)
	}
}

// whole grows an open stretch over midnights and clock changes to all of the open time around it, up to the horizon.
func (c *Compiled) whole(s stretch, week *Week) stretch {
	first, last := s.from-horizonSeconds, s.to+horizonSeconds
	for s.to <= last {
		next := c.all(s.to, week)
		if !next.open {
			break
		}
		s.to = next.to
	}
	for s.from >= first {
		prev := c.all(s.from-1, week)
		if !prev.open {
			break
		}
		s.from = prev.from
	}
	if s.to > last {
		s.to = math.MaxInt64
	}
	if s.from < first {
		s.from = math.MinInt64
	}
	return s
}

// usable is a whole open stretch less the guards. Zero stands for no end in sight.
func (m *memo) usable(s stretch) (from, until time.Time) {
	if s.from != math.MinInt64 {
		from = time.Unix(s.from, 0).UTC().Add(m.open)
	}
	if s.to != math.MaxInt64 {
		until = time.Unix(s.to, 0).UTC().Add(-m.close)
	}
	return from, until
}

// opening is the start of the first usable window that begins at or after an instant, which must be at the end of a stretch;
// zero when there is none up to limit.
func (c *Compiled) opening(at, limit int64, m *memo) time.Time {
	for at <= limit {
		s := c.all(at, m.week)
		if s.open {
			s = c.whole(s, m.week)
			from, until := m.usable(s)
			if until.IsZero() || from.Before(until) {
				return from
			}
		}
		if s.to == math.MaxInt64 {
			break
		}
		at = s.to
	}
	return time.Time{}
}

// limit is how far ahead of an instant the next opening is looked for: the Horizon, from the end of whatever an operator blocked
// until then, since a block ends by itself.
func (c *Compiled) limit(at int64) int64 {
	limit := at + horizonSeconds
	for moved := true; moved; {
		moved = false
		for _, law := range c.laws {
			for _, b := range law.blocks {
				if from, to := b.reach(); from <= limit && at < to && limit < to+horizonSeconds {
					limit, moved = to+horizonSeconds, true
				}
			}
		}
	}
	return limit
}

// blame says why it is closed at an instant. What no time mends comes first, then no-call days, then hours.
func (c *Compiled) blame(at int64, week *Week) Window {
	best := judged{reason: NoWindow}
	for i := range c.clocks {
		k := &c.clocks[i]
		day, second := k.local(at)
		k.each(day, week, func(v voice) {
			if open, _, _ := v.around(second, at-int64(second)); open {
				return
			}
			if reason := v.reason(); best.clock == nil || v.law != nil && rank(reason) > rank(best.reason) {
				best = judged{clock: k, voice: v, day: day, reason: reason}
			}
		})
	}
	return Window{Reason: best.reason, Blame: best.words()}
}

// judged is one voice that says no.
type judged struct {
	clock *clock // nil: nobody, the place is empty
	voice
	day    int
	reason Reason
}

func rank(r Reason) int {
	if r == NoWindow || r == RulesExpired {
		return 2
	}
	if r == Holiday {
		return 1
	}
	return 0
}

// words puts a judgement into words.
func (j judged) words() string {
	if j.clock == nil {
		return "no region or no zone is known"
	}
	who := j.who() + " in " + j.clock.zone + ": "
	switch {
	case j.reason == RulesExpired:
		return who + "no-call days are known up to " + dateOf(j.law.list.last()).Format(time.DateOnly)
	case j.reason == NoWindow && j.law.Region == Unplaced:
		return who + "nobody knows the place"
	case j.reason == NoWindow && j.said.Row == nil:
		return who + "no row of the tables is in force on " + dateOf(j.day).Format(time.DateOnly)
	case j.reason == NoWindow:
		return who + "no-call days are not known"
	case j.blocked() != nil:
		return who + j.blocked().String()
	case j.reason == Holiday:
		return who + dateOf(j.day).Format(time.DateOnly) + " " + j.law.dayName(j.day) + " " + FormatSpans(j.spans)
	}
	return who + weekdayOf(j.day).String() + " " + FormatSpans(j.spans)
}

// guarded says who opens or closes a window whose guard t is in.
func (c *Compiled) guarded(s stretch, week *Week) Window {
	edge := s.to
	if edge == math.MaxInt64 {
		edge = s.from - 1
	}
	return Window{Reason: OutsideWindow, Blame: "guard; then " + c.blame(edge, week).Blame}
}

// hopeless gives the reason for a place that does not open any more.
func (c *Compiled) hopeless(limit int64, w *Window) {
	if rank(w.Reason) == 2 {
		return
	}
	w.Reason = NoWindow
	for i := range c.clocks {
		k := &c.clocks[i]
		day, _ := k.local(limit)
		for _, law := range k.laws {
			if said := law.on(day); said.Reason == RulesExpired {
				w.Reason = RulesExpired
				w.Blame = judged{clock: k, voice: voice{law: law, said: said}, day: day, reason: RulesExpired}.words()
				return
			}
		}
	}
}
