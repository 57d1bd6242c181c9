package region

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The experiments on split and odd area codes: what the phone library's zone table got wrong must be right here.
func TestLocateKnowsEveryZoneOfASplitAreaCode(t *testing.T) {
	t.Parallel()
	tests := []struct{ phones, regions, zones string }{
		{"+18505550123 +14485550123", "US-FL", "America/Chicago America/New_York"},
		{"+18128550123 +19305550123 +15745550123", "US-IN", "America/Chicago America/Indiana/Indianapolis"},
		{"+12195550123", "US-IN", "America/Chicago America/New_York"},
		{"+19155550123", "US-TX", "America/Denver"},
		{"+14325550123", "US-TX", "America/Chicago America/Denver"},
		{"+17012230123", "US-ND", "America/Chicago America/Denver"},
		{"+16053340123 +16053350123", "US-SD", "America/Chicago America/Denver"},
		{"+13086320123", "US-NE", "America/Chicago America/Denver"},
		{"+12082320123 +12087430123 +19865550123", "US-ID", "America/Boise America/Los_Angeles"},
		{"+15418890123 +15416840123 +14585550123", "US-OR", "America/Boise America/Los_Angeles"},
		{"+19067740123 +19062260123", "US-MI", "America/Detroit America/Menominee"},
		{"+14236240123 +19315260123", "US-TN", "America/Chicago America/New_York"},
		{"+18655550123", "US-TN", "America/New_York"},
		{"+12707810123 +13645550123 +16065550123", "US-KY", "America/Chicago America/New_York"},
		{"+15025550123", "US-KY", "America/New_York"},
		{"+16202750123 +17858990123", "US-KS", "America/Chicago America/Denver"},
		{"+17756640123", "US-NV", "America/Denver America/Los_Angeles"},
		{"+19288710123", "US-AZ", "America/Denver America/Phoenix"},
		{"+19072740123 +19075810123", "US-AK", "America/Adak America/Anchorage"},
		{"+18085550123", "US-HI", "Pacific/Honolulu"},
		{"+17875550123 +19395550123", "US-PR", "America/Puerto_Rico"},
		{"+13405550123", "US-VI", "America/St_Thomas"},
		{"+16715550123", "US-GU", "Pacific/Guam"},
		{"+16705550123", "US-MP", "Pacific/Saipan"},
		{"+16845550123", "US-AS", "Pacific/Pago_Pago"},
		{"+18676690123 +18676680123 +18679790123", "CA-NT CA-NU CA-YT", "America/Cambridge_Bay America/Iqaluit America/Rankin_Inlet America/Whitehorse America/Yellowknife"},
		{"+18073440123 +18072230123", "CA-ON", "America/Atikokan America/Chicago America/Rainy_River America/Toronto"},
		{"+17095550123", "CA-NL", "America/Goose_Bay America/St_Johns"},
		{"+12504260123", "CA-BC", "America/Dawson_Creek America/Edmonton America/Vancouver"},
		{"+13065550123 +14745550123", "CA-SK", "America/Edmonton America/Regina"},
		{"+19025550123", "CA-NS CA-PE", "America/Halifax"},
		{"+14362345678", "US-OH", "America/New_York"},
		{"+14652345678", "US-NY", "America/New_York"},
		{"+14712345678", "US-MS", "America/Chicago"},
		{"+16892345678", "US-FL", "America/New_York"},
		{"+61412345678 +61892345678", "AU", "Australia/Adelaide Australia/Brisbane Australia/Broken_Hill Australia/Darwin Australia/Hobart Australia/Melbourne Australia/Perth Australia/Sydney"},
		{"+34612345678", "ES", "Atlantic/Canary Europe/Madrid"},
		{"+353871234567", "IE", "Europe/Dublin"},
		{"+442079460123", "GB", "Europe/London"},
		{"+33612345678", "FR", "Europe/Paris"},
		{"+6421234567", "NZ", "Pacific/Auckland Pacific/Chatham"},
		{"+46701234567", "EU-??", "Europe/Stockholm"},
		{"+436641234567", "AT", "Europe/Vienna"},
	}
	for _, tt := range tests {
		for phone := range strings.FieldsSeq(tt.phones) {
			p := Locate(Signals{Phone: phone})
			if !p.Problem.None() {
				t.Errorf("%s: %v", phone, p.Problem)
			}
			got := []string{strings.Join(p.Regions, " "), strings.Join(p.Zones, " ")}
			if diff := cmp.Diff([]string{tt.regions, tt.zones}, got); diff != "" {
				t.Errorf("%s: %s", phone, diff)
			}
		}
	}
}

