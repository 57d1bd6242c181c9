package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/dialerd/dialerd/campaign"
)

// campaignFile is one document of a campaign file, with the keys as people write them.
type campaignFile struct {
	Campaign string                  `yaml:"campaign" required:"true" doc:"name of the campaign: a-z, 0-9, dot, dash, underscore"`
	Team     string                  `yaml:"team" doc:"team of the settings; the only one, or default, when left out"`
	Agents   []agentEntry            `yaml:"agents" required:"true" doc:"Thoughtly interview ids, as in [{id: aB3dE9fG}]"`
	Leads    []leadsEntry            `yaml:"leads" doc:"where leads come from"`
	Schedule scheduleEntry           `yaml:"schedule" doc:"when the campaign runs; none = started and stopped by hand"`
	Calling  callingEntry            `yaml:"calling" doc:"when people may be called"`
	Consent  consentEntry            `yaml:"consent" doc:"what is known about people's permission"`
	Attempts attemptsEntry           `yaml:"attempts" doc:"how often people are called"`
	Outcomes map[string]outcomeEntry `yaml:"outcomes" doc:"what follows a disposition"`
	Statuses map[string]string       `yaml:"statuses" doc:"raw status of the API to disposition"`
	OptOut   []string                `yaml:"opt_out_words" doc:"phrases that mean never call me again, beside those of English, Spanish and French that are known anyway"`
	Pace     paceEntry               `yaml:"pace" doc:"how fast the campaign calls"`
	Budget   budgetEntry             `yaml:"budget" doc:"what the campaign may spend; no limit unless set"`
}

type agentEntry struct {
	ID      string        `yaml:"id" required:"true" doc:"the agent's id at Thoughtly"`
	Weight  int           `yaml:"weight" min:"1" doc:"share among the agents"`
	MaxCall time.Duration `yaml:"max_call" above:"0" doc:"longest call that it makes"`

	CallsPerDay int `yaml:"calls_per_day" min:"1" doc:"most calls of the agent in a day of the schedule's zone, over all campaigns of the team"`
	MaxInFlight int `yaml:"max_in_flight" min:"1" doc:"most calls of the agent under way at once, over all campaigns of the team"`
}

func (a *agentEntry) setDefaults() { a.Weight = 1 }

type leadsEntry struct {
	Source  string    `yaml:"source" required:"true" doc:"file or glob beside this file, https URL, or gsheet://ID/TAB"`
	Columns columnMap `yaml:"columns" doc:"role to header of the list; the rest becomes attributes"`
	Country string    `yaml:"country" doc:"ISO 3166 country of numbers without one, as in US"`

	Sheet     string `yaml:"sheet" doc:"sheet of a workbook; the first that can be seen unless set"`
	Encoding  string `yaml:"encoding" doc:"IANA name, as in windows-1252; found out unless set"`
	Delimiter string `yaml:"delimiter" doc:"what stands between cells: , ; | or tab; found out unless set"`
}

// columnMap is role to header.
type columnMap map[string]string

type scheduleEntry struct {
	Timezone string   `yaml:"timezone" doc:"IANA zone of the specs; a must beside any of them"`
	Start    []string `yaml:"start" doc:"cron specs of five fields"`
	Stop     []string `yaml:"stop" doc:"cron specs of five fields"`
	Import   []string `yaml:"import" doc:"cron specs of five fields"`
}

type callingEntry struct {
	Hours weekHours     `yaml:"hours" doc:"the lead's local time; a day that is not named is closed, no hours at all = every hour"`
	Rules string        `yaml:"rules" oneof:"legal none" doc:"legal: the legal tables apply as well"`
	Guard time.Duration `yaml:"guard" doc:"no call later than this before a window closes"`
}

type consentEntry struct {
	Required bool          `yaml:"required" doc:"a lead without evidence is held"`
	MaxAge   time.Duration `yaml:"max_age" above:"0" doc:"older evidence counts as none"`
	Basis    string        `yaml:"basis" doc:"the operator's own declaration instead of evidence"`
	Scope    string        `yaml:"scope" doc:"what the consent has to be for, a word of the consent_scope column"`

	NationalList string `yaml:"national_list" oneof:"ignored required" doc:"required: nobody on a national do-not-call list is called, and nobody at all when it is missing or older than 31 days"`
}

type attemptsEntry struct {
	Lifetime int           `yaml:"lifetime" min:"1" doc:"most attempts of a lead"`
	Per24h   int           `yaml:"per_24h" min:"1" doc:"most attempts to a phone in 24 hours"`
	Per7d    int           `yaml:"per_7d" min:"1" doc:"most attempts to a phone in 7 days"`
	Per30d   int           `yaml:"per_30d" min:"1" doc:"most attempts to a phone in 30 days"`
	Gap      time.Duration `yaml:"gap" doc:"least time between two attempts to a phone"`

	AfterConversation time.Duration `yaml:"after_conversation" above:"0" doc:"least time from a conversation to the next attempt, unless the person agreed to it"`
}

type paceEntry struct {
	Weight         int           `yaml:"weight" min:"1" doc:"share among the campaigns of a team"`
	Ramp           time.Duration `yaml:"ramp" doc:"time over which the pace rises to full after a start"`
	MaxInFlight    int           `yaml:"max_in_flight" min:"1" doc:"most calls under way at once"`
	CallsPerMinute int           `yaml:"calls_per_minute" min:"1" doc:"most calls begun in a minute"`
}

