package region

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
)

func TestParsePhoneReadsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	us := func(e164 string) Phone { return Phone{E164: e164, Country: "US", Kind: Geographic} }
	with := func(p Phone, ext string, others ...string) Phone {
		p.Extension, p.Others = ext, others
		return p
	}
	sf := us("+14155552671")
	tests := []struct {
		raw, country string
		want         Phone
	}{
		{"4155552671", "US", sf},
		{"(415) 555-2671", "us", sf},
		{"415.555.2671", "United States", sf},
		{"1-415-555-2671", "US", sf},
		{"+1 415 555 2671", "", sf},
		{"+1 (415) 555-2671", "GB", sf},
		{"14155552671.0", "US", sf},
		{"'+14155552671", "US", sf},
		{"’415 555 2671", "US", sf},
		{`="4155552671"`, "US", sf},
		{"\u00a0415\u00a0555\u00a02671\u200b", "US", sf},
		{"\u202d+1 415 555 2671\u202c", "US", sf},
		{"٤١٥٥٥٥٢٦٧١", "US", sf},
		{"＋１４１５５５５２６７１", "US", sf},
		{"415–555–2671", "US", sf},
		{"415-555-2671 (cell)", "US", sf},
		{"Mobile: 415-555-2671", "US", sf},
		{"tel. 415 555 2671", "US", sf},
		{"011 1 415 555 2671", "US", sf},
		{"0014155552671", "GB", sf},
		{"0014155552671", "US", sf},
		{"0011 1 415 555 2671", "AU", sf},
		{"415-555-2671 x123", "US", with(sf, "123")},
		{"415-555-2671 ext. 7", "US", with(sf, "7")},
		{"415-555-2671, ext 7", "US", with(sf, "7")},
		{"tel:+1-415-555-2671;ext=9", "US", with(sf, "9")},
		{"415 555 2671 / 415 555 2672", "US", with(sf, "", "415 555 2672")},
		{"415-555-2671; 415-555-2672; 415-555-2673", "US", with(sf, "", "415-555-2672", "415-555-2673")},
		{"415-555-2671 or 415-555-2672", "US", with(sf, "", "415-555-2672")},
		{"415-555-2671\n415-555-2672", "US", with(sf, "", "415-555-2672")},
		{"415 555 2671/24", "US", with(sf, "", "24")},
		{"415-555-2671 x5, 415-555-2672", "US", with(sf, "5", "415-555-2672")},
		{"415 555 0123", "US", us("+14155550123")},
		{"555 555 0199", "US", us("+15555550199")},
		{"787 555 2671", "US", us("+17875552671")},
		{"416 555 2671", "US", Phone{E164: "+14165552671", Country: "CA", Kind: Geographic}},
		{"242 359 2671", "US", Phone{E164: "+12423592671", Country: "BS", Kind: Geographic}},
		{"1-800-FLOWERS", "US", Phone{E164: "+18003569377", Country: "US", Kind: TollFree}},
		{"888 555 0123", "US", Phone{E164: "+18885550123", Country: "US", Kind: TollFree}},
		{"900 234 5678", "US", Phone{E164: "+19002345678", Country: "US", Kind: Premium}},
		{"533 234 5678", "US", Phone{E164: "+15332345678", Country: "US", Kind: Personal}},
		{"600 234 5678", "CA", Phone{E164: "+16002345678", Country: "US", Kind: Personal}},
		{"020 7946 0123", "GB", Phone{E164: "+442079460123", Country: "GB", Kind: Geographic}},
		{"0113 496 0000", "GB", Phone{E164: "+441134960000", Country: "GB", Kind: Geographic}},
		{"011 44 20 7946 0123", "US", Phone{E164: "+442079460123", Country: "GB", Kind: Geographic}},
		{"0044 20 7946 0123", "US", Phone{E164: "+442079460123", Country: "GB", Kind: Geographic}},
		{"07400 123456", "UK", Phone{E164: "+447400123456", Country: "GB", Kind: Mobile}},
		{"+44 7911 123456", "US", Phone{E164: "+447911123456", Country: "GG", Kind: Mobile}},
		{"030/12345678", "DE", Phone{E164: "+493012345678", Country: "DE", Kind: Geographic}},
		{"491711234567", "DE", Phone{E164: "+491711234567", Country: "DE", Kind: Mobile}},
		{"49 (160) 12345678", "DE", Phone{E164: "+4916012345678", Country: "DE", Kind: Mobile}},
		{"4922112345678", "DE", Phone{E164: "+4922112345678", Country: "DE", Kind: Geographic}},
		{"491711234567 ext. 7", "DE", Phone{E164: "+491711234567", Country: "DE", Kind: Mobile, Extension: "7"}},
		{"0491 92910", "DE", Phone{E164: "+4949192910", Country: "DE", Kind: Geographic}},
		{"393 123 4567", "IT", Phone{E164: "+393931234567", Country: "IT", Kind: Mobile}},
		{"+39 06 6988 1234", "", Phone{E164: "+390669881234", Country: "VA", Kind: Geographic}},
		{"0412 345 678", "AU", Phone{E164: "+61412345678", Country: "AU", Kind: Mobile}},
		{"+800 1234 5678", "", Phone{E164: "+80012345678", Country: "001", Kind: TollFree}},
	}
	for _, tt := range tests {
		got, err := ParsePhone(tt.raw, tt.country)
		if err != nil {
			t.Errorf("%q (%s): %v", tt.raw, tt.country, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (%s): %s", tt.raw, tt.country, diff)
		}
	}
}

