package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units of a duration, longest first.
var units = []struct {
	name string
	unit time.Duration
}{
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// ParseDuration reads a length of time as the files write it: numbers with a unit, from the longest unit to the shortest,
// as in 90s, 30m, 1.5h, 540d, 1d12h. Units are w d h m s ms; a day is 24 hours. A plain number is refused, because nobody can say
// whether it means seconds or minutes; so is anything below zero.
func ParseDuration(text string) (time.Duration, error) {
	rest := text
	if rest == "" {
		return 0, errors.New("is empty; write a number with a unit, as in 90s, 30m, 4h or 1d")
	}
	if _, err := strconv.ParseFloat(rest, 64); err == nil {
		return 0, fmt.Errorf("has no unit; write %ss, %sm, %sh or %sd", rest, rest, rest, rest)
	}
	var total float64
	last := -1
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if n <= 0 {
			return 0, errors.New("is not a length of time; write a number with a unit, as in 90s, 30m, 4h or 1d12h")
		}
		number, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, errors.New("is not a length of time; write a number with a unit, as in 90s, 30m, 4h or 1d12h")
		}
		rest = rest[n:]
		letters := strings.IndexFunc(rest, func(r rune) bool { return r == '.' || (r >= '0' && r <= '9') })
		if letters < 0 {
			letters = len(rest)
		}
		unit := unitIndex(rest[:letters])
		switch {
		case unit < 0:
			return 0, fmt.Errorf("has the unknown unit %q; the units are w, d, h, m, s and ms", short(rest[:letters]))
		case unit <= last:
			return 0, errors.New("has its units out of order; write the longest first, as in 1d12h")
		}
		last, rest = unit, rest[letters:]
		total += number * float64(units[unit].unit)
	}
	if total >= math.MaxInt64 {
		return 0, errors.New("is longer than 292 years")
	}
	return time.Duration(math.Round(total)), nil
}

func unitIndex(name string) int {
	for i := range units {
		if units[i].name == name {
			return i
		}
	}
	return -1
}

// FormatDuration writes a length of time as ParseDuration reads it: 540d, 1d12h, 90s.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units[1:] { // days are longer than weeks in files, so weeks are left out
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.unit
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
