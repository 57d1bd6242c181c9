package region

import (
	"fmt"
	"strings"
)

const (
	dayMinutes = 24 * 60
	daySeconds = dayMinutes * 60
)

// String is the span as tables and files write it, "09:00-20:00".
func (s Span) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60)
}

// ParseSpans reads one or several spans of a day: "09:00-20:00", "10:00-13:00+14:00-20:00", or "none" for a closed day.
// They must be in order and must not overlap; "24:00" is the end of the day. A span over midnight is refused: it is two
// days' business.
func ParseSpans(text string) ([]Span, error) {
	if text == "none" {
		return nil, nil
	}
	var spans []Span
	for part := range strings.SplitSeq(text, "+") {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			return nil, fmt.Errorf("span %q: want HH:MM-HH:MM, or none", part)
		}
		var s Span
		var err error
		if s.From, err = parseMinute(from); err != nil {
			return nil, err
		}
		if s.To, err = parseMinute(to); err != nil {
			return nil, err
		}
		if s.From >= s.To {
			return nil, fmt.Errorf("span %q: its end is not after its start", part)
		}
		if n := len(spans); n > 0 && s.From < spans[n-1].To {
			return nil, fmt.Errorf("span %q: overlaps %v or is out of order", part, spans[n-1])
		}
		spans = append(spans, s)
	}
	return spans, nil
}

// parseMinute reads "HH:MM" from 00:00 to 24:00 as minutes from midnight.
func parseMinute(s string) (int, error) {
	digit := func(i int) bool { return s[i] >= '0' && s[i] <= '9' }
	if len(s) != 5 || s[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4) {
		return 0, fmt.Errorf("time %q: want HH:MM", s)
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	if m > 59 || h*60+m > dayMinutes {
		return 0, fmt.Errorf("time %q: want 00:00 to 24:00", s)
	}
	return h*60 + m, nil
}

// FormatSpans is the reverse of ParseSpans.
func FormatSpans(spans []Span) string {
	if len(spans) == 0 {
		return "none"
	}
	parts := make([]string, len(spans))
	for i, s := range spans {
		parts[i] = s.String()
	}
	return strings.Join(parts, "+")
}