func TestParsePhoneSaysWhatIsWrongAndHowToMendIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw, country string
		want         PhoneCode
	}{
		{"", "US", PhoneEmpty},
		{" \u00a0\u200b ", "US", PhoneEmpty},
		{"'", "US", PhoneEmpty},
		{"n/a", "US", PhoneNotANumber},
		{"none", "US", PhoneNotANumber},
		{"-", "US", PhoneNotANumber},
		{"call her mother", "US", PhoneNotANumber},
		{"jane@example.com", "US", PhoneNotANumber},
		{"5552671", "US", PhoneTooShort},
		{"12345", "US", PhoneTooShort},
		{"41555526", "US", PhoneTooShort},
		{"415555267188", "US", PhoneTooLong},
		{"+1 415 555 26711", "US", PhoneTooLong},
		{"447911123456", "US", PhoneTooLong},
		{"123456789012345678901234567890", "US", PhoneTooLong},
		{"1.41556E+10", "US", PhoneExcelDamage},
		{"4.41E+11", "GB", PhoneExcelDamage},
		{"4,41E+11", "DE", PhoneExcelDamage},
		{"1e10", "US", PhoneExcelDamage},
		{"########", "US", PhoneExcelDamage},
		{"#N/A", "US", PhoneExcelDamage},
		{"#REF!", "US", PhoneExcelDamage},
		{"0000000000", "US", PhoneInvalid},
		{"1234567890", "US", PhoneInvalid},
		{"999 234 5678", "US", PhoneInvalid},
		{"415 111 2222", "US", PhoneInvalid},
		{"436 911 2222", "US", PhoneInvalid},
		{"+999 1234 5678", "US", PhoneInvalid},
		{"4155552671", "", PhoneNoCountry},
		{"4155552671", "Atlantis", PhoneNoCountry},
		{"911", "US", PhoneEmergency},
		{"112", "DE", PhoneEmergency},
		{"999", "GB", PhoneEmergency},
		{"911", "", PhoneEmergency},
		{"492212345", "DE", PhoneAmbiguous},  // Borkum without its 0, or Cologne
		{"3906123456", "IT", PhoneAmbiguous}, // a mobile, or Rome
	}
	for _, tt := range tests {
		p, err := ParsePhone(tt.raw, tt.country)
		var got *PhoneError
		if !errors.As(err, &got) {
			t.Errorf("%q (%s): %v, %v, want %s", tt.raw, tt.country, p, err, tt.want)
			continue
		}
		if got.Code != tt.want || got.Fix == "" {
			t.Errorf("%q (%s): %v, want %s", tt.raw, tt.country, err, tt.want)
		}
		if tt.raw != "" && countDigits(tt.raw) > 3 && strings.Contains(err.Error(), tt.raw) {
			t.Errorf("%q is repeated in %v", tt.raw, err)
		}
	}
}

