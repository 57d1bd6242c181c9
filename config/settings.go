package config

import (
	"time"
)

// Settings is what a daemon or a command needs to know about its surroundings. It is fixed once loaded.
type Settings struct {
	Redis     RedisURL `yaml:"redis" env:"REDIS_URL" doc:"where Redis is: redis, rediss, unix, sentinel or cluster URL, or embedded"`
	Listen    string   `yaml:"listen" env:"DIALERD_LISTEN" doc:"host:port for webhooks, the one that the internet may reach"`
	Admin     string   `yaml:"admin" env:"DIALERD_ADMIN" doc:"host:port for the dashboard, /api/v1, /metrics, /healthz and /readyz"`
	PublicURL string   `yaml:"public_url" env:"DIALERD_PUBLIC_URL" doc:"https URL at which Thoughtly reaches listen"`
	DataDir   string   `yaml:"data_dir" env:"DIALERD_DATA_DIR" doc:"folder for the embedded Redis, the spool and rejects"`
	Teams     []Team   `yaml:"teams" doc:"the Thoughtly teams that this daemon works for"`

	// File is the settings file that was read; empty when the environment alone was.
	File string

	decoder *decoder // where each field stands, for later checks
}

// Team is one Thoughtly team: an API key and what is agreed about it.
type Team struct {
	Name         string        `yaml:"name" doc:"a-z, 0-9, dot, dash, underscore; campaigns name it"`
	APIToken     Secret        `yaml:"api_token" doc:"from Settings, Developer in Thoughtly"`
	APITokenFile string        `yaml:"api_token_file" doc:"file that holds the token, instead of api_token"`
	TeamID       string        `yaml:"team_id" doc:"from Settings, Developer in Thoughtly"`
	BaseURL      string        `yaml:"base_url" doc:"URL of the API"`
	Rate         Rate          `yaml:"rate" doc:"request limit of the API key"`
	Timeout      time.Duration `yaml:"timeout" above:"0" doc:"longest time of one request"`
	Reconcile    Reconcile     `yaml:"reconcile" doc:"calls that no webhook tells about"`
	MaxInFlight  int           `yaml:"max_in_flight" min:"1" doc:"most calls under way at once; no limit unless set"`
	Plan         Plan          `yaml:"plan" doc:"what minutes cost"`
}

// Rate is how many requests an API key may make in a length of time.
type Rate struct {
	Requests int           `yaml:"requests" min:"1" doc:"most requests in any span of that length"`
	Per      time.Duration `yaml:"per" above:"0" doc:"length of the span"`
}

// Reconcile is when a call without an outcome is looked up and when it is listed.
type Reconcile struct {
	After      time.Duration `yaml:"after" above:"0" doc:"look the call up after this"`
	Unresolved time.Duration `yaml:"unresolved" above:"0" doc:"list it as unresolved after this"`
}

// Plan is what the team pays. There is no default: plans differ, and nobody publishes a price.
type Plan struct {
	IncludedMinutes float64 `yaml:"included_minutes" min:"0" doc:"minutes a month that cost nothing more"`
	PerMinute       float64 `yaml:"per_minute" min:"0" doc:"price of a minute; a campaign with a budget of cost needs it"`
	Currency        string  `yaml:"currency" doc:"three letters, as in USD"`
}

// DefaultTeam is the name of the team that the environment alone describes.
const DefaultTeam = "default"

// The defaults of the settings.
const (
	defaultListen  = "127.0.0.1:8080"
	defaultAdmin   = "127.0.0.1:8081"
	defaultDataDir = "./data"
	defaultBaseURL = "https://api.thoughtly.com"
)

func (s *Settings) setDefaults() {
	s.Redis, s.Listen, s.Admin, s.DataDir = NewRedisURL(Embedded), defaultListen, defaultAdmin, defaultDataDir
}

func (t *Team) setDefaults() {
	t.BaseURL = defaultBaseURL
	t.Rate = Rate{Requests: 100, Per: time.Minute}
	t.Timeout = 15 * time.Second
	t.Reconcile = Reconcile{After: 5 * time.Minute, Unresolved: time.Hour}
}

// Team is the team with the name.
func (s *Settings) Team(name string) (*Team, bool) {
	for i := range s.Teams {
		if s.Teams[i].Name == name {
			return &s.Teams[i], true
		}
	}
	return nil, false
}

// teamNames lists the teams in order.
func (s *Settings) teamNames() []string {
	names := make([]string, len(s.Teams))
	for i := range s.Teams {
		names[i] = s.Teams[i].Name
	}
	return names
}

// Real reports whether the team's API is the real one: any whose host is not this machine.
func (t *Team) Real() bool { return !loopbackURL(t.BaseURL) }
