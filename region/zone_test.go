package region

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCheckPassesOnTheDayOfTheTablesAndFailsAfterThem(t *testing.T) {
	t.Parallel()
	if err := Check(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
	err := Check(time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC))
	if err == nil {
		t.Fatal("Check passes after the last no-call day")
	}
	for _, want := range []string{"US-AL end on 2028-12-25", "CA end on 2028-12-26", "FR end on"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestZoneDataKnowsTheChangesOf2026(t *testing.T) {
	t.Parallel()
	if got := ZoneVersion(); got < OldestZones {
		t.Errorf("zone data %s is older than %s", got, OldestZones)
	}
	for name, want := range map[string]int{"America/Winnipeg": -5, "America/Vancouver": -7, "America/Edmonton": -6, "America/Yellowknife": -6, "America/New_York": -5} {
		loc, err := Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		_, offset := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone()
		if offset != want*3600 {
			t.Errorf("%s is at %d s on 2026-12-01, want %d h", name, offset, want)
		}
		if loc.String() != name {
			t.Errorf("%s calls itself %s", name, loc)
		}
	}
}

func TestZoneDataThatIsOutOfDateIsRefused(t *testing.T) {
	t.Parallel()
	right := Probes()
	if err := judgeZones(OldestZones, right); err != nil {
		t.Error(err)
	}
	for _, old := range []string{"2025c", "2026a", "2026e", ""} {
		if err := judgeZones(old, right); err == nil || !strings.Contains(err.Error(), "older than "+OldestZones) {
			t.Errorf("release %q: %v", old, err)
		}
	}
	// A release may say what it likes: what it does not know of the changes shows.
	for i := range right {
		wrong := slices.Clone(right)
		wrong[i].Got += 3600
		if err := judgeZones("2027a", wrong); err == nil || !strings.Contains(err.Error(), wrong[i].Zone) {
			t.Errorf("%s an hour off: %v", wrong[i].Zone, err)
		}
	}
}

func TestEveryZoneLoads(t *testing.T) {
	t.Parallel()
	names := zoneNames(t)
	if len(names) < 590 {
		t.Errorf("only %d zones", len(names))
	}
	for _, name := range names {
		if _, err := Zone(name); err != nil {
			t.Error(err)
		}
	}
}

func TestAnUnknownZoneNamesTheNearest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"America/NewYork":    "America/New_York",
		"new york":           "America/New_York",
		"america/chicago":    "America/Chicago",
		"Europe/Londn":       "Europe/London",
		"EST":                "America/New_York",
		"MST":                "America/Denver",
		"Local":              "host",
		"":                   "no name",
		"../../etc/passwd":   "want an IANA name",
		"Mars/Olympus_Mons":  "want an IANA name",
		"America/Los_Angles": "America/Los_Angeles",
	} {
		_, err := Zone(name)
		if !errors.Is(err, ErrUnknownZone) || !strings.Contains(err.Error(), want) {
			t.Errorf("Zone(%q): %v, want %q in it", name, err, want)
		}
	}
	if _, err := Zone(strings.Repeat("America/New_York", 1000)); err == nil || len(err.Error()) > 200 {
		t.Error("a very long name is repeated in full")
	}
}

func TestZoneIsSafeForManyAtOnceAndGivesOneAnswer(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, name := range zoneNames(t)[:100] {
				a, err := Zone(name)
				b, _ := Zone(name)
				if err != nil || a != b {
					t.Errorf("%s: %p and %p, %v", name, a, b, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestAZoneThatIsLoadedCostsNoAllocation(t *testing.T) {
	if _, err := Zone("America/Chicago"); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = Zone("America/Chicago") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestABrokenArchiveIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := readAtlas([]byte("not an archive")); err == nil {
		t.Error("readAtlas took it")
	}
}

// zoneNames lists every name that Zone knows, sorted.
func zoneNames(t testing.TB) []string {
	t.Helper()
	a, err := openAtlas()
	if err != nil {
		t.Fatal(err)
	}
	return a.sorted
}