func TestLocateJoinsAllSignals(t *testing.T) {
	t.Parallel()
	const ny = "+12125550123"
	tests := []struct {
		name           string
		s              Signals
		regions, zones string
	}{
		{"the state adds its law and all its zones", Signals{Phone: ny, State: "TX"}, "US-NY US-TX", "America/Chicago America/Denver America/New_York"},
		{"a state by its name", Signals{Phone: ny, State: " new  jersey "}, "US-NJ US-NY", "America/New_York"},
		{"a state with dots", Signals{Phone: ny, State: "N.J."}, "US-NJ US-NY", "America/New_York"},
		{"a state as ISO writes it", Signals{Phone: ny, State: "US-NJ"}, "US-NJ US-NY", "America/New_York"},
		{"the capital", Signals{Phone: ny, State: "Washington, D.C."}, "US-DC US-NY", "America/New_York"},
		{"a province with an accent", Signals{Phone: "+15145550123", State: "Québec"}, "CA-QC", "America/Blanc-Sablon America/Halifax America/Toronto"},
		{"a province by its code", Signals{Phone: ny, State: "on"}, "CA-ON US-NY", "America/Atikokan America/Chicago America/New_York America/Rainy_River America/Toronto"},
		{"a territory in the country column", Signals{Phone: ny, Country: "Puerto Rico"}, "US-NY US-PR", "America/New_York America/Puerto_Rico"},
		{"a ZIP", Signals{Phone: ny, ZIP: "85001"}, "US-AZ US-NY", "America/Denver America/New_York America/Phoenix"},
		{"a ZIP with four more digits", Signals{Phone: ny, ZIP: "07030-1234"}, "US-NJ US-NY", "America/New_York"},
		{"a ZIP that lost its zero", Signals{Phone: ny, ZIP: "2139"}, "US-MA US-NY", "America/New_York"},
		{"a long ZIP that lost its zero", Signals{Phone: ny, ZIP: "21391234"}, "US-MA US-NY", "America/New_York"},
		{"a ZIP that became a float", Signals{Phone: ny, ZIP: "2139.0"}, "US-MA US-NY", "America/New_York"},
		{"a ZIP of two states", Signals{Phone: ny, ZIP: "42223"}, "US-KY US-NY US-TN", "America/Chicago America/New_York"},
		{"a ZIP that its prefix misplaces", Signals{Phone: ny, ZIP: "06390"}, "US-NY", "America/New_York"},
		{"a postal code", Signals{Phone: ny, ZIP: "v6b 1a1"}, "CA-BC US-NY", "America/Dawson_Creek America/Edmonton America/New_York America/Vancouver"},
		{"a northern postal code", Signals{Phone: "+18675550123", ZIP: "X0A 0H0"}, "CA-NT CA-NU CA-YT", "America/Atikokan America/Cambridge_Bay America/Iqaluit America/Rankin_Inlet America/Whitehorse America/Yellowknife"},
		{"an explicit zone", Signals{Phone: ny, Zone: "America/Los_Angeles"}, "US-NY", "America/Los_Angeles America/New_York"},
		{"a country that the number is in", Signals{Phone: ny, Country: "USA"}, "US-NY", "America/New_York"},
		{"another country", Signals{Phone: ny, Country: "FR"}, "FR US-NY", "America/New_York Europe/Paris"},
		{"a state inside another country", Signals{Phone: "+33612345678", Country: "US", State: "NY"}, "FR US-NY", "America/New_York Europe/Paris"},
		{"a state of a country whose states mean nothing", Signals{Phone: "+442079460123", State: "Kent", ZIP: "ME1 1AA"}, "GB", "Europe/London"},
		{"a state of ours behind a foreign number", Signals{Phone: "+442079460123", State: "California"}, "GB US-CA", "America/Los_Angeles Europe/London"},
		{"an Australian state", Signals{Phone: "+12125550123", Country: "Australia", State: "WA"}, "AU US-NY", "America/New_York Australia/Perth"},
		{"cells that say nothing", Signals{Phone: ny, State: "N/A", ZIP: "null", Country: "n/a", Zone: "-"}, "US-NY", "America/New_York"},
	}
	for _, tt := range tests {
		p := Locate(tt.s)
		if !p.Problem.None() {
			t.Errorf("%s: %v", tt.name, p.Problem)
		}
		got := []string{strings.Join(p.Regions, " "), strings.Join(p.Zones, " ")}
		if diff := cmp.Diff([]string{tt.regions, tt.zones}, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestWhatCannotBePlacedIsNeverOpen(t *testing.T) {
	t.Parallel()
	const ny = "+12125550123"
	tests := []struct {
		name  string
		s     Signals
		code  string
		field string
		value string
		word  Reason
	}{
		{"toll-free", Signals{Phone: "+18005550123"}, "toll_free", "phone", "", NoPlace},
		{"toll-free with a state only", Signals{Phone: "+18005550123", State: "TX"}, "toll_free", "phone", "", NoPlace},
		{"toll-free with a zone only", Signals{Phone: "+18005550123", Zone: "America/Chicago"}, "toll_free", "phone", "", NoPlace},
		{"premium", Signals{Phone: "+19002345678"}, "premium", "phone", "", NoPlace},
		{"personal", Signals{Phone: "+15332345678"}, "personal", "phone", "", NoPlace},
		{"an unknown area code", Signals{Phone: "+15555550123"}, "no_zone", "phone", "", NoZone},
		{"a country without rules", Signals{Phone: "+12425550123"}, "unknown_country", "phone", "", NoZone},
		{"Mexico", Signals{Phone: "+525512345678"}, "unknown_country", "phone", "", NoZone},
		{"Guernsey is not Great Britain", Signals{Phone: "+447911123456"}, "unknown_country", "phone", "", NoZone},
		{"no number", Signals{Phone: "hello", State: "TX", Zone: "America/Chicago"}, "invalid_phone", "phone", "", BadContact},
		{"an empty number", Signals{}, "invalid_phone", "phone", "", BadContact},
		{"a state that is none", Signals{Phone: ny, State: "Bavaria"}, "invalid_state", "state", "Bavaria", NoZone},
		{"an army address", Signals{Phone: ny, State: "AE"}, "no_zone", "state", "AE", NoZone},
		{"an army ZIP", Signals{Phone: ny, ZIP: "09021"}, "no_zone", "zip", "09021", NoZone},
		{"a ZIP that is not in use", Signals{Phone: ny, ZIP: "00000"}, "invalid_zip", "zip", "00000", NoZone},
		{"a ZIP that is none", Signals{Phone: ny, ZIP: "12"}, "invalid_zip", "zip", "12", NoZone},
		{"a postal code with a letter that is not in use", Signals{Phone: ny, ZIP: "D1A 1A1"}, "invalid_zip", "zip", "D1A 1A1", NoZone},
		{"a zone that is none", Signals{Phone: ny, Zone: "Eastern"}, "invalid_zone", "zone", "Eastern", NoZone},
		{"a country that is none", Signals{Phone: ny, Country: "Atlantis"}, "invalid_country", "country", "Atlantis", NoZone},
		{"a country that is not a state's namesake", Signals{Phone: ny, Country: "Georgia"}, "invalid_country", "country", "Georgia", NoZone},
		{"a country column without rules", Signals{Phone: ny, Country: "BR"}, "unknown_country", "country", "BR", NoZone},
		{"toll-free released with a zone that is none", Signals{Phone: "+18005550123", State: "TX", Zone: "Texas"}, "invalid_zone", "zone", "Texas", NoZone},
		{"toll-free with a zone and a state that means nothing", Signals{Phone: "+80012345678", State: "Bavaria", Zone: "Europe/Berlin"}, "toll_free", "phone", "", NoPlace},
		{"toll-free released to a country without rules", Signals{Phone: "+18005550123", Country: "BR", Zone: "America/Sao_Paulo"}, "unknown_country", "country", "BR", NoZone},
	}
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range tests {
		p := Locate(tt.s)
		if p.Problem.Code != tt.code || p.Problem.Field != tt.field || p.Problem.Value != tt.value || p.Problem.Reason() != tt.word {
			t.Errorf("%s: %#v", tt.name, p.Problem)
		}
		if p.Problem.Fix == "" || !strings.Contains(p.Problem.String(), tt.value) {
			t.Errorf("%s: %q", tt.name, p.Problem)
		}
		if !slices.Contains(p.Regions, Unplaced) {
			t.Errorf("%s: regions %v lack %s", tt.name, p.Regions, Unplaced)
		}
		c, err := Default().Compile(p.Regions, p.Zones)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if open, until := c.At(now); open || !until.IsZero() {
			t.Errorf("%s: open %v, until %v", tt.name, open, until)
		}
	}
}

func TestAnOperatorCanPlaceANumberThatHasNoPlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		s    Signals
		want Place
	}{
		{Signals{Phone: "+18005550123", Zone: "America/Chicago", State: "TX"}, Place{Country: "US", Regions: []string{"US-TX"}, Zones: []string{"America/Chicago"}}},
		{Signals{Phone: "+18005550123", Zone: "America/Chicago", Country: "US"}, Place{Country: "US", Regions: []string{"US-??"}, Zones: []string{"America/Chicago"}}},
		{Signals{Phone: "+18005550123", Zone: "America/Toronto", Country: "Canada", State: "Ontario"}, Place{Country: "CA", Regions: []string{"CA-ON"}, Zones: []string{"America/Toronto"}}},
		{Signals{Phone: "+15555550123", Zone: "America/Denver", State: "CO"}, Place{Country: "US", Regions: []string{"US-CO"}, Zones: []string{"America/Denver"}}},
		{Signals{Phone: "+12425550123", Zone: "America/New_York", State: "FL"}, Place{Country: "BS", Regions: []string{"US-FL"}, Zones: []string{"America/New_York"}}},
		{Signals{Phone: "+80012345678", Zone: "Europe/Paris", Country: "France"}, Place{Country: "FR", Regions: []string{"FR"}, Zones: []string{"Europe/Paris"}}},
		{Signals{Phone: "+447911123456", Zone: "Europe/London", Country: "UK"}, Place{Country: "GB", Regions: []string{"GB"}, Zones: []string{"Europe/London"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Locate(tt.s)); diff != "" {
			t.Errorf("%+v: %s", tt.s, diff)
		}
	}
}

func TestZIPPrefixesLieWhereEveryoneKnows(t *testing.T) {
	t.Parallel()
	for zip, want := range map[string]string{
		"00501": "US-NY", "00601": "US-PR", "00802": "US-VI", "01001": "US-MA", "02108": "US-MA", "02903": "US-RI", "03101": "US-NH", "04101": "US-ME",
		"05401": "US-VT", "06103": "US-CT", "07102": "US-NJ", "10001": "US-NY", "15222": "US-PA", "19103": "US-PA", "19801": "US-DE",
		"20001": "US-DC", "20101": "US-VA", "21201": "US-MD", "23220": "US-VA", "25301": "US-WV", "27601": "US-NC", "29201": "US-SC", "30303": "US-GA", "33101": "US-FL",
		"35203": "US-AL", "37201": "US-TN", "39201": "US-MS", "39901": "US-GA", "40202": "US-KY", "43215": "US-OH", "46204": "US-IN", "48226": "US-MI",
		"50309": "US-IA", "53202": "US-WI", "55401": "US-MN", "57101": "US-SD", "58102": "US-ND", "59101": "US-MT", "60601": "US-IL", "63101": "US-MO", "66101": "US-KS", "68102": "US-NE",
		"70112": "US-LA", "72201": "US-AR", "73102": "US-OK", "73301": "US-TX", "75201": "US-TX", "79901": "US-TX", "88510": "US-TX", "80202": "US-CO", "82001": "US-WY", "83702": "US-ID",
		"84101": "US-UT", "85001": "US-AZ", "87101": "US-NM", "89101": "US-NV", "90001": "US-CA", "96150": "US-CA", "96813": "US-HI", "96799": "US-AS", "96910": "US-GU", "96950": "US-MP",
		"97201": "US-OR", "98101": "US-WA", "99201": "US-WA", "99501": "US-AK",
		"A1A 1A1": "CA-NL", "B3H 1A1": "CA-NS", "C1A1A1": "CA-PE", "E1A 1A1": "CA-NB", "H2X 1A1": "CA-QC", "M5V 1A1": "CA-ON", "R3C 1A1": "CA-MB", "S4P": "CA-SK", "T5J 1A1": "CA-AB", "V6B 1A1": "CA-BC",
		"X0A 0H0": "CA-NU", "X1A 1A1": "CA-NT", "Y1A 1A1": "CA-YT",
	} {
		regions, ok := Default().byPostal(zip)
		if got := strings.Join(regions, " "); !ok || got != want {
			t.Errorf("%s is in %s (%v), want %s", zip, got, ok, want)
		}
	}
	// Every state has a ZIP.
	have := map[string]bool{}
	for _, r := range Default().postal {
		for _, region := range r.regions {
			have[region] = true
		}
	}
	for _, region := range Default().Regions() {
		if c := countryOf(region); (c == "US" || c == "CA") && strings.Contains(region, "-") && !strings.Contains(region, "?") && !have[region] {
			t.Errorf("%s has no postal code", region)
		}
	}
}

func TestEveryPlaceOfTheTablesCompiles(t *testing.T) {
	t.Parallel()
	for _, a := range Default().AreaCodes() {
		p := Locate(Signals{Phone: "+1" + a.Code + "2345678"})
		c, err := Default().Compile(p.Regions, p.Zones)
		if err != nil {
			t.Errorf("%s: %v", a.Code, err)
			continue
		}
		if c.Key() != p.Key() {
			t.Errorf("%s: keys %s and %s", a.Code, c.Key(), p.Key())
		}
		again, err := Default().ByKey(p.Key())
		if err != nil || again != c {
			t.Errorf("%s: ByKey(%s) is another place, %v", a.Code, p.Key(), err)
		}
	}
}
