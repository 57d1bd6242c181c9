// Package deploy_test holds what is deployed to what the program is: its commands, flags and environment.
package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// variables are the names that the program knows; TestTheProgramReadsTheseVariables holds them to it.
var variables = []string{
	"REDIS_URL", "DIALERD_LISTEN", "DIALERD_ADMIN", "DIALERD_PUBLIC_URL", "DIALERD_DATA_DIR",
	"THOUGHTLY_API_TOKEN", "THOUGHTLY_TEAM_ID", "THOUGHTLY_BASE_URL",
}

// longestStop is how long the daemon may take to end: the timeout of a request, what handlers may add, and a margin.
const longestStop = 60 * time.Second

func TestTheProgramReadsTheseVariables(t *testing.T) {
	t.Parallel()
	source := sources(t, "../config/*.go")
	for _, name := range variables {
		if !strings.Contains(source, `"`+name+`"`) {
			t.Errorf("config does not read %s", name)
		}
	}
}

func TestCompose(t *testing.T) {
	t.Parallel()
	type service struct {
		Image           string
		Build           struct{ Context, Dockerfile string }
		Command         []string
		Environment     map[string]string
		Ports           []string
		Volumes         []string
		Restart         string
		StopGracePeriod string   `yaml:"stop_grace_period"`
		ReadOnly        bool     `yaml:"read_only"`
		CapDrop         []string `yaml:"cap_drop"`
		SecurityOpt     []string `yaml:"security_opt"`
		Healthcheck     struct {
			Test              []string
			Interval, Timeout string
			Retries           int
		}
		DependsOn map[string]struct{ Condition string } `yaml:"depends_on"`
	}
	var compose struct {
		Name     string
		Services map[string]service
		Volumes  map[string]any
	}
	if err := yaml.UnmarshalWithOptions([]byte(read(t, "compose.yaml")), &compose, yaml.Strict()); err != nil {
		t.Fatal(err)
	}

	d, r := compose.Services["dialerd"], compose.Services["redis"]
	wantRedis := []string{
		"redis-server", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "",
	}
	if diff := cmp.Diff(wantRedis, r.Command); diff != "" {
		t.Errorf("redis: a record that can be lost can ring twice: %s", diff)
	}
	if !strings.HasPrefix(r.Image, "redis:7") || len(r.Ports) > 0 {
		t.Errorf("redis: image %q, ports %v, want Redis 7 that nobody else reaches", r.Image, r.Ports)
	}
	if !slices.Equal(r.Healthcheck.Test, []string{"CMD", "redis-cli", "ping"}) || d.DependsOn["redis"].Condition != "service_healthy" {
		t.Error("dialerd does not wait until Redis answers")
	}
	for name, s := range compose.Services {
		if len(s.Volumes) != 1 || s.Restart != "unless-stopped" {
			t.Errorf("%s: volumes %v, restart %q", name, s.Volumes, s.Restart)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := compose.Volumes[volume]; !ok {
				t.Errorf("%s: volume %s is not declared", name, volume)
			}
		}
	}

	checkCommand(t, "compose.yaml", d.Command)
	for _, name := range []string{"REDIS_URL", "THOUGHTLY_API_TOKEN", "THOUGHTLY_TEAM_ID", "DIALERD_PUBLIC_URL"} {
		if d.Environment[name] == "" {
			t.Errorf("dialerd: %s is not set", name)
		}
	}
	for name, value := range d.Environment {
		if !slices.Contains(variables, name) {
			t.Errorf("dialerd: the program does not know %s", name)
		}
		if strings.Contains(name, "TOKEN") && !strings.HasPrefix(value, "${") {
			t.Errorf("dialerd: %s is written into the file", name)
		}
	}
	if want := []string{"8080:8080", "127.0.0.1:8081:8081"}; !slices.Equal(d.Ports, want) {
		t.Errorf("dialerd: ports %v, want %v: the operator's page is not for the internet", d.Ports, want)
	}
	if stop, err := time.ParseDuration(d.StopGracePeriod); err != nil || stop <= longestStop {
		t.Errorf("dialerd: stop_grace_period %q, want more than %s", d.StopGracePeriod, longestStop)
	}
	if _, err := os.Stat(filepath.Join(d.Build.Context, d.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	text := read(t, "Dockerfile")
	// Instructions of the last stage, and the Go of the first.
	last := map[string][]string{}
	var golang string
	joined := strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(joined) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
			continue
		case word == "FROM":
			clear(last)
			if version, ok := strings.CutPrefix(rest, "golang:"); ok {
				golang, _, _ = strings.Cut(version, "-")
			}
		}
		last[word] = append(last[word], strings.TrimSpace(rest))
	}

	if need := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod")); need == nil || need[1] != golang {
		t.Errorf("built with Go %s, go.mod says %v", golang, need)
	}
	if want := []string{"scratch"}; !slices.Equal(last["FROM"], want) {
		t.Errorf("FROM %v, want %v", last["FROM"], want)
	}
	if user := strings.Join(last["USER"], " "); !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("USER %q, want numbers that are not root's: there is no passwd file", user)
	}
	var entry, args []string
	if err := json.Unmarshal([]byte(strings.Join(last["ENTRYPOINT"], "")), &entry); err != nil {
		t.Fatalf("ENTRYPOINT: %v", err)
	}
	if err := json.Unmarshal([]byte(strings.Join(last["CMD"], "")), &args); err != nil {
		t.Fatalf("CMD: %v", err)
	}
	if len(entry) != 1 || filepath.Base(entry[0]) != "dialerd" {
		t.Fatalf("ENTRYPOINT %q", entry)
	}
	checkCommand(t, "Dockerfile", args)
	if !slices.Contains(last["COPY"], "--from=build /out/dialerd "+entry[0]) {
		t.Errorf("%s is not copied from what was built: %q", entry[0], last["COPY"])
	}
	if !slices.ContainsFunc(last["COPY"], func(c string) bool { return strings.Contains(c, "ca-certificates.crt") }) {
		t.Error("no certificates: no https")
	}
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath", "./cmd/dialerd", "REDIS_URL"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not there", want)
		}
	}
	if !strings.Contains(sources(t, "../cmd/dialerd/*.go"), "\nvar version = ") {
		t.Error("cmd/dialerd has no version to set")
	}
	for pair := range strings.FieldsSeq(strings.Join(last["ENV"], " ")) {
		if name, _, _ := strings.Cut(pair, "="); !slices.Contains(variables, name) {
			t.Errorf("ENV: the program does not know %s", name)
		}
	}
}

