package config

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/goccy/go-yaml"
)

// YAML is the settings with every default filled in and every secret masked, in the form of the settings file. What is not
// set is left out.
func (s *Settings) YAML() ([]byte, error) {
	return yaml.Marshal(shown(reflect.ValueOf(s).Elem(), func(d time.Duration) any { return FormatDuration(d) }, true))
}

// MarshalJSON is the settings with every default filled in and every secret masked. Lengths of time are numbers of seconds,
// and what is not set is null.
func (s *Settings) MarshalJSON() ([]byte, error) {
	pairs := shown(reflect.ValueOf(s).Elem(), func(d time.Duration) any { return d.Seconds() }, false)
	return json.Marshal(asMap(pairs))
}

// shown turns settings into plain values that any encoder takes, in the order of their keys.
func shown(v reflect.Value, length func(time.Duration) any, skipUnset bool) any {
	switch {
	case v.Type() == secretType || v.Type() == redisType:
		text := v.Interface().(interface{ String() string }).String()
		if text == "" {
			return nil
		}
		return text
	case v.Type() == durationType:
		return length(time.Duration(v.Int()))
	}
	switch v.Kind() { //nolint:exhaustive // the others are shown as they are
	case reflect.Struct:
		var pairs yaml.MapSlice
		for _, f := range fieldsOf(v.Type()) {
			value := shown(v.Field(f.index), length, skipUnset)
			if value == nil && skipUnset {
				continue
			}
			pairs = append(pairs, yaml.MapItem{Key: f.name, Value: value})
		}
		return pairs
	case reflect.Slice:
		items := make([]any, v.Len())
		for i := range items {
			items[i] = shown(v.Index(i), length, skipUnset)
		}
		return items
	}
	if v.IsZero() {
		return nil
	}
	return v.Interface()
}

// asMap turns ordered pairs into maps, which JSON can encode.
func asMap(v any) any {
	switch v := v.(type) {
	case yaml.MapSlice:
		m := make(map[string]any, len(v))
		for _, item := range v {
			m[item.Key.(string)] = asMap(item.Value)
		}
		return m
	case []any:
		for i := range v {
			v[i] = asMap(v[i])
		}
	}
	return v
}
