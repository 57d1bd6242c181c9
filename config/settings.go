package config

import (
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// Settings is what a daemon or a command needs to know about its surroundings. It is fixed once loaded.
type Settings struct {
	Redis     RedisURL `yaml:"redis" env:"REDIS_URL" doc:"where Redis is: redis, rediss, unix, sentinel or cluster URL, or embedded"`
	Listen    string   `yaml:"listen" env:"DIALERD_LISTEN" doc:"host:port for webhooks, the one that the internet may reach"`
	Admin     string   `yaml:"admin" env:"DIALERD_ADMIN" doc:"host:port for the dashboard, /api/v1, /metrics, /healthz and /readyz"`
	PublicURL string   `yaml:"public_url" env:"DIALERD_PUBLIC_URL" doc:"https URL at which Thoughtly reaches listen"`
	DataDir   string   `yaml:"data_dir" env:"DIALERD_DATA_DIR" doc:"folder for the embedded Redis, the spool and rejects"`
	Google    Google   `yaml:"google" doc:"how Google Sheets are reached; needed for sources gsheet://ID/TAB only"`
	Audit     Audit    `yaml:"audit" doc:"the record of decisions, kept in data_dir"`
	Teams     []Team   `yaml:"teams" doc:"the Thoughtly teams that this daemon works for"`

	// File is the settings file that was read; empty when the environment alone was.
	File string
	// Overruled are the environment variables that are set to something else than File says; the file wins.
	Overruled []string

	decoder *decoder // where each field stands, for later checks
}

// Audit is how the record of decisions is kept.
type Audit struct {
	Keep    time.Duration `yaml:"keep" above:"0" doc:"how long entries are kept; the law wants five years (16 CFR 310.5)"`
	Backlog int           `yaml:"backlog" min:"1000" doc:"entries that may wait in Redis for the archiver; at so many no call begins"`
}

// Google is how Google Sheets are reached: as a service account, or with an API key that opens public sheets only.
type Google struct {
	CredentialsFile string `yaml:"credentials_file" doc:"JSON key of a service account that the sheets are shared with"`
	APIKey          Secret `yaml:"api_key" doc:"API key, for sheets that everyone with the link may read"`
	Endpoint        string `yaml:"endpoint" doc:"URL of the Sheets API; Google's own unless set"`
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
	Budget       TeamBudget    `yaml:"budget" doc:"what all campaigns of the team may do together; no limit unless set"`
}

// Rate is how many requests an API key may make in a length of time.
type Rate struct {
	Requests int           `yaml:"requests" min:"1" doc:"most requests in any span of that length"`
	Per      time.Duration `yaml:"per" above:"0" doc:"length of the span"`
}

// TeamBudget is what all campaigns of a team may do together.
type TeamBudget struct {
	CallsPerDay int    `yaml:"calls_per_day" min:"1" doc:"most calls in a day of the budget's timezone"`
	Timezone    string `yaml:"timezone" doc:"IANA zone of that day; a must beside calls_per_day"`
}

// Bound is the budget as the rules take it. The zone's name was checked.
func (b TeamBudget) Bound() campaign.TeamBudget {
	return campaign.TeamBudget{CallsPerDay: b.CallsPerDay, Zone: campaign.Schedule{Timezone: b.Timezone}.Location()}
}

// Reconcile is when a call without an outcome is looked up and when it is listed.
type Reconcile struct {
	After      time.Duration `yaml:"after" above:"0" doc:"look the call up after this"`
	Unresolved time.Duration `yaml:"unresolved" above:"0" doc:"list it as unresolved after this"`
}

// Plan is what the team pays. There is no default: plans differ, and nobody publishes a price.
type Plan struct {
	IncludedMinutes float64 `yaml:"included_minutes" min:"0" doc:"minutes of a calendar month, in budget.timezone, that cost nothing more"`
	PerMinute       float64 `yaml:"per_minute" min:"0" doc:"price of a minute; a campaign with a budget of cost needs it"`
	Currency        string  `yaml:"currency" doc:"three letters, as in USD"`
}

// Tariff is the plan as the rules take it.
func (p Plan) Tariff() campaign.Tariff {
	return campaign.Tariff{IncludedMinutes: p.IncludedMinutes, PerMinute: p.PerMinute, Currency: p.Currency}
}

// DefaultTeam is the name of the team that the environment alone describes.
const DefaultTeam = "default"

// The defaults of the settings.
const (
	defaultListen  = "127.0.0.1:8080"
	defaultAdmin   = "127.0.0.1:8081"
	defaultDataDir = "./data"
	defaultBaseURL = "https://api.thoughtly.com"
	defaultKeep    = 5 * 366 * 24 * time.Hour
	defaultBacklog = 100_000
)

func (s *Settings) setDefaults() {
	s.Audit = Audit{Keep: defaultKeep, Backlog: defaultBacklog}
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
