package simulator

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"
)

// What a server has when its Config names nothing else.
const (
	DefaultToken        = "simulated-token"
	DefaultTeamID       = "5c1d7e64-0f0e-4a3b-9d55-2b6a1c0f7e11"
	DefaultAgentID      = "aB3dE9fG" // ACTIVE
	DefaultAutomationID = "sImAut0maT10"
)

// Config is what a server is made of. Its zero value is a calm world with one team, two agents and the documented limit.
type Config struct {
	Seed    uint64  // same seed, same people
	Profile Profile // zero: Calm()
	Limit   Limit   // zero: 100 requests per 60 s, in fixed and in sliding windows

	Teams       []Team       // none: one, with DefaultToken and DefaultTeamID
	AnyTeam     bool         // a token or team id that is not known makes a new team instead of a 401
	Agents      []Agent      // of every team; none: DefaultAgentID and another ACTIVE, one ARCHIVED
	Automations []Automation // of every team; none: DefaultAutomationID, live
	Contacts    []Contact    // that every team has from the start

	Speed   float64          // divides every duration of people and webhooks, not latency and limit; 0 means 1
	Now     func() time.Time // nil: time.Now. Timers always follow the time package's (a synctest bubble's inside one)
	Offset  time.Duration    // added to Now: the demo's Tuesday 11:55
	Client  *http.Client     // posts webhooks; nil: one with a timeout of 10 s. Redirects are never followed
	RingLog io.Writer        // gets every ring as a JSON line before the request is answered; nil: memory only
}

// Team is one API key and what it opens.
type Team struct {
	ID    string
	Token string
	User  User // zero: an invented one
}

// User is who a token belongs to.
type User struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Agent is a voice agent, which the API calls interview.
type Agent struct {
	ID      string    `json:"id"` // eight letters and digits
	Title   string    `json:"title"`
	Status  string    `json:"status"` // AgentActive or AgentArchived
	Phone   string    `json:"phone_number"`
	Created time.Time `json:"created"`
}

// The states of an agent.
const (
	AgentActive   = "ACTIVE"
	AgentArchived = "ARCHIVED"
)

// Automation is a flow that a webhook can trigger.
type Automation struct {
	ID     string
	Draft  bool // answers 200 and runs nothing
	Verify bool // wants the token; without it the operation is open, as documented
}

// Contact is a person as a team keeps it.
type Contact struct {
	Phone      string // E.164
	Name       string
	Email      string
	Tags       []string
	Attributes map[string]any
	Spelt      string    // how the API writes the phone, as somebody else has entered it; empty: Phone
	Archived   bool      // is listed, and cannot be called
	Created    time.Time // zero: when the server was made
}

// Check names every value of c that is out of range.
func (c Config) Check() error {
	errs := []error{c.Profile.Check(), c.Limit.check()}
	if c.Speed < 0 {
		errs = append(errs, fmt.Errorf("simulator config: speed: %v is negative", c.Speed))
	}
	seen := map[string]bool{}
	for i, t := range c.Teams {
		if t.ID == "" || t.Token == "" {
			errs = append(errs, fmt.Errorf("simulator config: teams[%d]: id and token are both needed", i))
		}
		if seen[t.Token] {
			errs = append(errs, fmt.Errorf("simulator config: teams[%d]: another team has the same token", i))
		}
		seen[t.Token] = true
	}
	for i, a := range c.Agents {
		if a.Status != AgentActive && a.Status != AgentArchived {
			errs = append(errs, fmt.Errorf("simulator config: agents[%d].status: %q is neither ACTIVE nor ARCHIVED", i, a.Status))
		}
	}
	for i, p := range c.Contacts {
		if !e164.MatchString(p.Phone) {
			errs = append(errs, fmt.Errorf("simulator config: contacts[%d].phone: not E.164, like +12125550123", i))
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if reflect.ValueOf(c.Profile).IsZero() {
		c.Profile = Calm()
	}
	c.Profile = c.Profile.clone()
	c.Limit = c.Limit.withDefaults()
	if len(c.Teams) == 0 {
		c.Teams = []Team{{ID: DefaultTeamID, Token: DefaultToken}}
	}
	if len(c.Agents) == 0 {
		opened := time.Date(2026, 1, 5, 15, 0, 0, 0, time.UTC)
		c.Agents = []Agent{
			{DefaultAgentID, "Spring outreach", AgentActive, "+12125550100", opened},
			{"hK7mN2pQ", "Renewals", AgentActive, "+13125550101", opened.AddDate(0, 1, 0)},
			{"xY5zW8vU", "Last year's script", AgentArchived, "+14155550102", opened.AddDate(-1, 0, 0)},
		}
	}
	if len(c.Automations) == 0 {
		c.Automations = []Automation{{ID: DefaultAutomationID}}
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	hooks := http.Client{Timeout: 10 * time.Second}
	if c.Client != nil {
		hooks = *c.Client
	}
	hooks.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Client = &hooks
	return c
}