func TestEveryAreaCodeOfTheTableIsReadWhateverTheLibrarySays(t *testing.T) {
	t.Parallel()
	for _, a := range Default().AreaCodes() {
		p, err := ParsePhone(a.Code+" 234 5678", "US")
		if a.Country == "" {
			if err == nil && p.Placed() {
				t.Errorf("%s is %s, but has no place", a.Code, p.Kind)
			}
			continue
		}
		want := Phone{E164: "+1" + a.Code + "2345678", Country: a.Country, Kind: Geographic}
		if diff := cmp.Diff(want, p); diff != "" || err != nil {
			t.Errorf("%s: %v %s", a.Code, err, diff)
		}
	}
}

func TestTheFastWayReadsLikeTheLibrary(t *testing.T) {
	t.Parallel()
	for _, a := range Default().AreaCodes() {
		for _, form := range []string{"%s5552671", "(%s) 955-2671", "1-%s-234-5678", "+1.%s.555.0123", "%s 555 0100"} {
			text := fmt.Sprintf(form, a.Code)
			fast, ok := plainNANP(text, "CA")
			if !ok {
				continue
			}
			slow, err := parseOne(text, "CA")
			if diff := cmp.Diff(slow, fast); diff != "" || err != nil {
				t.Errorf("%q: %v %s", text, err, diff)
			}
		}
	}
}

func TestAPhoneMasksItselfInLogs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("lead", "phone", Phone{E164: "+14155552671"})
	if strings.Contains(b.String(), "5552671") || !strings.Contains(b.String(), "+141******71") {
		t.Errorf("logged %q", b.String())
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"(415) 555-2671 x12", "+44 20 7946 0123", "1.4E+10", "٤١٥٥٥٥٢٦٧١", "a/b", "415 555 2671 / 24", "tel:+1-415-555-2671;ext=9", "1-800-FLOWERS", "\xff\xfe1"} {
		f.Add(s, "US")
		f.Add(s, "")
		f.Add(s, "DE")
	}
	e164 := regexp.MustCompile(`^\+[1-9][0-9]{4,16}$`)
	f.Fuzz(func(t *testing.T, raw, country string) {
		p, err := ParsePhone(raw, country)
		if err != nil {
			var pe *PhoneError
			if !errors.As(err, &pe) || pe.Fix == "" || p.E164 != "" {
				t.Fatalf("%q (%q): %v, %v", raw, country, p, err)
			}
			return
		}
		if !e164.MatchString(p.E164) || p.Country == "" || p.Kind == "" {
			t.Fatalf("%q (%q): %+v", raw, country, p)
		}
		again, err := ParsePhone(p.E164, "")
		if err != nil || again.E164 != p.E164 || again.Kind != p.Kind || again.Country != p.Country {
			t.Fatalf("%q (%q): %+v is read again as %+v, %v", raw, country, p, again, err)
		}
		Locate(Signals{Phone: p.E164, State: country, ZIP: raw, Zone: country})
	})
}

// A number whose + was lost is that number or an error, never one of an area that begins with the country's own code.
func TestANumberWithoutItsPlusIsNeverAnother(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(13, 1))
	read, refused := 0, 0
	for _, country := range slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE} {
			n := phonenumbers.GetExampleNumberForType(country, kind)
			if n == nil {
				continue
			}
			whole := phonenumbers.Format(n, phonenumbers.E164)
			for i := range 12 {
				want := []byte(whole)
				for at := len(want) - min(i, 6); at < len(want); at++ {
					want[at] = byte('0' + random.IntN(10))
				}
				if other, err := phonenumbers.Parse(string(want), ""); err != nil || !phonenumbers.IsValidNumber(other) {
					continue
				}
				p, err := ParsePhone(string(want[1:]), country)
				switch {
				case err != nil:
					refused++
				case p.E164 == string(want):
					read++
				default:
					t.Errorf("%s in %s is read as %s", want[1:], country, p.E164)
				}
			}
		}
	}
	if read < 1000 || refused*50 > read {
		t.Errorf("%d were read, %d refused", read, refused)
	}
}
