package region

import "time"

// Judgement is what one row says on one clock: a line of the trace.
type Judgement struct {
	Region     string // empty: the campaign's own hours
	Zone       string
	Local      time.Time // the instant on that clock
	Day        string    // weekday, or the name of the no-call day
	Spans      []Span    // what is open on that day
	Pass       bool
	Reason     Reason // why not
	Source     string
	Confidence string
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
		local := t.In(k.loc)
		day, second := k.local(t.Unix())
		judge := func(j Judgement) {
			j.Zone, j.Local = k.zone, local
			if j.Day == "" {
				j.Day = weekdayOf(day).String()
			}
			if j.Pass, _, _ = around(j.Spans, second); j.Pass {
				j.Reason = ""
			} else if j.Reason == "" {
				j.Reason = OutsideWindow
			}
			out = append(out, j)
		}
		for _, rule := range k.rules {
			d := rule.on(day)
			j := Judgement{Region: rule.Region, Spans: d.Spans, Reason: d.Reason, Source: rule.Source, Confidence: rule.Confidence}
			if d.Reason == Holiday {
				j.Day = rule.dayName(day)
			}
			judge(j)
		}
		if week != nil && k.own {
			judge(Judgement{Spans: week[weekdayOf(day)], Source: "campaign hours"})
		}
	}
	return out
}
