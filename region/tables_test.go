package region

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// files is a copy of the embedded tables that a test may spoil.
func files(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, name := range []string{tableHours, tableHolidays, tableAreas, tableZones, tableStates, tableCountries, tablePostal, tableSpecial, tableVersion} {
		data, err := fs.ReadFile(embedded, "data/"+name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: data}
	}
	return out
}

// rows reads a table without the package's own reader.
func rows(t testing.TB, name string) [][]string {
	t.Helper()
	data, err := fs.ReadFile(embedded, "data/"+name)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

func TestEveryRowIsTakenIn(t *testing.T) {
	t.Parallel()
	tables := Default()
	for name, want := range map[string]int{tableHours: 92, tableAreas: 477, tableZones: 89, tableHolidays: 520} {
		if got := len(rows(t, name)); got != want {
			t.Errorf("%s has %d rows, want %d", name, got, want)
		}
	}
	for _, row := range rows(t, tableHours) {
		var r *Rule
		for _, x := range tables.Rules(row[0]) {
			if from, until := x.From, x.Until; row[9] == day(from) && row[10] == day(until) {
				r = x
			}
		}
		if r == nil {
			t.Fatalf("no rule for %s", row[0])
		}
		holiday := FormatSpans(r.Holiday)
		if r.HolidaySame {
			holiday = "same"
		}
		got := []string{r.Region, FormatSpans(r.Weekday), FormatSpans(r.Saturday), FormatSpans(r.Sunday), holiday, r.Source, r.Confidence}
		if diff := cmp.Diff([]string{row[0], row[1], row[2], row[3], row[4], row[7], row[8]}, got); diff != "" {
			t.Errorf("%s: %s", row[0], diff)
		}
		if caps := slices.DeleteFunc(slices.Clone(r.Caps), func(c Cap) bool { return c.Refusal }); (row[5] != "") != (len(caps) == 1) {
			t.Errorf("%s: cap %q became %v", row[0], row[5], r.Caps)
		}
	}
	for _, row := range rows(t, tableAreas) {
		a, ok := tables.AreaCode(row[0])
		if !ok {
			t.Fatalf("no area code %s", row[0])
		}
		var states []string
		for _, r := range a.Regions {
			states = append(states, strings.TrimPrefix(r, a.Country+"-"))
		}
		got := []string{a.Code, a.Country, strings.Join(states, "|"), strings.Join(a.Zones, "|"), a.Note}
		if diff := cmp.Diff(row[:5], got); diff != "" {
			t.Error(diff)
		}
	}
	for _, row := range rows(t, tableZones) {
		if diff := cmp.Diff(unique(strings.Split(row[1], "|")), tables.Zones(row[0])); diff != "" {
			t.Errorf("%s: %s", row[0], diff)
		}
	}
	for _, row := range rows(t, tableHolidays) {
		days, of := tables.NoCallDays(row[0])
		found := false
		for _, d := range days {
			found = found || d.Date.Format(time.DateOnly) == row[1] && strings.Contains(d.Name, row[2])
		}
		if !found || of != row[0] {
			t.Errorf("%v is not listed", row)
		}
	}
	if got := len(tables.Regions()); got != 89 {
		t.Errorf("%d regions, want 89", got)
	}
	if got := len(tables.AreaCodes()); got != 477 {
		t.Errorf("%d area codes, want 477", got)
	}
}

// day is a date as tables write it.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func TestVersionAndChecksumsChangeWithTheTables(t *testing.T) {
	t.Parallel()
	if got := Default().Version(); got != "2026-11-22" {
		t.Errorf("version %q", got)
	}
	sums := Default().Checksums()
	if len(sums) != 9 {
		t.Errorf("%d checksums, want 9", len(sums))
	}
	for name, sum := range sums {
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(sum) {
			t.Errorf("%s: checksum %q", name, sum)
		}
	}
	f := files(t)
	f[tableHours].Data = []byte(strings.Replace(string(f[tableHours].Data), "US-KY,10:00-21:00", "US-KY,11:00-21:00", 1))
	other, err := Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	if other.Checksum() == Default().Checksum() || other.Checksums()[tableHours] == sums[tableHours] {
		t.Error("a changed table has the same checksum")
	}
	if other.Checksums()[tableAreas] != sums[tableAreas] {
		t.Error("an unchanged table has another checksum")
	}
}

// A spreadsheet puts a mark before UTF-8: it is no part of a table.
func TestAMarkBeforeATableIsNoPartOfIt(t *testing.T) {
	t.Parallel()
	marked := files(t)
	for name, f := range marked {
		marked[name] = &fstest.MapFile{Data: append([]byte("\xef\xbb\xbf"), f.Data...)}
	}
	got, err := Parse(marked)
	if err != nil {
		t.Fatal(err)
	}
	if changes := Diff(Default(), got); len(changes) > 0 {
		t.Errorf("with a mark the tables differ: %v", changes)
	}
}

func TestASpoiltTableIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, old, spoilt string
		want                    TableError // Problem is a part of it
	}{
		{"hours without zeros", tableHours, "US-FL,08:00-20:00", "US-FL,8:00-20:00", TableError{Line: 12, Column: 7, Field: "weekday", Value: "8:00-20:00", Problem: "want HH:MM"}},
		{"hours after midnight", tableHours, "US-FL,08:00-20:00", "US-FL,08:00-24:30", TableError{Line: 12, Column: 7, Field: "weekday", Value: "08:00-24:30", Problem: "00:00 to 24:00"}},
		{"hours backwards", tableHours, "US-FL,08:00-20:00", "US-FL,20:00-08:00", TableError{Line: 12, Column: 7, Field: "weekday", Value: "20:00-08:00", Problem: "not after its start"}},
		{"overlapping hours", tableHours, "FR,10:00-13:00+14:00-20:00", "FR,10:00-14:30+14:00-20:00", TableError{Line: 78, Column: 4, Field: "weekday", Value: "10:00-14:30+14:00-20:00", Problem: "overlaps 10:00-14:30"}},
		{"no hours", tableHours, "US-FL,08:00-20:00", "US-FL,", TableError{Line: 12, Column: 7, Field: "weekday", Problem: "want HH:MM-HH:MM"}},
		{"two rows for a region", tableHours, "US-GA,", "US-FL,", TableError{Line: 13, Column: 1, Field: "region", Value: "US-FL", Problem: "two rows"}},
		{"a region that is none", tableHours, "US-GA,", "Georgia,", TableError{Line: 13, Column: 1, Field: "region", Value: "Georgia", Problem: "want a country"}},
		{"a cap without a period", tableHours, "same,3,24h,Fla", "same,3,,Fla", TableError{Line: 12, Column: 50, Field: "cap_period", Problem: "24h or 30d"}},
		{"a cap that is no number", tableHours, "same,3,24h,Fla", "same,three,24h,Fla", TableError{Line: 12, Column: 48, Field: "attempt_cap", Value: "three", Problem: "want a number"}},
		{"no confidence", tableHours, "subject/issue),high", "subject/issue),sure", TableError{Line: 12, Column: 107, Field: "confidence", Value: "sure", Problem: "high, medium or low"}},
		{"a row too short", tableHours, "US-FL,08:00-20:00,", "US-FL,", TableError{Line: 12, Column: 1, Field: "row", Problem: "10 cells"}},
		{"spaces", tableHours, "US-FL,", "US-FL ,", TableError{Line: 12, Column: 1, Field: "region", Value: "US-FL ", Problem: "spaces"}},
		{"a column renamed", tableHours, "region,weekday", "state,weekday", TableError{Line: 1, Column: 1, Field: "header", Problem: "want region,weekday"}},
		{"a quote left open", tableHours, "US-FL,08", "US-FL,\"08", TableError{Line: 27, Column: 43, Problem: "extraneous"}},
		{"a no-call day of nowhere", tableHolidays, "AU,2026-12-25", "XX,2026-12-25", TableError{Line: 2, Column: 1, Field: "region", Value: "XX", Problem: "no row in hours.csv"}},
		{"a date that is none", tableHolidays, "AU,2026-12-25", "AU,2026-02-30", TableError{Line: 2, Column: 4, Field: "date", Value: "2026-02-30", Problem: "want a date"}},
		{"a day twice", tableHolidays, "AU,2026-12-26,Boxing Day", "AU,2026-12-25,Christmas", TableError{Line: 3, Column: 4, Field: "date", Value: "2026-12-25", Problem: "twice"}},
		{"an unknown zone", tableAreas, "201,US,NJ,America/New_York", "201,US,NJ,America/NewYork", TableError{Line: 2, Column: 11, Field: "zones", Value: "America/NewYork", Problem: "did you mean America/New_York"}},
		{"an unknown state", tableAreas, "201,US,NJ", "201,US,JN", TableError{Line: 2, Column: 8, Field: "states", Value: "JN", Problem: "US-JN has no row"}},
		{"no state", tableAreas, "201,US,NJ", "201,US,", TableError{Line: 2, Column: 8, Field: "states", Problem: "is missing"}},
		{"an area code twice", tableAreas, "202,US,DC", "201,US,DC", TableError{Line: 3, Column: 1, Field: "npa", Value: "201", Problem: "two rows"}},
		{"an area code that is none", tableAreas, "202,US,DC", "102,US,DC", TableError{Line: 3, Column: 1, Field: "npa", Value: "102", Problem: "three digits"}},
		{"zones without a country", tableAreas, "800,,,,", "800,,,America/Denver,", TableError{Column: 5, Field: "country", Problem: "is missing"}},
		{"a state without zones", tableZones, "US-OH,America/New_York,", "US-OH,,", TableError{Column: 7, Field: "zones", Problem: "is empty"}},
		{"zones of nowhere", tableZones, "US-OH,America/New_York,", "US-HO,America/New_York,", TableError{Column: 1, Field: "region", Value: "US-HO", Problem: "neither"}},
		{"one name for two states", tableStates, "US-AK,Alaska,", "US-AK,Alabama,", TableError{Line: 3, Column: 7, Field: "name", Value: "Alabama", Problem: "already stands for US-AL"}},
		{"a country that is none", tableCountries, "GB,,,", "GBR,,,", TableError{Line: 4, Column: 1, Field: "country", Value: "GBR", Problem: "ISO 3166"}},
		{"overlapping postal ranges", tablePostal, "US,010,027,MA", "US,009,027,MA", TableError{Line: 6, Column: 4, Field: "from", Value: "009", Problem: "overlaps 009 to 009"}},
		{"a postal range backwards", tablePostal, "US,010,027,MA", "US,027,010,MA", TableError{Line: 6, Column: 8, Field: "to", Value: "010", Problem: "not less"}},
		{"a special rule of no kind", tableSpecial, "US-AR,consent", "US-AR,content", TableError{Line: 2, Column: 7, Field: "kind", Value: "content", Problem: "want consent"}},
		{"a special rule of nowhere", tableSpecial, "US-AR,consent", "US-RA,consent", TableError{Line: 2, Column: 1, Field: "region", Value: "US-RA", Problem: "no row in hours.csv"}},
		{"a date of the tables that is none", tableVersion, "2026-11-22", "today", TableError{Line: 1, Column: 1, Field: "version", Value: "today", Problem: "want a date"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := files(t)
			text := string(f[tt.file].Data)
			if !strings.Contains(text, tt.old) {
				t.Fatalf("%s has no %q", tt.file, tt.old)
			}
			f[tt.file] = &fstest.MapFile{Data: []byte(strings.Replace(text, tt.old, tt.spoilt, 1))}
			_, err := Parse(f)
			var got *TableError
			if !errors.As(err, &got) {
				t.Fatalf("Parse: %v, want a *TableError", err)
			}
			if !strings.Contains(got.Problem, tt.want.Problem) {
				t.Errorf("problem %q, want %q in it", got.Problem, tt.want.Problem)
			}
			if tt.want.Line == 0 {
				got.Line = 0
			}
			if tt.want.Value == "" {
				got.Value = ""
			}
			got.Problem, tt.want.Problem, tt.want.File = "", "", tt.file
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Error(diff)
			}
			if !strings.HasPrefix(err.Error(), tt.file) {
				t.Errorf("error %q does not begin with its file", err)
			}
		})
	}
}

