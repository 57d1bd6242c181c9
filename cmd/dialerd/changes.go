package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
)

// change is one field that is different in two versions of a campaign.
type change struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// changes lists the fields in which two versions of a campaign differ, in the words of the campaign file.
func changes(was, now *campaign.Campaign) []change {
	out := []change{}
	compareValues("", reflect.ValueOf(was).Elem(), reflect.ValueOf(now).Elem(), &out)
	return out
}

func compareValues(field string, was, now reflect.Value, out *[]change) {
	switch was.Kind() {
	case reflect.Struct:
		for i := range was.NumField() {
			name, _, _ := strings.Cut(was.Type().Field(i).Tag.Get("json"), ",")
			compareValues(strings.TrimPrefix(field+"."+name, "."), was.Field(i), now.Field(i), out)
		}
	case reflect.Map:
		keys := append(was.MapKeys(), now.MapKeys()...)
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		keys = slices.CompactFunc(keys, func(a, b reflect.Value) bool { return a.String() == b.String() })
		for _, k := range keys {
			old, new := was.MapIndex(k), now.MapIndex(k)
			if o, n := describe(old), describe(new); o != n {
				*out = append(*out, change{field + "." + k.String(), o, n})
			}
		}
	default:
		if o, n := describe(was), describe(now); o != n {
			*out = append(*out, change{field, o, n})
		}
	}
}

// describe is a value for people; "" when nothing is said.
func describe(v reflect.Value) string {
	if !v.IsValid() {
		return ""
	}
	if d, ok := reflect.TypeAssert[time.Duration](v); ok {
		if d == 0 {
			return ""
		}
		return config.FormatDuration(d)
	}
	switch v.Kind() { //nolint:exhaustive // the others print as they are
	case reflect.Slice, reflect.Array:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = describe(v.Index(i))
		}
		if strings.Join(parts, "") == "" {
			return ""
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Struct:
		if s, ok := reflect.TypeAssert[fmt.Stringer](v); ok {
			return s.String()
		}
		var parts []string
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if part := describe(v.Field(i)); part != "" {
				parts = append(parts, name+": "+part)
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		parts := make([]string, len(keys))
		for i, k := range keys {
			parts[i] = k.String() + ": " + describe(v.MapIndex(k))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if v.IsZero() {
		return ""
	}
	return fmt.Sprint(v.Interface())
}
