package campaign

import "time"

// TeamBudget bounds what all campaigns of a team do together.
type TeamBudget struct {
	CallsPerDay int            // 0 = no limit
	Zone        *time.Location // whose days they are; nil = UTC
}

func (b TeamBudget) zone() *time.Location {
	if b.Zone == nil {
		return time.UTC
	}
	return b.Zone
}

// Day names the day of the team's zone that now falls on.
func (b TeamBudget) Day(now time.Time) string { return now.In(b.zone()).Format(time.DateOnly) }

// Fill puts the team's bound into facts that were read at their Now.
func (b TeamBudget) Fill(f *Facts) {
	f.TeamCallsPerDay, f.TeamDayEnds = b.CallsPerDay, dayEnds(f.Now, b.zone())
}

// dayEnds is the first instant of the day after t's in a zone.
func dayEnds(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return fromWall(time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC), zone)
}
