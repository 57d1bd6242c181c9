package config

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestSamplesFitTheSchemas checks the documented samples against the published schemas, as far as these say anything.
func TestSamplesFitTheSchemas(t *testing.T) {
	t.Parallel()
	for file, text := range map[string][]byte{"testdata/good/dialerd.yaml": SettingsSchema(), "testdata/good/campaign.yaml": CampaignSchema(), "testdata/good/rules.yaml": RulesSchema()} {
		var schema map[string]any
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		sample, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := yaml.Unmarshal(sample, &doc); err != nil {
			t.Fatal(err)
		}
		for _, fault := range against(schema, doc, file) {
			t.Error(fault)
		}
		doc.(map[string]any)["no_such_key"] = 1
		if len(against(schema, doc, file)) != 1 {
			t.Errorf("%s: an unknown key fits the schema", file)
		}
	}
}

func TestSchemasRefuseWhatTheLoaderRefuses(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	if err := json.Unmarshal(CampaignSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"agents: [{id: a}]",
		"campaign: c\nagents: [{weight: 1}]",
		"campaign: c\nagents: [{id: a, weight: 0}]",
		"campaign: c\nagents: [{id: a}]\nattempts: {gap: 4}",
		"campaign: c\nagents: [{id: a}]\nattempts: {gap: \"4\"}",
		"campaign: c\nagents: [{id: a}]\ncalling: {rules: illegal}",
		"campaign: c\nagents: [{id: a}]\ncalling: {hours: {mon: nine}}",
		"campaign: c\nagents: [{id: a}]\noutcomes: {busy: closed}",
		"campaign: c\nagents: [{id: a}]\nleads: [{source: x, columns: {fone: x}}]",
		"campaign: c\nagents: [{id: a}]\nbudget: {minutes: 0}",
	} {
		var doc any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if len(against(schema, doc, "")) == 0 {
			t.Errorf("fits the schema:\n%s", text)
		}
		if _, err := LoadCampaigns(write(t, "c.yaml", text), nil); err == nil {
			t.Errorf("loads:\n%s", text)
		}
	}
}

// against is a small JSON Schema check: exactly what our schemas use.
func against(schema map[string]any, v any, path string) (faults []string) {
	fault := func(format string, args ...any) {
		faults = append(faults, path+": "+fmt.Sprintf(format, args...))
	}
	if forms, ok := schema["anyOf"].([]any); ok {
		for _, form := range forms {
			if len(against(form.(map[string]any), v, path)) == 0 {
				return nil
			}
		}
		fault("%v fits none of its forms", v)
		return faults
	}
	if c, ok := schema["const"]; ok && c != v {
		fault("%v is not %v", v, c)
	}
	kinds, ok := schema["type"].([]any)
	if !ok && schema["type"] != nil {
		kinds = []any{schema["type"]}
	}
	switch v := v.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for key, value := range v {
			sub, ok := properties[key].(map[string]any)
			if !ok {
				sub, ok = schema["additionalProperties"].(map[string]any)
			}
			if !ok {
				fault("unknown key %s", key)
				continue
			}
			faults = append(faults, against(sub, value, path+"."+key)...)
		}
		required, _ := schema["required"].([]any)
		for _, key := range required {
			if _, ok := v[key.(string)]; !ok {
				fault("lacks %v", key)
			}
		}
		if len(kinds) > 0 && !slices.Contains(kinds, any("object")) {
			fault("is an object")
		}
	case []any:
		if !slices.Contains(kinds, any("array")) {
			fault("is an array")
			break
		}
		for i, item := range v {
			faults = append(faults, against(schema["items"].(map[string]any), item, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case string:
		if len(kinds) > 0 && !slices.Contains(kinds, any("string")) {
			fault("%q is a string", v)
		}
		if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v) {
			fault("%q does not match %s", v, pattern)
		}
		if words, ok := schema["enum"].([]any); ok && !slices.Contains(words, any(v)) {
			fault("%q is not one of %v", v, words)
		}
	case bool:
		if !slices.Contains(kinds, any("boolean")) {
			fault("is a boolean")
		}
	default:
		var n float64
		if _, err := fmt.Sscan(fmt.Sprint(v), &n); err != nil || (!slices.Contains(kinds, any("integer")) && !slices.Contains(kinds, any("number"))) {
			fault("%v is a number", v)
		}
		if low, ok := schema["minimum"].(float64); ok && n < low {
			fault("%v is less than %v", v, low)
		}
		if low, ok := schema["exclusiveMinimum"].(float64); ok && n <= low {
			fault("%v is not more than %v", v, low)
		}
	}
	return faults
}
