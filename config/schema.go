package config

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// SettingsSchema is the JSON Schema of the settings file.
func SettingsSchema() []byte {
	s := &Settings{}
	s.setDefaults()
	return schemaOf("dialerd settings", reflect.ValueOf(s).Elem())
}

// CampaignSchema is the JSON Schema of one document of a campaign file.
func CampaignSchema() []byte {
	f := &campaignFile{}
	f.setDefaults()
	return schemaOf("dialerd campaign", reflect.ValueOf(f).Elem())
}

// described is a value that describes its own forms, because it reads them by itself.
type described interface {
	schema() schema
}

// schema is one JSON Schema, or a part of one.
type schema map[string]any

// schemaOf makes a schema from the struct that the file is read into, so that the two cannot differ. The defaults are those
// of v.
func schemaOf(title string, v reflect.Value) []byte {
	s := structSchema(v)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = title
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // unreachable: only maps, lists and plain values are in it
	}
	return append(text, '\n')
}

func structSchema(v reflect.Value) schema {
	properties, required := schema{}, []string{}
	for _, f := range fieldsOf(v.Type()) {
		property := valueSchema(v.Field(f.index), f.tag)
		if doc := f.tag.Get("doc"); doc != "" {
			property["description"] = doc
		}
		properties[f.name] = property
		if f.tag.Get("required") == "true" {
			required = append(required, f.name)
		}
	}
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// durationForm is what ParseDuration reads.
const durationForm = `^([0-9]+(\.[0-9]*)?|\.[0-9]+)(w|d|h|m|s|ms)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(d|h|m|s|ms))*$`

func valueSchema(v reflect.Value, tag reflect.StructTag) schema {
	if v.CanAddr() {
		if d, ok := reflect.TypeAssert[described](v.Addr()); ok {
			return d.schema()
		}
	}
	switch {
	case v.Type() == secretType || v.Type() == redisType:
		s := schema{"type": "string"}
		if v.Type() == redisType {
			s["default"] = Embedded
		}
		return s
	case v.Type() == durationType:
		s := schema{"type": "string", "pattern": durationForm}
		if d := time.Duration(v.Int()); d > 0 {
			s["default"] = FormatDuration(d)
		}
		return s
	}
	switch v.Kind() { //nolint:exhaustive // the structs have no others, and what is left is a text
	case reflect.Struct:
		return structSchema(v)
	case reflect.Slice:
		item := reflect.New(v.Type().Elem())
		if def, ok := reflect.TypeAssert[defaulter](item); ok {
			def.setDefaults()
		}
		return schema{"type": "array", "items": valueSchema(item.Elem(), tag)}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": valueSchema(reflect.New(v.Type().Elem()).Elem(), "")}
	case reflect.Int:
		return numberSchema("integer", float64(v.Int()), tag)
	case reflect.Float64:
		return numberSchema("number", v.Float(), tag)
	case reflect.Bool:
		return schema{"type": "boolean"}
	}
	s := schema{"type": []string{"string", "number", "boolean"}} // team_id: 12345 is a text too
	if words, ok := tag.Lookup("oneof"); ok {
		s = schema{"type": "string", "enum": strings.Fields(words)}
	}
	if v.String() != "" {
		s["default"] = v.String()
	}
	return s
}

// numberSchema is a number.
func numberSchema(kind string, value float64, tag reflect.StructTag) schema {
	number := schema{"type": kind}
	if low, err := strconv.ParseFloat(tag.Get("min"), 64); err == nil {
		number["minimum"] = low
	}
	if tag.Get("above") == "0" {
		number["exclusiveMinimum"] = 0
	}
	if value != 0 {
		number["default"] = value
	}
	return number
}

// schema of calling hours: days or ranges of days to spans.
func (*weekHours) schema() schema {
	return schema{
		"type": "object",
		"additionalProperties": schema{
			"type":    "string",
			"pattern": `^(closed|\s*[0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2}\s*([,+]\s*[0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2}\s*)*)$`,
		},
	}
}

// schema of an outcome: the word close, or a mapping.
func (o *outcomeEntry) schema() schema {
	return schema{"anyOf": []schema{{"const": wordClose}, structSchema(reflect.ValueOf(&o.outcomeKeys).Elem())}}
}

// schema of a list of columns: the roles that exist, and the header of each.
func (columnMap) schema() schema {
	properties := schema{}
	for _, role := range campaign.Roles() {
		properties[role] = schema{"type": "string"}
	}
	return schema{"type": "object", "additionalProperties": false, "properties": properties}
}
