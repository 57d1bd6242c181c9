package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignoreOrigin = cmpopts.IgnoreUnexported(Settings{})

// env makes an environment from pairs of name and value.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// write puts a file into a new folder and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// documented is the settings that the sample of the documentation stands for, which writes every default out.
func documented(t *testing.T) *Settings {
	return &Settings{
		Redis:     NewRedisURL("redis://127.0.0.1:6379/0"),
		Listen:    "127.0.0.1:8080",
		Admin:     "127.0.0.1:8081",
		PublicURL: "https://d.example.com",
		DataDir:   absolute(t, "testdata/good/data"),
		File:      "testdata/good/dialerd.yaml",
		Audit:     Audit{Keep: 5 * 366 * 24 * time.Hour, Backlog: 100_000},
		Teams: []Team{{
			Name:      "default",
			APIToken:  NewSecret("tok"),
			TeamID:    "id",
			BaseURL:   "https://api.thoughtly.com",
			Rate:      Rate{100, 60 * time.Second},
			Timeout:   15 * time.Second,
			Reconcile: Reconcile{5 * time.Minute, time.Hour},
			Plan:      Plan{300, 0.09, "USD"},
		}},
	}
}

func TestSampleSettingsLoadAsTheyStand(t *testing.T) {
	t.Parallel()
	got, err := LoadSettings("testdata/good/dialerd.yaml", env("THOUGHTLY_API_TOKEN", "tok", "THOUGHTLY_TEAM_ID", "id"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(documented(t), got, ignoreOrigin); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := got.CheckServe(); err != nil {
		t.Errorf("CheckServe: %v", err)
	}
}

func TestDeployedSettingsLoadAsTheyStand(t *testing.T) {
	t.Parallel()
	const path = "../deploy/dialerd.yaml"
	if _, err := os.Stat(path); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	settings, err := LoadSettings(path, func(name string) (string, bool) {
		if name == "REDIS_URL" || name == "THOUGHTLY_BASE_URL" || strings.HasPrefix(name, "DIALERD_") {
			return "", false
		}
		return "x-" + strings.ToLower(name), true
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCampaigns("../deploy/campaign.yaml", settings); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentAloneGivesOneTeam(t *testing.T) {
	t.Chdir(t.TempDir())
	want := documented(t)
	want.File, want.DataDir, want.Teams[0].Plan = "", absolute(t, "elsewhere"), Plan{}
	got, err := LoadSettings("", env(
		"REDIS_URL", "redis://127.0.0.1:6379/0",
		"DIALERD_LISTEN", "127.0.0.1:8080",
		"DIALERD_ADMIN", " 127.0.0.1:8081\n",
		"DIALERD_PUBLIC_URL", "https://d.example.com/",
		"DIALERD_DATA_DIR", "elsewhere",
		"THOUGHTLY_API_TOKEN", "tok",
		"THOUGHTLY_TEAM_ID", "id",
		"THOUGHTLY_BASE_URL", "https://api.thoughtly.com",
	))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, ignoreOrigin); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNothingAtAllGivesTheDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	got, err := LoadSettings("", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := documented(t)
	want.File, want.Redis, want.DataDir, want.PublicURL = "", NewRedisURL("embedded"), absolute(t, "data"), ""
	want.Teams[0].APIToken, want.Teams[0].TeamID, want.Teams[0].Plan = Secret{}, "", Plan{}
	if diff := cmp.Diff(want, got, ignoreOrigin); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	wantLacks := `public_url: is missing; set it or DIALERD_PUBLIC_URL to the https URL at which the internet reaches 127.0.0.1:8080
teams[0].api_token: is missing; set THOUGHTLY_API_TOKEN (Thoughtly: Settings, Developer)
teams[0].team_id: is missing; set THOUGHTLY_TEAM_ID (Thoughtly: Settings, Developer)`
	if diff := cmp.Diff(wantLacks, fmt.Sprint(got.CheckServe())); diff != "" {
		t.Errorf("CheckServe (-want +got):\n%s", diff)
	}
}

func TestDefaultFileIsReadWhenItIsThere(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(DefaultFile, []byte("listen: 127.0.0.1:9999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := LoadSettings("", noEnv)
	if err != nil || got.Listen != "127.0.0.1:9999" || got.File != DefaultFile {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestNamedFileMustBeThere(t *testing.T) {
	t.Parallel()
	_, err := LoadSettings(filepath.Join(t.TempDir(), "none.yaml"), noEnv)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--config") {
		t.Errorf("got %v", err)
	}
}

func TestFileWinsOverEnvironmentAndEnvironmentOverDefault(t *testing.T) {
	t.Parallel()
	path := write(t, "d.yaml", "listen: 127.0.0.1:1111\nteams: [{api_token: from-file}]\n")
	got, err := LoadSettings(path, env(
		"DIALERD_LISTEN", "127.0.0.1:2222", "DIALERD_ADMIN", "127.0.0.1:3333", "DIALERD_DATA_DIR", "",
		"THOUGHTLY_API_TOKEN", "from-env", "THOUGHTLY_TEAM_ID", "id-from-env", "THOUGHTLY_BASE_URL", "http://127.0.0.1:9/",
	))
	if err != nil {
		t.Fatal(err)
	}
	team := got.Teams[0]
	have := []string{got.Listen, got.Admin, got.DataDir, team.Name, team.APIToken.Reveal(), team.TeamID, team.BaseURL, got.PublicURL}
	want := []string{
		"127.0.0.1:1111", "127.0.0.1:3333", filepath.Join(filepath.Dir(path), "data"), "default", "from-file", "id-from-env",
		"http://127.0.0.1:9", "",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTeamEnvironmentIsForTheTeamNamedDefaultAmongSeveral(t *testing.T) {
	t.Parallel()
	path := write(t, "d.yaml", "teams:\n- {name: other, api_token: a, team_id: b}\n- {name: default}\n")
	got, err := LoadSettings(path, env("THOUGHTLY_API_TOKEN", "t", "THOUGHTLY_TEAM_ID", "i", "THOUGHTLY_BASE_URL", "http://localhost:1"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Teams[0].BaseURL != defaultBaseURL || got.Teams[1].BaseURL != "http://localhost:1" || got.Teams[1].APIToken.Reveal() != "t" {
		t.Errorf("got %+v", got.Teams)
	}
}

func TestMistakesInTheEnvironmentNameTheVariable(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := LoadSettings("", env("DIALERD_LISTEN", "nowhere", "REDIS_URL", "http://u:hunter2@h", "THOUGHTLY_API_TOKEN", "two words",
		"THOUGHTLY_BASE_URL", "api.thoughtly.com"))
	want := `environment: DIALERD_LISTEN "nowhere": is not host:port; write 127.0.0.1:8080, or :8080 for every address of this machine
environment: REDIS_URL "http://u:xxxxx@h": has a scheme that is not one of redis, rediss, unix, redis+sentinel, rediss+sentinel, sentinel, redis+cluster, rediss+cluster
environment: THOUGHTLY_API_TOKEN "<secret>": has characters that no token has (spaces, line ends or others); copy it once more
environment: THOUGHTLY_BASE_URL "api.thoughtly.com": is not a URL; write https://HOST`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestVariablesAreReplacedInValuesOnly(t *testing.T) {
	t.Parallel()
	path := write(t, "d.yaml", "listen: ${HOST}:${PORT}\ndata_dir: /x/$${y}/$z\nteams:\n- name: a\n  api_token: p-${T}\n  team_id: ${T}\n  rate: {requests: \"${N}\"}\n")
	got, err := LoadSettings(path, env("HOST", "127.0.0.1", "PORT", "80", "T", "${HOST}", "N", "7"))
	if err != nil {
		t.Fatal(err)
	}
	have := []any{got.Listen, got.DataDir, got.Teams[0].APIToken.Reveal(), got.Teams[0].TeamID, got.Teams[0].Rate.Requests}
	if diff := cmp.Diff([]any{"127.0.0.1:80", "/x/${y}/$z", "p-${HOST}", "${HOST}", 7}, have); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := LoadSettings(write(t, "d.yaml", "${KEY}: 1\n"), env("KEY", "listen")); err == nil {
		t.Error("a variable was taken for a key")
	}
}

func TestTokenIsReadFromItsFileBesideTheSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, token, problem string }{
		"one line":  {"tok\n", "tok", ""},
		"empty":     {" \n", "", "is an empty file; put the token into it"},
		"two lines": {"a\nb\n", "", "holds more than one line; put the token alone into it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "d.yaml", "teams: [{team_id: x, api_token_file: token}]\n")
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "token"), []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := LoadSettings(path, env("THOUGHTLY_API_TOKEN", "not this"))
			if c.problem == "" {
				if err != nil || got.Teams[0].APIToken.Reveal() != c.token {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Message != c.problem {
				t.Errorf("got %v, want %s", err, c.problem)
			}
		})
	}
}

func TestServeAgainstTheRealAPINeedsAPublicURLThatIsNotHere(t *testing.T) {
	t.Parallel()
	path := write(t, "d.yaml", "public_url: http://localhost:8080\nteams: [{api_token: a, team_id: b}]\n")
	got, err := LoadSettings(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.CheckServe(); err == nil || !strings.Contains(err.Error(), "d.yaml:1: public_url \"http://localhost:8080\": is on this machine") {
		t.Errorf("got %v", err)
	}
}

func TestServeNeedsAPublicURLForAnAPIOnThisMachineToo(t *testing.T) {
	t.Parallel()
	path := write(t, "d.yaml", "teams: [{api_token: a, team_id: b, base_url: 'http://127.0.0.1:9'}]\n")
	got, err := LoadSettings(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.CheckServe(); err == nil || !strings.Contains(err.Error(), "public_url: is missing; set it or DIALERD_PUBLIC_URL") ||
		!strings.Contains(err.Error(), "http://127.0.0.1:8080") {
		t.Errorf("got %v", err)
	}
}

func TestATimeoutMayBeLongerThanTheWindowOfTheLimit(t *testing.T) {
	t.Parallel()
	path := write(t, "d.yaml", "teams: [{api_token: a, team_id: b, rate: {requests: 20, per: 2s}, reconcile: {after: 3s, unresolved: 12s}}]\n")
	got, err := LoadSettings(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if got.Teams[0].Timeout != 15*time.Second || got.Teams[0].Reconcile.After != 3*time.Second {
		t.Errorf("got %+v", got.Teams[0])
	}
}

func TestRealMeansAHostThatIsNotThisMachine(t *testing.T) {
	t.Parallel()
	for url, real := range map[string]bool{
		"https://api.thoughtly.com": true, "http://127.0.0.1:80": false, "http://127.9.9.9": false, "http://[::1]:80": false,
		"http://localhost": false, "http://LOCALHOST.": false, "http://mock.localhost": false, "http://127.0.0.1.example.com": true,
		"http://localhost.example.com": true, "http://0.0.0.0": true, "http://10.0.0.1": true, "::": true, "": true,
	} {
		if team := (Team{BaseURL: url}); team.Real() != real {
			t.Errorf("%q: Real() = %v", url, !real)
		}
	}
}

func TestSecretsAreShownNowhere(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	path := write(t, "d.yaml", "redis: redis://u:"+secret+"@h:1/0?sentinel_password="+secret+"\nteams: [{api_token: "+secret+", team_id: x}]\n")
	s, err := LoadSettings(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		token Secret
		redis RedisURL
	}
	held := holder{s.Teams[0].APIToken, s.Redis}
	var shown strings.Builder
	for _, v := range []any{s, *s, s.Teams, s.Teams[0], &s.Teams[0].APIToken, s.Teams[0].APIToken, s.Redis, held, &held, []any{s.Redis}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%T"} {
			fmt.Fprintf(&shown, verb+"\n", v)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("m", "v", v)
	}
	text, err := s.YAML()
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(text)
	if i := strings.Index(shown.String(), secret); i >= 0 {
		t.Errorf("shown: …%s", shown.String()[max(0, i-200):i+10])
	}
	if strings.Contains(shown.String(), fmt.Sprintf("%x", secret)) {
		t.Error("shown in hex")
	}
	if s.Teams[0].APIToken.Reveal() != secret || !strings.Contains(s.Redis.Reveal(), secret) {
		t.Error("Reveal does not give it out")
	}
}

func TestSettingsAreShownWithDefaultsAndUnits(t *testing.T) {
	t.Parallel()
	s, err := LoadSettings("testdata/good/dialerd.yaml", env("THOUGHTLY_API_TOKEN", "tok", "THOUGHTLY_TEAM_ID", "id"))
	if err != nil {
		t.Fatal(err)
	}
	s.DataDir = "/data"
	text, err := s.YAML()
	if err != nil {
		t.Fatal(err)
	}
	want := `redis: redis://127.0.0.1:6379/0
listen: 127.0.0.1:8080
admin: 127.0.0.1:8081
public_url: https://d.example.com
data_dir: /data
google: {}
audit:
  keep: 1830d
  backlog: 100000
teams:
- name: default
  api_token: <secret>
  team_id: id
  base_url: https://api.thoughtly.com
  rate:
    requests: 100
    per: 1m
  timeout: 15s
  reconcile:
    after: 5m
    unresolved: 1h
  plan:
    included_minutes: 300.0
    per_minute: 0.09
    currency: USD
  budget: {}
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("YAML (-want +got):\n%s", diff)
	}
	text, err = json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Teams []map[string]any `json:"teams"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	wantTeam := map[string]any{
		"name": "default", "api_token": "<secret>", "api_token_file": nil, "team_id": "id", "base_url": "https://api.thoughtly.com",
		"rate": map[string]any{"requests": 100.0, "per": 60.0}, "timeout": 15.0, "max_in_flight": nil,
		"reconcile": map[string]any{"after": 300.0, "unresolved": 3600.0},
		"plan":      map[string]any{"included_minutes": 300.0, "per_minute": 0.09, "currency": "USD"},
		"budget":    map[string]any{"calls_per_day": nil, "timezone": nil},
	}
	if diff := cmp.Diff([]map[string]any{wantTeam}, got.Teams); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// Some editors put a mark before UTF-8: it is no part of a file, and lines and fields are told as without it.
func TestAMarkBeforeTheTextIsNoPartOfIt(t *testing.T) {
	t.Parallel()
	const valid = "# of spring\ncampaign: spring\nagents: [{id: aB3dE9fG}]\nleads: [{source: leads.csv, country: US}]\nconsent: {basis: asked}\n"
	for name, test := range map[string]struct {
		load func(path string) error
		text string
		bad  string // the same with a mistake in it
		want string
	}{
		"settings": {
			func(path string) error { _, err := LoadSettings(path, noEnv); return err },
			"listen: 127.0.0.1:8090\nteams: [{name: default, api_token: x, team_id: y}]\n", "lisen: 127.0.0.1:8090\n", ":1: lisen: ",
		},
		"campaign": {func(path string) error { _, err := LoadCampaigns(path, nil); return err }, valid, "canpaign: spring\n" + valid, ":1: canpaign: "},
		"rules": {
			func(path string) error { _, err := LoadRules(path); return err },
			"no_call_days: {NL: [2027-04-27 Koningsdag]}\n", "no_cal_days: {}\n", ":1: no_cal_days: ",
		},
		"token": {
			func(path string) error {
				s, err := LoadSettings(write(t, "dialerd.yaml", "teams: [{name: default, api_token_file: "+path+", team_id: y}]\n"), noEnv)
				if err == nil && s.Teams[0].APIToken.Reveal() != "secret" {
					t.Errorf("the token is %q", s.Teams[0].APIToken.Reveal())
				}
				return err
			},
			"secret\n", "\n", "is an empty file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := test.load(write(t, "file.yaml", mark+test.text)); err != nil {
				t.Error(err)
			}
			if err := test.load(write(t, "file.yaml", mark+test.bad)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("a mistake behind the mark: %v, want %q in it", err, test.want)
			}
		})
	}
}
