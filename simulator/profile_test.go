package simulator

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuiltInProfilesAreSoundAndSurviveJSON(t *testing.T) {
	t.Parallel()
	for _, name := range Profiles {
		p, err := Named(name)
		if err != nil || p.Name != name || p.Check() != nil {
			t.Fatalf("%s: %v %v", name, err, p.Check())
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseProfile(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if diff := cmp.Diff(p, back); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if _, err := Named("sunny"); err == nil || !strings.Contains(err.Error(), "calm messy hostile") {
		t.Errorf("unknown name: %v", err)
	}
}

func TestAProfileChangesItsBase(t *testing.T) {
	t.Parallel()
	p, err := ParseProfile([]byte(`{"base":"hostile","webhooks":{"loss":1},"people":{"weights":{"busy":50},"phones":{"+12125550111":["busy","completed"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Hostile()
	want.Webhooks.Loss = 1
	want.People.Weights[Busy] = 50
	want.People.Phones = map[string][]Outcome{phone1: {Busy, Completed}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
}

func TestBadProfilesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	for in, says := range map[string]string{
		`{"base":"sunny"}`:                                `"sunny"`,
		`{"webhook":{}}`:                                  `"webhook"`,
		`{"webhooks":{"loss":1.5}}`:                       "webhooks.loss",
		`{"webhooks":{"delay":{"min":2,"max":1}}}`:        "webhooks.delay",
		`{"people":{"weights":{"maybe":1}}}`:              `"maybe"`,
		`{"people":{"weights":{"busy":-1}}}`:              "people.weights.busy",
		`{"people":{"phones":{"+12125550111":["gone"]}}}`: `"gone"`,
		`{"people":{"phones":{"+12125550111":[]}}}`:       "ending 0111",
		`{"records":{"shape":"round"}}`:                   "records.shape",
		`{"api":{"order":"up"}}`:                          "api.order",
		`{"faults":[{"kind":"500","share":0.1}]}`:         "faults[0]",
		`{"faults":[{"kind":"429","next":1}]}`:            "needs a share",
		`{"api":{"latency":{"tail_share":-1}}}`:           "api.latency.tail_share",
		`{} {}`:                                           "parse profile",
		`[]`:                                              "parse profile",
	} {
		if _, err := ParseProfile([]byte(in)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want it to name %s", in, err, says)
		}
	}
}

func TestBadConfigsPanicWithTheReason(t *testing.T) {
	t.Parallel()
	for says, cfg := range map[string]Config{
		"speed":       {Speed: -1},
		"teams[0]":    {Teams: []Team{{ID: "x"}}},
		"same token":  {Teams: []Team{{"a", "k", User{}}, {"b", "k", User{}}}},
		"agents[0]":   {Agents: []Agent{{ID: "x"}}},
		"contacts[0]": {Contacts: []Contact{{Phone: "1"}}},
		"limit":       {Limit: Limit{Requests: -1}},
	} {
		func() {
			defer func() {
				if v, _ := recover().(string); !strings.Contains(v, says) {
					t.Errorf("panic %q, want it to name %s", v, says)
				}
			}()
			New(cfg).Close()
		}()
	}
}

func TestWhatAProfileLeavesOpenIsCalm(t *testing.T) {
	t.Parallel()
	s := New(Config{Profile: Profile{Name: "mine", Webhooks: Webhooks{Loss: 1}}})
	defer s.Close()
	p, calm := s.Profile(), Calm()
	calm.API.Latency = Latency{}
	if diff := cmp.Diff(calm.Records, p.Records) + cmp.Diff(calm.API, p.API) + cmp.Diff(calm.People.Weights, p.People.Weights); diff != "" {
		t.Error(diff)
	}
}

func TestTheServersProfileIsItsOwn(t *testing.T) {
	t.Parallel()
	p := Calm()
	s := New(Config{Profile: p})
	defer s.Close()
	p.People.Weights[Busy] = 1e9
	s.Profile().People.Weights[Busy] = 1e9
	if got := s.Profile().People.Weights[Busy]; got != Calm().People.Weights[Busy] {
		t.Errorf("weight %v", got)
	}
}
