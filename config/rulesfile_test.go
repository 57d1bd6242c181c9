package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

func TestRulesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	got, err := LoadRules("testdata/good/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	day := []campaign.Span{{From: 600, To: 1200}}
	want := campaign.Amendment{
		Blocks: []campaign.Block{
			{Region: "US-LA", From: "2026-08-28", To: "2026-09-02", Reason: "PSC emergency order, hurricane"},
			{Region: "US-TX", From: "2026-12-01T18:00:00-06:00", To: "2026-12-02T09:00:00-06:00", Reason: "power cut"},
		},
		Hours: map[string]campaign.OwnHours{"US-TX": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sun": {}}},
		NoCallDays: map[string][]campaign.NamedDay{
			"NL": {{Date: "2026-12-25"}, {Date: "2026-12-26"}, {Date: "2027-01-01"}, {Date: "2027-04-27", Name: "Koningsdag"}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(), cmp.FilterPath(func(p cmp.Path) bool {
		name := p.Last().String()
		return name == ".instants" || name == ".days" || name == ".from" || name == ".to"
	}, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatHoldNoRulesAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "holds no rules",
		"# nothing":                   "holds no rules",
		"blocks: []\n---\nblocks: []": "second document",
		"blocks: [":                   "not valid YAML",
		"- 1":                         "want a mapping",
		"blocks:":                     "no value",
	} {
		file := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadRules(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
