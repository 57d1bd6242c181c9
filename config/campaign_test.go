package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

const day = 24 * time.Hour

// week makes the hours of a week from minutes, Sunday first.
func week(days ...[][2]int) campaign.Week {
	var w campaign.Week
	for i, spans := range days {
		for _, s := range spans {
			w[i] = append(w[i], campaign.Week{{{From: s[0], To: s[1]}}}[0]...)
		}
	}
	return w
}

func TestSampleCampaignLoadsAsItStands(t *testing.T) {
	t.Parallel()
	outcomes := campaign.DefaultOutcomes()
	outcomes[campaign.Busy] = campaign.Outcome{Retry: []time.Duration{30 * time.Minute, 2 * time.Hour}}
	outcomes[campaign.Voicemail] = campaign.Outcome{Retry: []time.Duration{day, 3 * day}, Automation: "auto_id"}
	weekday := [][2]int{{9 * 60, 20 * 60}}
	want := []campaign.Campaign{{
		Name:   "spring",
		Team:   "default",
		Agents: []campaign.Agent{{ID: "aB3dE9fG", Weight: 1, MaxCall: 10 * time.Minute}},
		Leads: []campaign.Source{{
			Source:  "leads/*.csv",
			Dir:     absolute(t, "testdata/good"),
			Columns: map[string]string{"phone": "Mobile", "name": "Full Name", "state": "State", "zip": "ZIP"},
			Country: "US",
		}},
		Schedule: campaign.Schedule{
			Timezone: "America/New_York",
			Start:    []string{"0 9 * * MON-FRI"},
			Stop:     []string{"0 17 * * MON-FRI"},
			Import:   []string{"*/15 * * * *"},
		},
		Calling: campaign.Calling{
			Hours: week(nil, weekday, weekday, weekday, weekday, weekday, [][2]int{{10 * 60, 18 * 60}}),
			Rules: campaign.RulesLegal,
			Guard: 5 * time.Minute,
		},
		Consent:  campaign.Consent{Required: true, MaxAge: 540 * day},
		Attempts: campaign.Caps{Lifetime: 6, Per24h: 2, Per7d: 4, Per30d: 6, Gap: 4 * time.Hour},
		Outcomes: outcomes,
		Pace:     campaign.Pace{Weight: 1, Ramp: 10 * time.Minute},
		Budget:   campaign.Budget{CallsPerDay: 500, Minutes: 300, Cost: 50},
	}}
	settings, err := LoadSettings("testdata/good/dialerd.yaml", env("THOUGHTLY_API_TOKEN", "tok", "THOUGHTLY_TEAM_ID", "id"))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Settings{"alone": nil, "with settings": settings} {
		got, err := LoadCampaigns("testdata/good/campaign.yaml", s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestShortestCampaignHasTheDocumentedDefaults(t *testing.T) {
	t.Parallel()
	got, err := LoadCampaigns(write(t, "c.yaml", "campaign: c\nagents: [{id: a}]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := [][2]int{{0, 24 * 60}}
	want := []campaign.Campaign{{
		Name:     "c",
		Team:     "default",
		Agents:   []campaign.Agent{{ID: "a", Weight: 1}},
		Calling:  campaign.Calling{Hours: week(all, all, all, all, all, all, all), Rules: "legal", Guard: 5 * time.Minute},
		Attempts: campaign.Caps{Lifetime: 6, Per24h: 2, Per7d: 4, Per30d: 6, Gap: 4 * time.Hour},
		Outcomes: campaign.DefaultOutcomes(),
		Pace:     campaign.Pace{Weight: 1},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFileMayHoldSeveralCampaigns(t *testing.T) {
	t.Parallel()
	got, err := LoadCampaigns(write(t, "c.yaml", "---\ncampaign: a\nagents: &both [{id: x}, {id: y}]\npace: {weight: 2}\n---\n# second\ncampaign: b\nagents: [{id: x}]\n---\n"), nil)
	if err != nil || len(got) != 2 || got[0].Name != "a" || got[1].Name != "b" || got[1].Pace.Weight != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHours(t *testing.T) {
	t.Parallel()
	at := func(from, to int) [][2]int { return [][2]int{{from * 60, to * 60}} }
	for hours, want := range map[string]campaign.Week{
		`{mon: "09:00-20:00"}`:                                week(nil, at(9, 20)),
		`{Monday: "9:00 - 20:00"}`:                            week(nil, at(9, 20)),
		`{sat-mon: "09:00-20:00"}`:                            week(at(9, 20), at(9, 20), nil, nil, nil, nil, at(9, 20)),
		`{"mon,wed": "09:00-20:00"}`:                          week(nil, at(9, 20), nil, at(9, 20)),
		`{"fri-sat, mon": "00:00-24:00"}`:                     week(nil, at(0, 24), nil, nil, nil, at(0, 24), at(0, 24)),
		`{sun: "09:00-12:00,13:00-18:00"}`:                    week([][2]int{{540, 720}, {780, 1080}}),
		`{sun: "13:00-18:00+09:00-12:00"}`:                    week([][2]int{{540, 720}, {780, 1080}}),
		`{sun: "09:00-12:00,12:00-18:00"}`:                    week(at(9, 18)),
		`{sun: closed, mon: "09:00-20:00"}`:                   week(nil, at(9, 20)),
		`{daily: "09:00-10:00", sun: "12:00-13:00"}`:          week([][2]int{{540, 600}, {720, 780}}, at(9, 10), at(9, 10), at(9, 10), at(9, 10), at(9, 10), at(9, 10)),
		`{mon-fri: "09:00-20:00", sat: "10:00-18:00"}`:        week(nil, at(9, 20), at(9, 20), at(9, 20), at(9, 20), at(9, 20), at(10, 18)),
		"\n    mon: \"09:00-20:00\"\n    tue: \"9:30-10:00\"": week(nil, at(9, 20), [][2]int{{570, 600}}),
	} {
		got, err := LoadCampaigns(write(t, "c.yaml", "campaign: c\nagents: [{id: a}]\ncalling:\n  hours: "+hours+"\n"), nil)
		if err != nil {
			t.Errorf("%s: %v", hours, err)
			continue
		}
		if diff := cmp.Diff(want, got[0].Calling.Hours); diff != "" {
			t.Errorf("%s (-want +got):\n%s", hours, diff)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]campaign.Outcome{
		"no_answer: close":                            {},
		"no_answer: {}":                               {},
		"no_answer: {retry: []}":                      {Retry: []time.Duration{}},
		"no_answer: {retry: [4h, 1d12h]}":             {Retry: []time.Duration{4 * time.Hour, 36 * time.Hour}},
		"no_answer: {at: callback_time}":              {AtCallback: true},
		"no_answer: {suppress: global}":               {Suppress: campaign.ScopeGlobal},
		"no_answer: {suppress: team, automation: x}":  {Suppress: campaign.ScopeTeam, Automation: "x"},
		"no_answer: {automation: 123}":                {Automation: "123"},
		"no_answer: {retry: [1h], automation: x-y_z}": {Retry: []time.Duration{time.Hour}, Automation: "x-y_z"},
	} {
		got, err := LoadCampaigns(write(t, "c.yaml", "campaign: c\nagents: [{id: a}]\noutcomes:\n  "+text+"\n"), nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		wanted := campaign.DefaultOutcomes()
		wanted[campaign.NoAnswer] = want
		if diff := cmp.Diff(wanted, got[0].Outcomes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestCampaignMayNameDispositionsOfItsOwn(t *testing.T) {
	t.Parallel()
	text := "campaign: c\nagents: [{id: a}]\nstatuses: {MACHINE: voicemails, SOLD: sold}\noutcomes: {voicemails: {retry: [1h]}, sold: close, wants_brochure: {automation: x}}\n"
	got, err := LoadCampaigns(write(t, "c.yaml", text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]campaign.Disposition{"MACHINE": "voicemails", "SOLD": "sold"}, got[0].Statuses); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got[0].Outcomes["wants_brochure"].Automation != "x" {
		t.Errorf("got %+v", got[0].Outcomes)
	}
}

func TestCampaignBelongsToTheOnlyTeam(t *testing.T) {
	t.Parallel()
	settings, err := LoadSettings(write(t, "d.yaml", "teams: [{name: north, api_token: a, team_id: b, base_url: http://127.0.0.1:1}]\n"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	got, err := LoadCampaigns(write(t, "c.yaml", "campaign: c\nagents: [{id: a}]\n"), settings)
	if err != nil || got[0].Team != "north" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCampaignsAreCheckedAgainstTheSettings(t *testing.T) {
	t.Parallel()
	const teams = "teams:\n- {name: default, api_token: a, team_id: b}\n- {name: mock, api_token: c, team_id: d, base_url: http://127.0.0.1:1}\n"
	const head = "campaign: c\nagents: [{id: a, max_call: 5m}]\n"
	settings, err := LoadSettings(write(t, "d.yaml", teams), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"real API with evidence":  {"consent: {required: true}", ""},
		"real API with a basis":   {"consent: {basis: our customers}", ""},
		"real API without either": {"consent: {max_age: 1d}", `c.yaml:3: consent: says nothing, and team "default" calls real people (base_url https://api.thoughtly.com); write {required: true} to hold leads without evidence, or {basis: "…"} with your own declaration`},
		"real API, no rules":      {"consent: {required: true}\ncalling: {rules: none}", `c.yaml:4: calling.rules "none": lifts the legal rules, and team "default" calls real people (base_url https://api.thoughtly.com); write legal`},
		"fake API, no rules":      {"team: mock\ncalling: {rules: none}", ""},
		"unknown team":            {"team: moc", `c.yaml:3: team "moc": the settings have no team "moc", they have default, mock; did you mean "mock"?`},
		"cost without a price":    {"team: mock\nbudget: {cost: 5}", `c.yaml:4: budget.cost "5": needs a price; write plan: {per_minute: …, currency: …} for team "mock" in the settings`},
		"minutes without a price": {"team: mock\nbudget: {minutes: 5}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "c.yaml", head+c.text+"\n")
			_, err := LoadCampaigns(path, settings)
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), path, "c.yaml")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			campaigns, err := LoadCampaigns(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckTogether(settings, campaigns); (err != nil) != (c.want != "") {
				t.Errorf("CheckTogether: %v", err)
			}
		})
	}
}

func TestProblemsOfTheRecordNameTheCampaign(t *testing.T) {
	t.Parallel()
	settings, err := LoadSettings(write(t, "d.yaml", "teams: [{name: a, api_token: a, team_id: b}]\n"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	err = CheckTogether(settings, []campaign.Campaign{{Name: "spring", Team: "gone"}})
	if want := `spring: team: the settings have no team "gone", they have a`; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestEveryReferenceToAnAnchorIsRead(t *testing.T) {
	t.Parallel()
	text := "campaign: c\nagents: [{id: a}]\noutcomes:\n  no_answer: &later {retry: [1h]}\n  busy: *later\n"
	got, err := LoadCampaigns(write(t, "c.yaml", text), nil)
	if err != nil || len(got[0].Outcomes[campaign.Busy].Retry) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFilesThatWouldTakeForeverAreRefused(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("*a,", 5000)
	for name, text := range map[string]string{
		"nested brackets": strings.Repeat("[\n", 200),
		"long line":       strings.Repeat("- ", 100_000),
		"large file":      strings.Repeat("# comment\n", 200_000),
		"alias bomb":      "campaign: c\nagents: [{id: a}]\nleads:\n- &a {source: x, columns: {" + strings.Repeat("phone: x,\n", 1000) + "}}\n- [" + many + "]\n",
		"alias of itself": "campaign: c\nagents: &a [*a]\n",
	} {
		start := time.Now()
		if _, err := LoadCampaigns(write(t, "c.yaml", text), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestFileThatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	if _, err := LoadCampaigns("testdata/none.yaml", nil); !os.IsNotExist(err) && err == nil {
		t.Errorf("got %v", err)
	}
}
