package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What an exported variable says and the file overrules is named, so that a person is told whose settings are in use.
func TestVariablesThatTheFileOverrulesAreNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "dialerd.yaml")
	text := "listen: 127.0.0.1:9080\ndata_dir: data\nteams:\n  - api_token: ${THOUGHTLY_API_TOKEN}\n    team_id: demo\n    base_url: http://127.0.0.1:1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"THOUGHTLY_API_TOKEN": "simulated-token", "THOUGHTLY_TEAM_ID": "real", "DIALERD_LISTEN": "127.0.0.1:9080", "DIALERD_DATA_DIR": "/srv/data", "DIALERD_ADMIN": ":0",
	}
	s, err := LoadSettings(file, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"DIALERD_DATA_DIR", "THOUGHTLY_TEAM_ID"}, s.Overruled); diff != "" {
		t.Error(diff)
	}
}

// The line of a mistake of syntax is shown, unless a secret may stand in it.
func TestLinesWithSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	for line, shown := range map[string]bool{
		"consent: {basis: 'it's'}":                  true,
		"api_token: {abc'":                          false,
		"redis: {redis://user:abc@127.0.0.1: 'x'y'": false,
		"x: {QWERTYUIOPASDFGHJKLZ1234: 'x'y'":       false,
	} {
		_, problem := parse("f.yaml", []byte("a: 1\n"+line))
		if problem == nil {
			t.Errorf("%q is read", line)
			continue
		}
		if got := strings.Contains(problem.String(), "abc") || strings.Contains(problem.String(), "QWERTY"); got {
			t.Errorf("%q: %s", line, problem)
		}
		if got := problem.Value != ""; got != shown {
			t.Errorf("%q: shown is %v in %s", line, got, problem)
		}
	}
}
