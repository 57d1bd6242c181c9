package region

import "time"

// Judgement is what one row says on one clock: a line of the trace.
type Judgement struct {
	Region     string // empty: the campaign's own hours
	Zone       string
	Local      time.Time // the instant on that clock
	Day        string    // weekday, the name of the no-call day, or what the operator blocked it for
	Spans      []Span    // what is open on that day
	Pass       bool
	Reason     Reason // why not
	Source     string
	Confidence string
	Dates      string // when the row is in force, "since 2026-10-18"; empty = neither beginning nor end is known
}

// Verdict is the whole answer for a place at an instant.
type Verdict struct {
	Window
	Rows []Judgement
}

// Allowed asks the law alone, without guards, whether a call to all these regions and zones is allowed at an instant, and
// says why. It is for people to read; Compile and Window are for deciding. Unknown regions and zones are errors.
func (t *Tables) Allowed(regions, zones []string, at time.Time) (Verdict, error) {
	c, err := t.Compile(regions, zones)
	if err != nil {
		return Verdict{Window: Window{Reason: NoZone}}, err
	}
	return Verdict{c.Window(at, nil, 0, 0), c.Explain(at, nil)}, nil
}

// Explain lists every row that has a say at t, on every clock, the campaign's hours last.
func (c *Compiled) Explain(t time.Time, week *Week) []Judgement {
	var out []Judgement
	for i := range c.clocks {
		k := &c.clocks[i]
		day, second := k.local(t.Unix())
		k.each(day, week, func(v voice) {
			j := Judgement{Zone: k.zone, Local: t.In(k.loc), Day: weekdayOf(day).String(), Spans: v.spans}
			if j.Pass, _, _ = v.around(second, t.Unix()-int64(second)); !j.Pass {
				j.Reason = v.reason()
			}
			switch row := v.said.Row; {
			case v.law == nil:
				j.Source = "campaign hours"
			case v.own != nil || v.block != nil:
				j.Region, j.Source, j.Confidence = v.law.Region, "operator", "high"
			case row != nil:
				j.Region, j.Source, j.Confidence, j.Dates = v.law.Region, row.Source, row.Confidence, row.inForce()
			default:
				j.Region, j.Source, j.Confidence = v.law.Region, "no row is in force", "high"
			}
			switch b := v.blocked(); {
			case b != nil:
				j.Day = b.String()
			case v.law != nil && v.own == nil && v.said.Reason == Holiday:
				j.Day = v.law.dayName(day)
			}
			out = append(out, j)
		})
	}
	return out
}
