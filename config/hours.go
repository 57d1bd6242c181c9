package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/dialerd/dialerd/campaign"
)

// weekdays are the days as files name them, in the order of time.Weekday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// fullDays are the long names, which are read too.
var fullDays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// span is a time of day in minutes from midnight, half open.
type span struct{ from, to int }

func (s span) String() string { return clock(s.from) + "-" + clock(s.to) }

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

const dayMinutes = 24 * 60

// weekHours is the calling hours of a week: {mon-fri: "09:00-20:00", sat: "10:00-12:00,13:00-18:00"}. A day that is not named
// is closed.
type weekHours struct {
	given  bool
	days   [7][]span // in order of time
	closed [7]bool   // named as closed
}

// decode reads the days and their spans. Several keys may name the same day as long as their spans do not overlap and none closes it.
func (h *weekHours) decode(d *decoder, path string, node ast.Node) {
	h.given = true
	open, bad := false, false
	ok := d.each(path, node, func(key string, value ast.Node) {
		at := join(path, key)
		days, err := parseDays(key)
		if err != nil {
			d.fail(at, "%s", err)
		}
		text, ok := d.text(at, value, `hours, as in "09:00-20:00"`)
		if !ok || err != nil {
			bad = true
			return
		}
		spans, err := parseSpans(text)
		if err != nil {
			d.fail(at, "%s", err)
			bad = true
			return
		}
		open = open || len(spans) > 0
		for _, day := range days {
			if clash := h.add(day, spans); clash != "" {
				d.fail(at, "%s", clash)
				bad = true
				return
			}
		}
	})
	if ok && !open && !bad {
		d.fail(path, "opens on no day at all; name days with hours, or remove the key for every hour")
	}
}

// add puts spans into a day; none closes it. It says how that clashes with what another key gives for the day, or nothing.
func (h *weekHours) add(day int, spans []span) (clash string) {
	switch there := h.days[day]; {
	case len(spans) == 0 && len(there) > 0:
		return fmt.Sprintf("closes %s, for which another key gives %s; write each day once", weekdays[day], there[0])
	case len(spans) > 0 && h.closed[day]:
		return fmt.Sprintf("opens %s, which another key closes; write each day once", weekdays[day])
	}
	for _, s := range spans {
		for _, old := range h.days[day] {
			if s.from < old.to && old.from < s.to {
				return fmt.Sprintf("overlaps %s, which another key gives for %s; keep one of the two", old, weekdays[day])
			}
		}
	}
	h.closed[day] = len(spans) == 0
	h.days[day] = append(slices.Clone(h.days[day]), spans...)
	slices.SortFunc(h.days[day], func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return ""
}

// week is the hours as the rules take them: every hour when none are given. Spans that touch become one.
func (h *weekHours) week() campaign.Week {
	var w campaign.Week
	for day := range w {
		spans := h.days[day]
		if !h.given {
			spans = []span{{0, dayMinutes}}
		}
		for _, s := range spans {
			if n := len(w[day]); n > 0 && w[day][n-1].To == s.from {
				w[day][n-1].To = s.to
				continue
			}
			w[day] = append(w[day], campaign.Week{{{From: s.from, To: s.to}}}[0]...)
		}
	}
	return w
}

// parseDays reads the days that a key names: mon, mon-fri, sat-mon, or several of them as in mon,wed,fri; daily is every day.
func parseDays(key string) ([]int, error) {
	var days []int
	for part := range strings.SplitSeq(key, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		if part == "daily" {
			part = "mon-sun"
		}
		first, last, isRange := strings.Cut(part, "-")
		from, err := parseDay(first)
		if err != nil {
			return nil, err
		}
		to := from
		if isRange {
			if to, err = parseDay(last); err != nil {
				return nil, err
			}
		}
		for day := from; ; day = (day + 1) % 7 {
			if slices.Contains(days, day) {
				return nil, fmt.Errorf("names %s twice; name each day once", weekdays[day])
			}
			days = append(days, day)
			if day == to {
				break
			}
		}
	}
	return days, nil
}

func parseDay(name string) (int, error) {
	name = strings.TrimSpace(name)
	if i := slices.Index(weekdays, name); i >= 0 {
		return i, nil
	}
	if i := slices.Index(fullDays, name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("names %q, which is not a day; write mon, mon-fri, \"mon,wed\" or daily%s", short(name), didYouMean(name, append(slices.Clone(fullDays), weekdays...)))
}

// parseSpans reads one or several spans of a day, with commas or plus signs between them; closed is none.
func parseSpans(text string) ([]span, error) {
	if text == "closed" {
		return nil, nil
	}
	var spans []span
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "+", ","), ",") {
		first, last, ok := strings.Cut(strings.TrimSpace(part), "-")
		if !ok {
			return nil, errors.New("is not a span of hours; write \"09:00-20:00\", or closed")
		}
		from, err := parseClock(first)
		if err != nil {
			return nil, err
		}
		to, err := parseClock(last)
		if err != nil {
			return nil, err
		}
		s := span{from, to}
		switch {
		case to == 0 && from > 0:
			return nil, fmt.Errorf("ends at 00:00, which is the day's beginning; write %s-24:00", clock(from))
		case from == to:
			return nil, fmt.Errorf("has a span without length (%s); write its end after its beginning", s)
		case from > to:
			return nil, fmt.Errorf("has a span over midnight (%s); write %s-24:00 here and 00:00-%s on the day after", s, clock(from), clock(to))
		}
		for _, other := range spans {
			if s.from < other.to && other.from < s.to {
				return nil, fmt.Errorf("has spans that overlap (%s and %s); join them into one", other, s)
			}
		}
		spans = append(spans, s)
	}
	return spans, nil
}

// parseClock reads H:MM or HH:MM from 0:00 to 24:00 as minutes from midnight.
func parseClock(text string) (int, error) {
	text = strings.TrimSpace(text)
	hours, minutes, ok := strings.Cut(text, ":")
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	if !ok || errH != nil || errM != nil || len(hours) > 2 || len(minutes) != 2 || m > 59 || h*60+m > dayMinutes {
		return 0, fmt.Errorf("has %q, which is not a time of day; write 00:00 to 24:00, as in 09:00-20:00", short(text))
	}
	return int(h*60 + m), nil
}
