package campaign

import (
	"testing"
	"time"
)

func TestACampaignStandsWhereScheduleHoldAndLeadsSay(t *testing.T) {
	t.Parallel()
	daily := Schedule{Timezone: "America/New_York", Start: []string{"0 9 * * *"}, Stop: []string{"0 17 * * *"}}
	noon, night := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		schedule    Schedule
		at          time.Time
		hold        Hold
		open, leads int
		want        State
	}{
		"leads are left":                 {schedule: daily, at: noon, open: 1, leads: 9, want: Running},
		"nobody is left":                 {schedule: daily, at: noon, leads: 9, want: Done},
		"there are no leads yet":         {schedule: daily, at: noon, want: Running},
		"at night":                       {schedule: daily, at: night, open: 1, leads: 9, want: Idle},
		"at night, nobody is left":       {schedule: daily, at: night, leads: 9, want: Idle},
		"paused":                         {schedule: daily, at: noon, hold: HoldPaused, leads: 9, want: Paused},
		"stopped":                        {schedule: daily, at: noon, hold: HoldStopped, want: Stopped},
		"never started":                  {at: noon, open: 1, leads: 9, want: Idle},
		"started by hand":                {at: noon, hold: HoldStarted, open: 1, leads: 9, want: Running},
		"started by hand, without leads": {at: noon, hold: HoldStarted, want: Running},
		"started by hand, nobody left":   {at: noon, hold: HoldStarted, leads: 9, want: Done},
	} {
		c := &Campaign{Schedule: tt.schedule}
		if got := c.StateAt(tt.at, tt.hold, tt.open, tt.leads); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