type budgetEntry struct {
	CallsPerDay int     `yaml:"calls_per_day" min:"1" doc:"most calls in a day of the schedule's zone"`
	Minutes     float64 `yaml:"minutes" above:"0" doc:"most minutes; needs agents[].max_call"`
	Cost        float64 `yaml:"cost" above:"0" doc:"most cost in the plan's currency; needs agents[].max_call and the team's plan"`
}

func (f *campaignFile) setDefaults() {
	caps := campaign.DefaultCaps()
	f.Attempts = attemptsEntry(caps)
	f.Calling = callingEntry{Rules: campaign.RulesLegal, Guard: 5 * time.Minute}
	f.Pace.Weight = 1
}

// parseCampaigns makes campaigns from the text of a file.
func parseCampaigns(file string, text []byte, settings *Settings) ([]campaign.Campaign, error) {
	docs, problem := parse(file, text)
	if problem != nil {
		return nil, Problems{*problem}
	}
	if len(docs) == 0 {
		return nil, Problems{{File: file, Message: "holds no campaign; begin with campaign: NAME"}}
	}
	var problems Problems
	var campaigns []campaign.Campaign
	for _, doc := range docs {
		d := newDecoder(file)
		c := d.campaign(doc, settings)
		for i := range campaigns {
			if campaigns[i].Name == c.Name && c.Name != "" {
				d.fail("campaign", "is the name of another campaign in this file; give each its own")
			}
		}
		if settings != nil {
			settings.checkCampaign(&c, d)
		}
		campaigns = append(campaigns, c)
		problems = append(problems, d.problems...)
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	return campaigns, nil
}

// campaign reads one document.
func (d *decoder) campaign(doc ast.Node, settings *Settings) campaign.Campaign {
	var f campaignFile
	f.setDefaults()
	d.value("", doc, reflect.ValueOf(&f).Elem(), "")
	f.check(d)
	c := campaign.Campaign{
		Name:     f.Campaign,
		Team:     f.Team,
		Schedule: campaign.Schedule(f.Schedule),
		Calling:  campaign.Calling{Hours: f.Calling.Hours.week(), Rules: f.Calling.Rules, Guard: f.Calling.Guard},
		Consent:  campaign.Consent(f.Consent),
		Attempts: campaign.Caps(f.Attempts),
		Outcomes: f.outcomes(d),
		Pace:     campaign.Pace(f.Pace),
		Budget:   campaign.Budget(f.Budget),
	}
	if c.Team == "" {
		c.Team = DefaultTeam
		if settings != nil && len(settings.Teams) == 1 {
			c.Team = settings.Teams[0].Name
		}
	}
	for _, a := range f.Agents {
		c.Agents = append(c.Agents, campaign.Agent(a))
	}
	for i := range f.Leads {
		c.Leads = append(c.Leads, f.source(i, d))
	}
	if i, problem := campaign.ValidOptOutWords(f.OptOut); problem != "" {
		d.fail(fmt.Sprintf("opt_out_words[%d]", i), "%s", problem)
	}
	c.OptOutWords = f.OptOut
	for raw, to := range f.Statuses {
		if c.Statuses == nil {
			c.Statuses = map[string]campaign.Disposition{}
		}
		if !campaign.ValidDisposition(campaign.Disposition(to)) {
			d.fail(join("statuses", raw), "is not a disposition; use 1 to 64 of a-z, 0-9 and underscore")
		}
		c.Statuses[raw] = campaign.Disposition(to)
	}
	return c
}

// source is one entry of leads, with the folder that its path is relative to.
func (f *campaignFile) source(i int, d *decoder) campaign.Source {
	entry := f.Leads[i]
	at := func(key string) string { return fmt.Sprintf("leads[%d].%s", i, key) }
	s := campaign.Source{
		Source: entry.Source, Columns: entry.Columns, Country: strings.ToUpper(entry.Country), Sheet: entry.Sheet, Encoding: entry.Encoding,
		Delimiter: entry.Delimiter,
	}
	if !slices.Contains([]string{"", ",", ";", "|", "\t", "tab"}, entry.Delimiter) {
		d.fail(at("delimiter"), "is no delimiter; write one of , ; | or tab")
	}
	if err := checkSource(entry.Source); err != nil && d.has(at("source")) {
		d.fail(at("source"), "%s", err)
	}
	roles := campaign.Roles()
	for _, role := range slices.Sorted(maps.Keys(entry.Columns)) {
		if !slices.Contains(roles, role) {
			d.fail(join(at("columns"), role), "is not a role of a column%s; roles are %s", didYouMean(role, roles), strings.Join(roles, ", "))
		} else if strings.TrimSpace(entry.Columns[role]) == "" {
			d.fail(join(at("columns"), role), "is empty; write the header of the list's column")
		}
	}
	if d.has(at("country")) && !countryForm.MatchString(s.Country) {
		d.fail(at("country"), "is not a country; write its two letters, as in US or GB")
	}
	switch {
	case s.Country == "UK":
		d.fail(at("country"), "is not a country's code; the United Kingdom is GB")
	case countryForm.MatchString(s.Country) && !campaign.KnownCountry(s.Country):
		d.fail(at("country"), "is no country that has phone numbers; write its two letters of ISO 3166, as in US or GB")
	}
	dir, err := beside(d.file, ".")
	if err != nil {
		d.fail(at("source"), "is beside a file whose folder cannot be found: %s", err)
	}
	s.Dir = dir
	return s
}