func TestUnit(t *testing.T) {
	t.Parallel()
	unit := map[string]string{} // "Section.Key", the last of several
	section := ""
	for line := range strings.Lines(read(t, "dialerd.service")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Errorf("not a setting: %q", line)
		}
		unit[section+"."+key] = value
	}

	for key, want := range map[string]string{
		"Service.Restart":                  "on-failure",
		"Service.RestartPreventExitStatus": "2",     // wrong settings
		"Service.KillMode":                 "mixed", // the embedded Redis outlives the daemon
		"Service.StateDirectory":           "dialerd",
		"Service.EnvironmentFile":          "/etc/dialerd/dialerd.env",
		"Service.DynamicUser":              "yes",
		"Service.NoNewPrivileges":          "yes",
		"Service.ProtectSystem":            "strict",
		"Service.ProtectHome":              "yes",
		"Service.CapabilityBoundingSet":    "",
		"Service.RestrictAddressFamilies":  "AF_INET AF_INET6 AF_UNIX", // the embedded Redis has a unix socket
		"Install.WantedBy":                 "multi-user.target",
	} {
		if got, ok := unit[key]; !ok || got != want {
			t.Errorf("%s=%s, want %q", key, got, want)
		}
	}
	command := strings.Fields(unit["Service.ExecStart"])
	if len(command) == 0 || filepath.Base(command[0]) != "dialerd" {
		t.Fatalf("ExecStart=%s", unit["Service.ExecStart"])
	}
	checkCommand(t, "dialerd.service", command[1:])
	if name, value, _ := strings.Cut(unit["Service.Environment"], "="); !slices.Contains(variables, name) || value != "/var/lib/"+unit["Service.StateDirectory"] {
		t.Errorf("Environment=%s", unit["Service.Environment"])
	}
	if stop, err := time.ParseDuration(unit["Service.TimeoutStopSec"]); err != nil || stop <= longestStop {
		t.Errorf("TimeoutStopSec=%s, want more than %s", unit["Service.TimeoutStopSec"], longestStop)
	}
}

// The samples are loaded by config's tests; here, that they leave nothing out that a reader would look for.
func TestSamplesNameEverySetting(t *testing.T) {
	t.Parallel()
	for file, keys := range map[string]string{
		"dialerd.yaml": "redis listen admin public_url data_dir teams name api_token team_id base_url rate timeout reconcile " +
			"max_in_flight plan",
		"campaign.yaml": "campaign team agents leads source columns country schedule timezone start stop import calling hours " +
			"rules guard consent attempts lifetime per_24h per_7d per_30d gap outcomes pace budget",
	} {
		text := read(t, file)
		for key := range strings.FieldsSeq(keys) {
			if !regexp.MustCompile(`(?m)\b` + key + `:`).MatchString(text) {
				t.Errorf("%s: no %s", file, key)
			}
		}
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, name := range variables {
		if !strings.Contains(read(t, "dialerd.yaml"), name) {
			t.Errorf("dialerd.yaml: no word of %s", name)
		}
	}
}

// checkCommand holds the words of a command line to the source of the program: the command, then flags.
func checkCommand(t *testing.T, where string, words []string) {
	t.Helper()
	source := sources(t, "../cmd/dialerd/*.go")
	if len(words) == 0 {
		t.Errorf("%s: no command", where)
		return
	}
	if !regexp.MustCompile(`Use:\s*"` + words[0] + `[ "]`).MatchString(source) {
		t.Errorf("%s: cmd/dialerd has no command with Use: %q", where, words[0])
	}
	for _, word := range words[1:] {
		if name, ok := strings.CutPrefix(word, "--"); ok && !strings.Contains(source, `"`+name+`"`) {
			t.Errorf("%s: cmd/dialerd has no flag %s", where, word)
		}
	}
}

func sources(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file is like %s: %v", pattern, err)
	}
	var b strings.Builder
	for _, path := range paths {
		b.WriteString(read(t, path))
	}
	return b.String()
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
