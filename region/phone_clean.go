package region

import (
	"regexp"
	"strings"
	"unicode"
)

// maxPhoneText bounds what is looked at; no cell with a phone number in it is longer.
const maxPhoneText = 250

var (
	scientific = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$`)
	cellError  = regexp.MustCompile(`^#+$|^#(REF|N/A|VALUE|NUM|NAME\?|DIV/0)!?$`)
	floatTail  = regexp.MustCompile(`^(\+?[0-9]{7,})[.,]0+$`)
	labelHead  = regexp.MustCompile(`(?i)^(tel|telephone|phone|mobile|mob|cell|home|work|office|main|fax|ph|call|m|t|h|w|c|o|p)\s*[.:#]\s*`)
	labelTail  = regexp.MustCompile(`(?i)[\s(\[,-]+(tel|telephone|phone|mobile|mob|cell|cellular|home|work|office|main|fax|direct|whatsapp|m|h|w|c|o)\.?[)\]]?$`)
	separators = regexp.MustCompile(`(?i)\s*[/;|,&\n\r]\s*|\s+(or|and)\s+`)
)

// cleanPhone strips what is around a number and recognises cells that hold none.
func cleanPhone(raw string) (string, error) {
	if len(raw) > maxPhoneText {
		raw = strings.ToValidUTF8(raw[:maxPhoneText], "")
	}
	text := strings.TrimSpace(strings.Map(plainRune, raw))
	text = strings.TrimSpace(strings.TrimLeft(text, "'`´‘’\""))
	text = strings.TrimSpace(strings.TrimRight(text, "'`´‘’\""))
	text = strings.TrimPrefix(text, "=")
	text = strings.Trim(text, "\"")
	digits := countDigits(text)
	switch {
	case text == "":
		return "", phoneError(PhoneEmpty, 0)
	case text[0] == '#' && cellError.MatchString(strings.ToUpper(text)), strings.ContainsAny(text, "eE") && scientific.MatchString(text):
		return "", phoneError(PhoneExcelDamage, digits)
	case digits == 0 && countLetters(text) < 7:
		return "", phoneError(PhoneNotANumber, 0)
	}
	if strings.HasSuffix(text, "0") {
		if m := floatTail.FindStringSubmatch(text); m != nil {
			text = m[1]
		}
	}
	if countLetters(text) == 0 {
		return text, nil
	}
	text = labelHead.ReplaceAllString(text, "")
	if bare := labelTail.ReplaceAllString(text, ""); countDigits(bare) >= 7 {
		text = bare
	}
	return text, nil
}

// plainRune turns digits of any script, spaces and dashes of any kind into plain ones and drops what cannot be seen.
func plainRune(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case unicode.Is(unicode.Nd, r):
		// Every range of decimal digits is a run of whole sets from 0 to 9, so the digits below r in its run tell its value.
		value := rune(0)
		for unicode.Is(unicode.Nd, r-value-1) {
			value++
		}
		return '0' + value%10
	case r == '\uFF0B', r == '\uFE62', r == '\u207A':
		return '+'
	case unicode.Is(unicode.Pd, r), r == '\u2212', r == '\u00AD':
		return '-'
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r), r == unicode.ReplacementChar:
		return -1
	}
	return r
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

func countLetters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// splitPhones cuts a cell with several numbers. A piece that is too short for a number stays with the one before it, as
// an extension or a part of it, unless that one is long enough for two: "415 555 0123 / 24" are two lines of one house.
func splitPhones(text string) []string {
	var parts []string
	start, sep := 0, ""
	add := func(piece, sep string) {
		n := len(parts)
		switch {
		case n == 0 || countDigits(piece) >= 7 && countDigits(parts[n-1]) >= 7:
			parts = append(parts, piece)
		case strings.TrimSpace(sep) == "/" && isDigits(piece) && countDigits(parts[n-1]) >= 10:
			parts = append(parts, piece)
		default:
			parts[n-1] += sep + piece
		}
	}
	for _, at := range separators.FindAllStringIndex(text, -1) {
		add(text[start:at[0]], sep)
		start, sep = at[1], text[at[0]:at[1]]
	}
	add(text[start:], sep)
	return parts
}

func isDigits(s string) bool { return s != "" && countDigits(s) == len(s) }
