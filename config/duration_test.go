package config

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0s": 0, "90s": 90 * time.Second, "30m": 30 * time.Minute, "4h": 4 * time.Hour, "1d": day, "540d": 540 * day, "2w": 14 * day,
		"1d12h": 36 * time.Hour, "1w1d1h1m1s1ms": 8*day + time.Hour + time.Minute + time.Second + time.Millisecond,
		"1.5h": 90 * time.Minute, ".5s": 500 * time.Millisecond, "250ms": 250 * time.Millisecond, "007m": 7 * time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "4", "4.5", "-4h", "+4h", "h", "4h4h", "4m4h", "4 h", "4H", "4y", "1h30", "1..5h", ".h", "1e3s", "1_000s", "inf", "NaN", "99999999999999999999d",
	} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestFormatDurationIsReadAgainAsTheSame(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0s": 0, "540d": 540 * 24 * time.Hour, "1d12h": 36 * time.Hour, "1m30s": 90 * time.Second, "5ms": 5 * time.Millisecond,
	} {
		got := FormatDuration(d)
		if back, err := ParseDuration(got); got != want || err != nil || back != d {
			t.Errorf("%v: got %s, read back %v, %v; want %s", d, got, back, err, want)
		}
	}
}
