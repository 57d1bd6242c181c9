package campaign

import (
	"strings"
	"time"

	"github.com/dialerd/dialerd/region"
)

// Promise reads the time at which a person asked to be called again, as an agent wrote it down.
type Promise struct {
	Zones []string       // everywhere that the person may be; none = nobody knows
	Home  *time.Location // whose clock counts where nobody knows; nil = UTC
	Ended time.Time      // when the call ended in which it was said
}

// farthestPromise is how far ahead a callback can be promised. Beyond it a machine misheard.
const farthestPromise = 366 * 24 * time.Hour

// dayForms are the ways of writing a time of day alone, without spaces and full stops, in capitals.
var dayForms = []string{"15:04", "15:04:05", "3:04PM", "3PM"}

// Read reads a text; zero when it is no time, or none that lies ahead and could have been promised. A time without an offset is one on
// the person's own clock: of all that it may be the latest, which is never too early. A time of day alone is the next one, a date alone
// its beginning.
func (p Promise) Read(text string) time.Time {
	var at time.Time
	for _, zone := range p.clocks() {
		t, absolute := p.on(zone, text)
		if t.After(at) {
			at = t
		}
		if absolute {
			break
		}
	}
	if !at.After(p.Ended) || at.Sub(p.Ended) > farthestPromise {
		return time.Time{}
	}
	return at
}

// clocks are those that the person's may be.
func (p Promise) clocks() []*time.Location {
	var clocks []*time.Location
	for _, name := range p.Zones {
		if zone, err := region.Zone(name); err == nil {
			clocks = append(clocks, zone)
		}
	}
	switch {
	case len(clocks) > 0:
		return clocks
	case p.Home != nil:
		return []*time.Location{p.Home}
	}
	return []*time.Location{time.UTC}
}

// on reads a text by a zone's clock; absolute says that it is the same on every clock.
func (p Promise) on(zone *time.Location, text string) (at time.Time, absolute bool) {
	text = strings.TrimSpace(text)
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			if strings.Contains(form, "Z07:00") {
				return t, true
			}
			return fromWall(t, zone), false
		}
	}
	word := strings.ToUpper(strings.NewReplacer(" ", "", ".", "").Replace(text))
	for _, form := range dayForms {
		t, err := time.Parse(form, word)
		if err != nil {
			continue
		}
		y, m, d := p.Ended.In(zone).Date()
		h, mi, s := t.Clock()
		at = fromWall(time.Date(y, m, d, h, mi, s, 0, time.UTC), zone)
		if !at.After(p.Ended) {
			at = fromWall(time.Date(y, m, d+1, h, mi, s, 0, time.UTC), zone)
		}
		return at, false
	}
	return time.Time{}, false
}
