package campaign

import (
	"log/slog"
	"strings"

	"github.com/dialerd/dialerd/region"
)

// Phone is a telephone number in E.164 form ("+15551234567"). It masks itself wherever it is logged.
type Phone string

// Masked shows only the country or area part and the last two digits: enough to recognise, too little to call.
func (p Phone) Masked() string {
	s := string(p)
	if len(s) < 7 {
		return strings.Repeat("*", len(s))
	}
	return s[:4] + strings.Repeat("*", len(s)-6) + s[len(s)-2:]
}

// LogValue masks the number in logs.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.Masked()) }

// Is reports whether a text is a way of writing the phone, and nothing else: its digits are the phone's with or without the country code
// 1, or with 00 for the plus sign.
func (p Phone) Is(text string) bool {
	if len(p) < 2 {
		return false
	}
	var digits []byte
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case strings.IndexByte("+-.()/ '\t", c) >= 0:
		default:
			return false
		}
	}
	want := string(p[1:])
	got := strings.TrimPrefix(string(digits), "00")
	return got == want || len(want) == 11 && want[0] == '1' && got == want[1:]
}

// ReadPhone reads a phone that somebody else has written, in international form only: without it nobody can say whose number it is. A text
// that holds more than one number, or an extension, is nobody's phone.
func ReadPhone(text string) (Phone, bool) {
	p, err := region.ParsePhone(text, "")
	if err != nil || p.Extension != "" || len(p.Others) > 0 {
		return "", false
	}
	return Phone(p.E164), true
}
