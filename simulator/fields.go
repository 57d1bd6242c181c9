package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// fields reads the body of a request as strictly as the documentation can be taken: one JSON object, no key that is not named, exact
// case, no key twice. The first mistake stays in err.
type fields struct {
	object map[string]json.RawMessage
	err    error
}

func (x *exchange) fields(known ...string) *fields {
	f := &fields{}
	if t, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		f.fail("content type must be application/json")
		return f
	}
	object, err := decodeObject(x.body)
	if err != nil {
		f.fail("body: %v", err)
		return f
	}
	f.object = object
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if len(known) > 0 && !slices.Contains(known, k) {
			hint := ""
			if k == "agent_id" {
				hint = " (it is called interview_id)"
			}
			f.fail("unknown key %q%s", k, hint)
		}
	}
	return f
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// text reads a string. Optional ones may be absent, but not empty.
func (f *fields) text(key string, required bool) string {
	raw, given := f.object[key]
	if !given {
		if required {
			f.fail("%s is required", key)
		}
		return ""
	}
	var v *string
	if err := json.Unmarshal(raw, &v); err != nil || v == nil || *v == "" {
		f.fail("%s must be a string that is not empty", key)
		return ""
	}
	return *v
}

// null reads a string that may be null.
func (f *fields) null(key string) string {
	if string(f.object[key]) == "null" {
		return ""
	}
	return f.text(key, false)
}

func (f *fields) texts(key string) []string {
	raw, given := f.object[key]
	if !given {
		return nil
	}
	var v []string
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
		f.fail("%s must be an array of strings", key)
	}
	return v
}

// dict reads an object. Nil is one that is absent, or null where that is allowed.
func (f *fields) dict(key string, nullable bool) map[string]any {
	raw, given := f.object[key]
	if !given || nullable && string(raw) == "null" {
		return nil
	}
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
		f.fail("%s must be an object", key)
	}
	return v
}

// decodeObject reads one JSON object and nothing after it; encoding/json alone would take a key twice.
func decodeObject(b []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	object := map[string]json.RawMessage{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		key, _ := t.(string) // the decoder takes no other key
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("key %q comes twice", key)
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		object[key] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return object, nil
}

// query reads the parameters of a request as strictly as fields does its body.
type query struct {
	values url.Values
	err    error
}

func (x *exchange) query(known ...string) *query {
	q := &query{}
	if len(x.body) > 0 {
		q.fail("a %s takes no body", x.r.Method)
	}
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		q.fail("query: %v", err)
	}
	q.values = values
	for k, v := range values {
		switch {
		case !slices.Contains(known, k):
			q.fail("unknown parameter %q", k)
		case len(v) > 1 && !slices.Contains([]string{"tags", "excluded_tags", "status", "response_tags"}, k):
			q.fail("parameter %q comes twice", k)
		}
	}
	return q
}

func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = fmt.Errorf(format, args...)
	}
}

func (q *query) one(key string, of ...string) string {
	v := q.values.Get(key)
	if len(of) > 0 && q.values.Has(key) && !slices.Contains(of, v) {
		q.fail("%s must be one of %s", key, strings.Join(of, ", "))
	}
	return v
}

func (q *query) flag(key string) bool { return q.one(key, "true", "false") == "true" }

func (q *query) number(key string, fallback, low, high int) int {
	if !q.values.Has(key) {
		return fallback
	}
	n, err := strconv.Atoi(q.values.Get(key))
	if err != nil || n < low || n > high {
		q.fail("%s must be a whole number from %d to %d", key, low, high)
		return fallback
	}
	return n
}

// page reads which part of a listing of n is asked for: page from 0, limit 1 to 50, 20 by default.
func (q *query) page(n int) (from, to int) {
	number, limit := q.number("page", 0, 0, math.MaxInt32), q.number("limit", 20, 1, 50)
	from = min(number*limit, n)
	return from, min(from+limit, n)
}
