package region

import (
	"log/slog"
	"regexp"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Kind is what sort of number a phone number is.
type Kind string

// The kinds. North American mobiles cannot be told from fixed lines and count as geographic.
const (
	Geographic Kind = "geographic"
	Mobile     Kind = "mobile"
	TollFree   Kind = "toll_free"
	Premium    Kind = "premium" // shared cost as well
	Personal   Kind = "personal"
	Emergency  Kind = "emergency"
	Unknown    Kind = "unknown"
)

// Phone is a telephone number.
type Phone struct {
	E164      string // "+14155550123", without the extension
	Country   string // ISO 3166; for North American area codes the one of the table; "001" for international services
	Kind      Kind
	Extension string   // digits that were written behind the number; the API cannot dial them
	Others    []string // further numbers of the same cell, as they were written
}

// LogValue masks the number in logs.
func (p Phone) LogValue() slog.Value {
	if len(p.E164) < 7 {
		return slog.StringValue("***")
	}
	return slog.StringValue(p.E164[:4] + strings.Repeat("*", len(p.E164)-6) + p.E164[len(p.E164)-2:])
}

// Placed reports whether the number is tied to a place or person that hours can be looked up for.
func (p Phone) Placed() bool { return p.Kind == Geographic || p.Kind == Mobile }

// ParsePhone reads a telephone number as people and spreadsheets write it. Country (a code or a name) is where national
// numbers belong to; empty accepts international ones only. Spaces of all kinds, a leading apostrophe, other scripts'
// digits, words beside the number, 00 and 011 are understood; of several numbers in a cell the first is taken.
//
// Numbers that the phone library calls invalid are kept when they are structurally North American and their area code is
// in our table, which knows newer ones. So are the fictional numbers 555-0100 to 555-0199 of any area code, which demo
// lists use; Locate finds no place for those whose area code does not exist.
//
// Every error is a *PhoneError.
func ParsePhone(raw, country string) (Phone, error) {
	text, err := cleanPhone(raw)
	if err != nil {
		return Phone{}, err
	}
	region := ""
	if c, ok := Default().country(country); ok {
		region = c
	}
	if p, ok := plainNANP(text, region); ok {
		return p, nil
	}
	parts := splitPhones(text)
	p, err := parseOne(parts[0], region)
	if len(parts) == 1 {
		return p, err
	}
	if err == nil {
		p.Others = parts[1:]
		return p, nil
	}
	// A slash may also stand inside one number.
	if whole, wholeErr := parseOne(text, region); wholeErr == nil {
		return whole, nil
	}
	return Phone{}, err
}

// plainNANP reads what nearly every row holds, ten digits of a known geographic area code, a hundred times faster than the
// library and with the same result.
func plainNANP(text, region string) (Phone, bool) {
	var digits [11]byte
	n := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if n == len(digits) {
				return Phone{}, false
			}
			digits[n] = c
			n++
		case c == '+' && i == 0, strings.IndexByte(" ().-", c) >= 0:
		default:
			return Phone{}, false
		}
	}
	national := digits[:n]
	switch international := strings.HasPrefix(text, "+"); {
	case n == 11 && national[0] == '1' && (international || isNANP(region)):
		national = national[1:]
	case n != 10 || international || !isNANP(region):
		return Phone{}, false
	}
	if national[3] < '2' || national[4] == '1' && national[5] == '1' {
		return Phone{}, false
	}
	area, ok := Default().areas[string(national[:3])]
	if !ok || area.Country == "" {
		return Phone{}, false
	}
	return Phone{E164: "+1" + string(national), Country: area.Country, Kind: Geographic}, true
}

func isNANP(region string) bool {
	return phonenumbers.IsNANPACountry(region)
}

// maxDigits is more than a prefix, a number and an extension have together.
const maxDigits = 40

var emergencyDigits = regexp.MustCompile(`^[0-9]{2,6}$`)

// parseOne reads a cleaned text that holds one number.
func parseOne(text, region string) (Phone, error) {
	digits := phonenumbers.NormalizeDigitsOnly(text)
	if emergencyDigits.MatchString(digits) && isEmergency(digits, region) {
		return Phone{}, phoneError(PhoneEmergency, len(digits))
	}
	if n := countDigits(digits); n > maxDigits {
		return Phone{}, phoneError(PhoneTooLong, n)
	}
	n, err := parseAny(text, region)
	if err != nil {
		return Phone{}, err
	}
	p := classify(n)
	p.Extension = n.GetExtension()
	return p, nil
}

func isEmergency(digits, region string) bool {
	if region == "" {
		return digits == "911" || digits == "112" || digits == "999"
	}
	return phonenumbers.IsEmergencyNumber(digits, region)
}

