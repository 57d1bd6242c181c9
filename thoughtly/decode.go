package thoughtly

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// errNotJSON says that a body is no JSON at all.
var errNotJSON = errors.New("not JSON")

// parse reads one JSON value and nothing after it. Numbers stay as they are written: ids may be numbers.
func parse(body []byte) (any, error) {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf"))
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return v, nil
}

// object is a JSON object whose names are compared without case, '_' and '-': start_time, startTime and Start-Time are one.
type object map[string]any

// objectOf reads v, an object or the text of one, as templates send it. Anything else gives an empty object.
func objectOf(v any) object {
	m := mapOf(v)
	if len(m) == 0 {
		return nil
	}
	o := make(object, len(m))
	for name, value := range m {
		folded := fold(name)
		if _, twice := o[folded]; twice {
			value = said(m, folded)
		}
		o[folded] = value
	}
	return o
}

// said is the value of the names that fold to one: of several spellings the first in order that says something, never left to chance.
func said(m map[string]any, folded string) any {
	first, found := "", false
	for name, value := range m {
		if value != nil && fold(name) == folded && (!found || name < first) {
			first, found = name, true
		}
	}
	if !found {
		return nil
	}
	return m[first]
}

func mapOf(v any) map[string]any {
	if text, ok := v.(string); ok && strings.HasPrefix(strings.TrimSpace(text), "{") {
		v, _ = parse([]byte(text))
	}
	m, _ := v.(map[string]any)
	return m
}

var joined = strings.NewReplacer("_", "", "-", "")

// fold is a name without what does not count in it.
func fold(name string) string {
	var room [64]byte
	folded, ok := foldTo(room[:0], name)
	switch {
	case !ok:
		return strings.ToLower(joined.Replace(name))
	case string(folded) == name:
		return name
	}
	return string(folded)
}

// foldTo appends a folded name, unless it is not ASCII.
func foldTo(to []byte, name string) (folded []byte, ok bool) {
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == '-':
		case 'A' <= c && c <= 'Z':
			to = append(to, c+'a'-'A')
		case c < utf8.RuneSelf:
			to = append(to, c)
		default:
			return nil, false
		}
	}
	return to, true
}

// at is what stands under one name, of which there are a hundred in every event: it is folded without a copy.
func (o object) at(name string) any {
	var room [64]byte
	if folded, ok := foldTo(room[:0], name); ok {
		return o[string(folded)]
	}
	return o[fold(name)]
}

// get is the first of names that is there and not null.
func (o object) get(names ...string) any {
	for _, name := range names {
		if v := o.at(name); v != nil {
			return v
		}
	}
	return nil
}

// text is the first of names that holds a text or a number which says something.
func (o object) text(names ...string) string {
	for _, name := range names {
		if s := textOf(o.at(name)); s != "" {
			return s
		}
	}
	return ""
}

// object is the first of names that holds an object with something in it.
func (o object) object(names ...string) object {
	for _, name := range names {
		if inner := objectOf(o.at(name)); len(inner) > 0 {
			return inner
		}
	}
	return nil
}

// textOf is v as text if it is a text or a number. What a template leaves behind when it has no value counts as nothing.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		s := strings.TrimSpace(v)
		if s == "null" || s == "undefined" || s == "None" || (strings.HasPrefix(s, "{{") && strings.HasSuffix(s, "}}")) {
			return ""
		}
		return s
	case json.Number:
		return v.String()
	}
	return ""
}

// layers are objects to look a name up in, nearest first.
type layers []object

func (l layers) text(names ...string) string {
	for _, o := range l {
		if s := o.text(names...); s != "" {
			return s
		}
	}
	return ""
}

func (l layers) get(names ...string) any {
	for _, o := range l {
		if v := o.get(names...); v != nil {
			return v
		}
	}
	return nil
}

