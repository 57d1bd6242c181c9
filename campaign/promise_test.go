package campaign

import (
	"testing"
	"time"

	"github.com/dialerd/dialerd/region"
)

// A promise is read by the clock of the person who was given it, and is never kept too early.
func TestPromisesAreReadByThePersonsClock(t *testing.T) {
	t.Parallel()
	const east, west = "America/New_York", "America/Los_Angeles"
	paris, err := region.Zone("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text  string
		zones []string
		home  *time.Location
		ended string // noon in New York unless it says otherwise
		want  string // "" = none
	}{
		{text: "2026-11-24T15:00:00", zones: []string{east}, want: "2026-11-24T20:00:00Z"},
		{text: "2026-11-24T15:00:00", zones: []string{west}, home: paris, want: "2026-11-24T23:00:00Z"},
		{text: "2026-11-24 15:00", zones: []string{west, east}, want: "2026-11-24T23:00:00Z"},
		{text: "2026-11-24 15:00", zones: []string{east, "Mars/Base"}, want: "2026-11-24T20:00:00Z"},
		{text: "2026-11-24 15:00", home: paris, want: "2026-11-24T14:00:00Z"},
		{text: "2026-11-24 15:00", want: "2026-11-24T15:00:00Z"},
		{text: "2026-11-24T15:00:00Z", zones: []string{west}, want: "2026-11-24T15:00:00Z"},
		{text: "2026-11-24T15:00:00.000+02:00", zones: []string{west, east}, want: "2026-11-24T13:00:00Z"},
		{text: "2026-11-24", zones: []string{west}, home: paris, want: "2026-11-24T08:00:00Z"},
		{text: "2026-03-08", zones: []string{"America/Havana"}, ended: "2026-03-05T17:00:00Z", want: "2026-03-08T05:00:00Z"}, // no midnight that day
		{text: "12:01", zones: []string{east}, want: "2026-11-23T17:01:00Z"},
		{text: "10:01", zones: []string{east}, want: "2026-11-24T15:01:00Z"},
		{text: "10:01", zones: []string{west}, want: "2026-11-23T18:01:00Z"},
		{text: "10:01", zones: []string{west, east}, want: "2026-11-24T15:01:00Z"},
		{text: "10:01:30", home: paris, want: "2026-11-24T09:01:30Z"},
		{text: " 3:30 p.m. ", zones: []string{east}, want: "2026-11-23T20:30:00Z"},
		{text: "3pm", zones: []string{east}, want: "2026-11-23T20:00:00Z"},
		{text: "20:30", zones: []string{east}, ended: "2026-11-24T01:00:00Z", want: "2026-11-24T01:30:00Z"}, // the day after in UTC

		{text: "2026-11-23T11:59:00", zones: []string{east}},
		{text: "2026-11-23T17:00:00Z", zones: []string{east}},
		{text: "2026-11-23", zones: []string{east}},
		{text: "2025-11-24T15:00:00", zones: []string{east}},
		{text: "2028-11-24T15:00:00", zones: []string{east}},
		{text: "25:00", zones: []string{east}},
		{text: "next Tuesday", zones: []string{east}},
		{text: "", zones: []string{east}},
	} {
		ended := "2026-11-23T17:00:00Z"
		if tt.ended != "" {
			ended = tt.ended
		}
		p := Promise{Zones: tt.zones, Home: tt.home}
		if p.Ended, err = time.Parse(time.RFC3339, ended); err != nil {
			t.Fatal(err)
		}
		got := ""
		if at := p.Read(tt.text); !at.IsZero() {
			got = at.UTC().Format(time.RFC3339)
		}
		if got != tt.want {
			t.Errorf("%q in %v (home %v): %q, want %q", tt.text, tt.zones, tt.home, got, tt.want)
		}
	}
}