// parseAny lets the library read the text, first as it is, then with an international prefix of another country.
func parseAny(text, region string) (*phonenumbers.PhoneNumber, error) {
	n, err := parseStrict(text, region)
	if err == nil {
		return n, nil
	}
	for _, prefix := range []string{"011", "00"} {
		rest, ok := strings.CutPrefix(strings.TrimLeft(text, "( "), prefix)
		if !ok {
			continue
		}
		if n, again := parseStrict("+"+rest, region); again == nil {
			return n, nil
		}
	}
	return nil, err
}

func parseStrict(text, region string) (*phonenumbers.PhoneNumber, error) {
	n, err := phonenumbers.Parse(text, region)
	digits := countDigits(text)
	if err != nil {
		return nil, parseFault(err, text, digits)
	}
	if known(n) {
		return undoubled(n, text, region)
	}
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.TOO_SHORT, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return nil, phoneError(PhoneTooShort, digits)
	case phonenumbers.TOO_LONG:
		return nil, phoneError(PhoneTooLong, digits)
	default:
		return nil, phoneError(PhoneInvalid, digits)
	}
}

// undoubled is a number that the library read as a national one, unless it was written with its country code and without the +: where
// numbers have no fixed length, as in Germany, 49 171 1234567 is also a number of the area 0491. Nobody writes such a one without
// its first 0, so a mobile is taken for what it is; what else can be read in two ways is refused.
func undoubled(n *phonenumbers.PhoneNumber, text, region string) (*phonenumbers.PhoneNumber, error) {
	national := phonenumbers.GetNationalSignificantNumber(n)
	if strings.HasPrefix(strings.TrimLeft(text, "( "), "+") || !strings.HasPrefix(national, strconv.Itoa(int(n.GetCountryCode()))) ||
		!strings.HasPrefix(phonenumbers.NormalizeDigitsOnly(text), national) {
		return n, nil
	}
	other, err := phonenumbers.Parse("+"+text, region)
	switch {
	case err != nil || !known(other):
		return n, nil //nolint:nilerr // it is no number with a country code, so the first reading stands
	case phonenumbers.GetNddPrefixForRegion(region, true) != "" && phonenumbers.GetNumberType(other) == phonenumbers.MOBILE:
		return other, nil
	}
	return nil, phoneError(PhoneAmbiguous, countDigits(text))
}

var nanp = regexp.MustCompile(`^[2-9][0-9]{2}[2-9][0-9]{6}$`)

// known reports whether the number exists as far as we can tell.
func known(n *phonenumbers.PhoneNumber) bool {
	if phonenumbers.IsValidNumber(n) {
		return true
	}
	national := phonenumbers.GetNationalSignificantNumber(n)
	if n.GetCountryCode() != 1 || !nanp.MatchString(national) || national[4:6] == "11" {
		return false
	}
	if strings.HasPrefix(national[3:], "55501") {
		return true
	}
	area, ok := Default().areas[national[:3]]
	return ok && area.Country != ""
}

// classify says what a number is and where it belongs.
func classify(n *phonenumbers.PhoneNumber) Phone {
	p := Phone{E164: phonenumbers.Format(n, phonenumbers.E164), Country: phonenumbers.GetRegionCodeForNumber(n)}
	national := phonenumbers.GetNationalSignificantNumber(n)
	if n.GetCountryCode() == 1 && len(national) == 10 {
		if area, ok := Default().areas[national[:3]]; ok {
			p.Country, p.Kind = area.Country, areaKind(area)
			if area.Country == "" {
				p.Country = "US"
			}
			return p
		}
		if p.Country == "" || p.Country == "ZZ" {
			p.Country = "US"
		}
	}
	p.Kind = kindOf(phonenumbers.GetNumberType(n))
	if n.GetCountryCode() == 1 {
		switch {
		case strings.HasPrefix(national[min(3, len(national)):], "55501") && p.Kind == Unknown:
			p.Kind = Geographic
		case p.Placed():
			p.Kind = Unknown // the library knows an area code that our table does not: nobody can say its zones
		}
	}
	return p
}

// areaKind is the kind of the numbers of an area code.
func areaKind(a *AreaCode) Kind {
	switch {
	case a.Country != "":
		return Geographic
	case a.Code == "900":
		return Premium
	case a.Code[0] == '8':
		return TollFree
	}
	return Personal
}

func kindOf(t phonenumbers.PhoneNumberType) Kind {
	switch t {
	case phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return Geographic
	case phonenumbers.MOBILE, phonenumbers.VOIP: // both may be anywhere in their country
		return Mobile
	case phonenumbers.TOLL_FREE:
		return TollFree
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST:
		return Premium
	case phonenumbers.PERSONAL_NUMBER:
		return Personal
	case phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL, phonenumbers.UNKNOWN:
		return Unknown
	}
	return Unknown
}

// knownCountry reports whether the phone library knows a country code.
func knownCountry(code string) bool { return phonenumbers.GetSupportedRegions()[code] }

// KnownCountry reports whether numbers of a country can be read: code is its two letters, in capitals.
func KnownCountry(code string) bool { return knownCountry(code) }
