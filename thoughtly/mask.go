package thoughtly

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds Error.Message, in characters.
const maxMessage = 300

var (
	// tags are HTML tags: proxies answer with pages.
	tags = regexp.MustCompile(`(?s)<(?:script|style)\b.*?</(?:script|style)>|<[^<>]*>`)
	// digits finds phone numbers (group 2), seven digits or more however they are grouped, and what only looks like one: ids, times,
	// and dotted groups (group 1), which are addresses or phone numbers.
	digits = regexp.MustCompile(`(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}` +
		`|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?` +
		`|\b(?P<dotted>\d{1,3}(?:\.\d{1,3}){3,})\b` +
		`|(?P<phone>\+?\(?\d(?:[\s().\-/]{0,3}\d){6,})`)
)

// clean makes text from outside fit for an error: no secret, no whole phone number, one line, at most maxMessage characters.
func (c *Client) clean(text string, secrets ...string) string {
	secrets = append(secrets, c.Token)
	text = scrub(text, secrets)
	text = strings.ToValidUTF8(text[:min(len(text), 64<<10)], "?")
	text = tags.ReplaceAllString(text, " ")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }), " ")
	text = maskPhones(text)
	if utf8.RuneCountInString(text) > maxMessage {
		text = string([]rune(text)[:maxMessage-1]) + "…"
	}
	return text
}

// scrub replaces the secrets in text, however a server may have escaped them.
func scrub(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(secret, "/", `\/`)}
		if quoted, err := json.Marshal(secret); err == nil {
			forms = append(forms, string(quoted[1:len(quoted)-1]))
		}
		if u, err := url.Parse(secret); err == nil && u.Host != "" && len(u.RequestURI()) > 1 { // a webhook's address is secret from its path on
			forms = append(forms, u.RequestURI())
		}
		for _, form := range forms {
			text = strings.ReplaceAll(text, form, "[secret]")
		}
	}
	return text
}

// maskPhones keeps the last two digits of each phone number.
func maskPhones(text string) string {
	var b strings.Builder
	end := 0
	for _, at := range digits.FindAllStringSubmatchIndex(text, -1) {
		found := text[at[0]:at[1]]
		phone := at[4] >= 0
		if dotted := at[2] >= 0; dotted {
			_, err := netip.ParseAddr(found)
			phone = err != nil // 06.12.34.56.78 is no address
		}
		b.WriteString(text[end:at[0]])
		if phone {
			found = "***" + found[len(found)-2:]
		}
		b.WriteString(found)
		end = at[1]
	}
	return b.String() + text[end:]
}
