package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// attention lists what needs a person, the worst first.
func (s *Source) attention(r *reading) []Notice {
	all := []Notice{}
	add := func(level, do, format string, args ...any) {
		all = append(all, Notice{Level: level, Text: fmt.Sprintf(format, args...), Do: absent(do)})
	}
	for _, t := range r.Teams {
		if t.Paused != nil {
			add(LevelError, "", "Team %s is paused: %s.", t.Team, strings.TrimSuffix(*t.Paused, "."))
		}
		if l := t.Limit; l != nil && l.Throttled > 0 && l.Effective < l.Requests {
			add(LevelWarning, "", "Team %s: the API answered 429, so only %d of %d requests are used for now. Does somebody else use this API token?",
				t.Team, l.Effective, l.Requests)
		}
		switch {
		case t.Audit.Full():
			add(LevelError, "dialerd doctor", "Team %s is not called: %d entries of the record of decisions wait for the archiver, which is as many as may.", t.Team,
				t.Audit.Backlog)
		case t.Audit.Late():
			add(LevelWarning, "dialerd doctor", "Team %s: the record of decisions is not archived since %s; at %d waiting entries calls stop.", t.Team,
				time.Duration(*t.Audit.Behind*float64(time.Second)).Round(time.Minute), t.Audit.Limit)
		}
		if t.Late() {
			add(LevelWarning, "dialerd unresolved", "Team %s: %s without an outcome for too long.", t.Team, count(*t.Unresolved, "call"))
		}
	}
	for _, d := range r.damaged {
		add(LevelError, "", "Campaign %s is not called: its record cannot be read (%s). Apply its file again, then run dialerd fsck.", d.Campaign, d.Why)
	}
	for _, c := range r.Campaigns {
		if c.Problem != nil {
			add(LevelError, "", "Campaign %s is not called: %s.", c.Campaign, strings.TrimSuffix(*c.Problem, "."))
		}
		if c.Leads.Held > 0 {
			add(LevelWarning, "dialerd where "+c.Campaign, "Campaign %s: %s held%s.", c.Campaign, count(c.Leads.Held, "lead"), why(c.Held))
		}
	}
	for _, role := range []string{"feed", "work"} {
		if idle := s.unserved(r, role); len(idle) > 0 {
			add(LevelError, "dialerd serve", "Nobody dials for %s: no daemon with the role %s was heard of in the last minute.", strings.Join(idle, ", "), role)
		}
	}
	if p := r.Replicas.Problem; p != nil {
		level := LevelWarning
		if r.Replicas.Blocked {
			level = LevelError
		}
		add(level, "dialerd doctor", "%s.", *p)
	}
	clock := func(who string, offset float64) {
		add(LevelError, "", "%s clock is off by %s from Redis', so it does not dial: synchronise both (NTP).", who,
			time.Duration(offset*float64(time.Second)).Abs().Round(100*time.Millisecond))
	}
	if r.ownClockOff() {
		clock("This machine's", *r.ClockOffset)
	}
	for i := range r.daemons {
		if d := &r.daemons[i]; d.ID != s.ID && d.ClockOff() {
			clock("Daemon "+d.ID+": its", *d.Clock)
		}
	}
	if h := r.hooks; h != nil {
		if h.Overloaded > 0 {
			add(LevelError, "", "%s turned away because Redis and the spool on disk did not take them; their calls are settled by looking them up.",
				count(int(h.Overloaded), "event"))
		}
		if waiting := h.Spooled - h.Drained; waiting > 0 {
			add(LevelWarning, "", "%s in the spool on disk since this process started.", count(int(waiting), "event"))
		}
	}
	for name, d := range r.queues {
		if d.Archived > 0 {
			add(LevelWarning, "", "Queue %s: %s given up.", name, count(int(d.Archived), "task"))
		}
	}
	slices.SortStableFunc(all, func(a, b Notice) int { return strings.Compare(a.Level, b.Level) }) // error before warning
	return all
}

// unserved are the teams with running campaigns for which no daemon has a role. A daemon that names no teams may serve any.
func (s *Source) unserved(r *reading, role string) []string {
	var idle []string
	for _, c := range r.Campaigns {
		if c.State != campaign.Running || slices.Contains(idle, c.Team) {
			continue
		}
		if !slices.ContainsFunc(r.Daemons, func(d DaemonStatus) bool {
			return slices.Contains(d.Roles, role) && (len(d.Teams) == 0 || slices.Contains(d.Teams, c.Team))
		}) {
			idle = append(idle, c.Team)
		}
	}
	return idle
}

// why lists reasons with their counts, as in " (no_zone 8, no_consent 4)".
func why(by map[campaign.Reason]int) string {
	var parts []string
	for _, reason := range most(by) {
		if by[reason] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", reason, by[reason]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// most are the keys of counts, the most frequent first.
func most[K cmp.Ordered](counts map[K]int) []K {
	return slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// count is a number of things with their verb: "1 lead is", "2 leads are".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return fmt.Sprintf("%d %ss are", n, noun)
}
