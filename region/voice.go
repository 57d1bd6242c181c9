package region

import "slices"

// voice is one thing that has a say on a clock on a day: a law by its tables, what an operator added to it, or the campaign's hours.
type voice struct {
	law   *Law   // nil: the campaign's own hours
	said  Day    // of a law by its tables
	block *Block // of a law: closed by the operator from one instant to another
	own   *ownHours
	spans []Span
}

// each lets everything speak that has a say on a day, the laws first, the campaign last.
func (k *clock) each(day int, week *Week, see func(voice)) {
	weekday := weekdayOf(day)
	for _, law := range k.laws {
		said := law.on(day)
		if !k.own {
			if said.Row != nil && slices.Contains(said.Row.Clocks, k.zone) {
				see(voice{law: law, said: said, spans: said.Spans})
			}
			continue
		}
		see(voice{law: law, said: said, spans: said.Spans})
		for _, b := range law.blocks {
			if b.instants {
				see(voice{law: law, block: b})
			}
		}
		for _, o := range law.own {
			if o.named[weekday] {
				see(voice{law: law, own: o, spans: o.week[weekday]})
			}
		}
	}
	if week != nil && k.own {
		see(voice{spans: week[weekday]})
	}
}

// around finds the piece of the day that a second of it lies in, and whether the voice calls it open.
func (v voice) around(second int, midnight int64) (open bool, from, to int) {
	if v.block == nil {
		return around(v.spans, second)
	}
	clip := func(at int64) int { return int(min(max(at-midnight, 0), daySeconds)) }
	from, to = clip(v.block.from), clip(v.block.to)
	switch {
	case second < from:
		return true, 0, from
	case second < to:
		return false, from, to
	}
	return true, to, daySeconds
}

// reason is why the voice says no, when it does.
func (v voice) reason() Reason {
	switch {
	case v.block != nil:
		return Holiday
	case v.own == nil && v.law != nil && v.said.Reason != "":
		return v.said.Reason
	}
	return OutsideWindow
}

// blocked is what the operator closed it for, or nil.
func (v voice) blocked() *Block {
	if v.block != nil {
		return v.block
	}
	return v.said.Block
}

// who names the voice.
func (v voice) who() string {
	switch {
	case v.law == nil:
		return "campaign"
	case v.own != nil:
		return "operator's hours of " + v.own.region
	}
	return v.law.Region
}