// id is an id that may stand alone, as in contact_id or "contact": "…", or inside, as in "contact": {"id": "…"}.
func (l layers) id(inside string, alone ...string) string {
	for _, o := range l {
		if s := o.text(alone...); s != "" {
			return s
		}
		if s := o.object(inside).text("id", inside+"_id", "uuid"); s != "" {
			return s
		}
		if s := bareID(o.at(inside)); s != "" {
			return s
		}
	}
	return ""
}

// bareID is v if it is a text that can be an id, and not a name, a phone number or JSON.
func bareID(v any) string {
	s := textOf(v)
	if strings.ContainsAny(s, " +{[\"") {
		return ""
	}
	return s
}

// listOf is v if it is a list or the text of one, as templates send it.
func listOf(v any) []any {
	if text, ok := v.(string); ok && strings.HasPrefix(strings.TrimSpace(text), "[") {
		v, _ = parse([]byte(text))
	}
	items, _ := v.([]any)
	return items
}

// time reads the first of names that holds a time; the zero time if none does.
func (l layers) time(names ...string) time.Time {
	for _, o := range l {
		for _, name := range names {
			if t := timeOf(textOf(o.at(name))); !t.IsZero() {
				return t
			}
		}
	}
	return time.Time{}
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", time.RFC1123}

// timeOf reads ISO 8601 with or without a zone (UTC then), or seconds or milliseconds since 1970. Years outside 2000 to 2100 are no times.
func timeOf(s string) time.Time {
	var t time.Time
	if n, is := stamp(s); is {
		if n >= 1e11 {
			n /= 1000
		}
		t = time.UnixMilli(int64(math.Round(n * 1000)))
	} else {
		for _, layout := range timeLayouts {
			var err error
			if t, err = time.Parse(layout, s); err == nil {
				break
			}
		}
	}
	if t.Year() < 2000 || t.Year() > 2100 {
		return time.Time{}
	}
	return t.UTC()
}

// stamp reads a time that is a number. A date is none, and is most of what comes: no error is made of it.
func stamp(s string) (n float64, is bool) {
	if len(s) > 4 && s[4] == '-' {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && n > 0 && n < 1e15
}

// maxDuration is the longest call that is believed.
const maxDuration = 7 * 24 * time.Hour

// durationOf reads a number of units, a number with a unit of its own (ms or s), or 1:02:03. Negative, absurd and unreadable
// ones are 0, and ok is false.
func durationOf(s string, unit time.Duration) (d time.Duration, ok bool) {
	if n, is := strings.CutSuffix(s, "ms"); is {
		s, unit = n, time.Millisecond
	} else if n, is := strings.CutSuffix(s, "s"); is {
		s, unit = n, time.Second
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		parts := strings.Split(s, ":")
		if len(parts) < 2 || len(parts) > 3 {
			return 0, false
		}
		n, unit = 0, time.Second
		for _, part := range parts {
			p, err := strconv.ParseFloat(part, 64)
			if err != nil || p < 0 {
				return 0, false
			}
			n = n*60 + p
		}
	}
	if !(n >= 0 && n*float64(unit) <= float64(maxDuration)) { // written so that NaN fails too
		return 0, false
	}
	return time.Duration(n * float64(unit)), true
}

// flatten makes an object of any values a map of texts: texts stay, other values become JSON, nulls are left out.
func flatten(into map[string]string, m map[string]any) map[string]string {
	for name, value := range m {
		if _, taken := into[name]; taken || value == nil {
			continue
		}
		if into == nil {
			into = make(map[string]string, len(m))
		}
		into[name] = rendered(value)
	}
	return into
}

// rendered is a value as text: a text as it is, else JSON.
func rendered(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// textsOf reads a list of texts, or of objects with a name.
func textsOf(v any) []string {
	var texts []string
	for _, item := range listOf(v) {
		s := textOf(item)
		if s == "" {
			s = objectOf(item).text("name", "tag", "title", "label", "value")
		}
		if s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}
