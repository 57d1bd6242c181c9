package region

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// era is a stretch of time in which the same rows are in force at a place, but for its hours, which every clock looks up by its own
// date.
type era struct {
	from    int64 // seconds since 1970
	caps    []Cap
	sources []string
	consent bool
}

// dateSlack is how far a date's first instant lies from the same date's in UTC, anywhere. Around a change both rows count.
const dateSlack = 14 * 3600

// eras cuts time where a row of the laws begins or ends.
func eras(laws []*Law) []era {
	points := []int64{math.MinInt64}
	for _, l := range laws {
		for _, r := range l.Rows {
			from, until := r.reach()
			if from != math.MinInt64 {
				points = append(points, from)
			}
			if until != math.MaxInt64 {
				points = append(points, until)
			}
		}
	}
	slices.Sort(points)
	var out []era
	for _, at := range slices.Compact(points) {
		e := era{from: at}
		for _, l := range laws {
			for _, r := range l.Rows {
				if from, until := r.reach(); at < from || until <= at {
					continue
				}
				e.caps = append(e.caps, r.Caps...)
				e.sources = append(e.sources, r.source())
				e.consent = e.consent || r.Consent != ""
			}
		}
		strictestFirst(e.caps)
		out = append(out, e)
	}
	return out
}

// reach is when a row is in force on any clock of the world.
func (d dates) reach() (from, until int64) {
	from, until = math.MinInt64, math.MaxInt64
	if d.from != firstDay {
		from = int64(d.from)*daySeconds - dateSlack
	}
	if d.until != lastDay {
		until = int64(d.until)*daySeconds + dateSlack
	}
	return from, until
}

// source says where a row comes from, how sure that is, and when it is in force.
func (r *Rule) source() string {
	s := r.Region + ": " + r.Source + " (" + r.Confidence + " confidence"
	if in := r.inForce(); in != "" {
		s += ", in force " + in
	}
	return s + ")"
}

// era is the one that an instant lies in.
func (c *Compiled) era(t time.Time) *era {
	at := t.Unix()
	i := len(c.eras) - 1
	for i > 0 && at < c.eras[i].from {
		i--
	}
	return &c.eras[i]
}

func strictestFirst(caps []Cap) {
	slices.SortStableFunc(caps, func(a, b Cap) int { return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(b.Per, a.Per)) })
}

// Caps lists the caps of all the regions, which all hold at once; the strictest ones come first. Rows that had ended when the tables
// were put together are left out.
func (t *Tables) Caps(regions []string) []Cap {
	var caps []Cap
	for _, name := range unique(regions) {
		for _, r := range t.Rules(name) {
			if !r.ended(t.day) {
				caps = append(caps, r.Caps...)
			}
		}
	}
	strictestFirst(caps)
	return caps
}