func TestAllFaultsAreReportedAtOnceButNotWithoutEnd(t *testing.T) {
	t.Parallel()
	f := files(t)
	f[tableHolidays] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(f[tableHolidays].Data), ",2027-", ",2027/"))}
	delete(f, tableSpecial)
	_, err := Parse(f)
	if err == nil {
		t.Fatal("Parse took broken tables")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxFaults+1 || !strings.Contains(lines[maxFaults], "more") {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	if !strings.Contains(err.Error(), "special.csv: cannot be read") {
		t.Error("the missing file is not named")
	}
}

func TestSpansAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"none", "00:00-24:00", "10:00-13:00+14:00-20:00", "09:00-12:00+12:00-24:00"} {
		spans, err := ParseSpans(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := FormatSpans(spans); got != text {
			t.Errorf("%s came back as %s", text, got)
		}
	}
	for _, text := range []string{"", "9-5", "09:00", "09:00-09:00", "22:00-02:00", "09:00-25:00", "09:60-10:00", "09:00-17:00+", "14:00-20:00+10:00-13:00", "０9:00-10:00"} {
		if spans, err := ParseSpans(text); err == nil {
			t.Errorf("%q was read as %v", text, spans)
		}
	}
}

func TestCapsOfAllRegionsHoldTheStrictestFirst(t *testing.T) {
	t.Parallel()
	caps := Default().Caps([]string{"US-FL", "US-ME", "CA-BC", "US-NY", "US-FL"})
	var got []string
	for _, c := range caps {
		if c.Source == "" {
			t.Errorf("%s has no source", c.Region)
		}
		got = append(got, strings.Join([]string{c.Region, time.Duration(c.N).String(), c.Per.String(), map[bool]string{true: "completed"}[c.Completed]}, " "))
	}
	if diff := cmp.Diff([]string{"CA-BC 1ns 720h0m0s ", "US-ME 1ns 8h0m0s completed", "US-FL 3ns 24h0m0s "}, got); diff != "" {
		t.Error(diff)
	}
	if got := Default().Caps([]string{"??"}); len(got) != 1 || got[0].N != 0 {
		t.Errorf("an unknown country's cap is %v, want never", got)
	}
}

func TestSevenStatesNeedConsent(t *testing.T) {
	t.Parallel()
	var got []string
	for _, region := range Default().Regions() {
		if Default().NeedsConsent(region) {
			got = append(got, region)
			if r, _ := Default().Rule(region); r.Consent == "" {
				t.Errorf("%s names no source", region)
			}
		}
	}
	if diff := cmp.Diff([]string{"US-??", "US-AR", "US-MA", "US-MS", "US-MT", "US-NE", "US-WA", "US-WY"}, got); diff != "" {
		t.Error(diff)
	}
	if Default().NeedsConsent("XX") {
		t.Error("a region that is none needs consent")
	}
}
