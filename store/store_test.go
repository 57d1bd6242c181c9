package store

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store/redistest"
)

// start is the time at which tests begin: a Tuesday.
var start = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)

const (
	testTeam = "acme"
	testName = "spring"
	testLane = "east"
)

// desk is a campaign on a Redis of its own.
type desk struct {
	*testing.T
	*Store
	now time.Time
}

// each runs fn on both servers, with a campaign that has a list and two lanes.
func each(t *testing.T, fn func(d *desk)) {
	t.Helper()
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		fn(newDesk(t, client))
	})
}

func newDesk(t *testing.T, client redis.UniversalClient) *desk {
	t.Helper()
	d := &desk{T: t, Store: New(client, Options{}), now: start}
	d.apply(testTeam, testName)
	return d
}

func testCampaign(team, name string) campaign.Campaign {
	return campaign.Campaign{
		Name: name, Team: team, Agents: []campaign.Agent{{ID: "aB3dE9fG", Weight: 1}},
		Calling: campaign.Calling{Hours: region.Always(), Rules: campaign.RulesNone},
		Pace:    campaign.Pace{Weight: 1}, Attempts: campaign.DefaultCaps(), Outcomes: campaign.DefaultOutcomes(),
	}
}

var testList = campaign.List{
	ID: "list1", Source: "a.csv", Columns: []string{"Phone", "Name", "TZ", "Plan"},
	Roles: map[string]int{campaign.RolePhone: 0, campaign.RoleName: 1, campaign.RoleTimezone: 2},
}

// apply stores a campaign with its list and lanes.
func (d *desk) apply(team, name string) {
	d.Helper()
	ctx := d.Context()
	_, err := d.Apply(ctx, testCampaign(team, name), d.now)
	d.must(err)
	d.must(d.AddList(ctx, name, testList))
	d.must(d.PutLanes(ctx, name, map[string]Place{
		testLane: {Zones: []string{"America/New_York"}, Regions: []string{"US-NY"}},
		"west":   {Zones: []string{"America/Los_Angeles"}, Regions: []string{"US-CA"}},
	}))
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// wants checks that err is of a kind; nil wants no error.
func (d *desk) wants(err, kind error) {
	d.Helper()
	if !errors.Is(err, kind) {
		d.Fatalf("got error %v, want %v", err, kind)
	}
}

func phoneNumber(i int) campaign.Phone { return campaign.Phone(fmt.Sprintf("+1212555%04d", i)) }

// contactOf is the contact that tests give a phone.
func contactOf(p campaign.Phone) string { return "contact-" + string(p[len(p)-4:]) }

func newLead(i int) NewLead {
	return NewLead{
		Phone: phoneNumber(i), Lane: testLane, List: testList.ID,
		Row: []string{string(phoneNumber(i)), fmt.Sprintf("Person %d", i), "America/New_York", "gold"},
	}
}

// add takes in leads and returns their ids.
func (d *desk) add(leads ...NewLead) []string {
	d.Helper()
	added, err := d.AddLeads(d.Context(), testName, leads)
	d.must(err)
	ids := make([]string, len(added))
	for i, a := range added {
		ids[i] = a.ID
	}
	return ids
}

// staged takes in leads 0 to n-1 and gives each a contact.
func (d *desk) staged(n int) []string {
	d.Helper()
	leads := make([]NewLead, n)
	for i := range leads {
		leads[i] = newLead(i)
	}
	ids := d.add(leads...)
	d.stageAll()
	return ids
}

func (d *desk) stageAll() {
	d.Helper()
	claims, err := d.Stageable(d.Context(), StageRequest{
		Campaign: testName, Lanes: []string{testLane, "west"}, N: 1000, Now: d.now, Lease: time.Minute,
	})
	d.must(err)
	for _, c := range claims {
		_, err := d.Staged(d.Context(), c, contactOf(c.Lead.Phone))
		d.must(err)
	}
}

func (d *desk) pick() *Claim {
	d.Helper()
	c, err := d.Pick(d.Context(), PickRequest{
		Team: testTeam, Campaign: testName, Lanes: []string{testLane, "west"}, Now: d.now, Lease: time.Minute,
	})
	d.must(err)
	return c
}

// pickOne is pick where something must be due.
func (d *desk) pickOne() *Claim {
	d.Helper()
	c := d.pick()
	if c == nil {
		d.Fatal("nothing to pick")
	}
	return c
}

// request is a Begin that nothing forbids.
func (d *desk) request(c *Claim) BeginRequest {
	d.Helper()
	f, err := d.Facts(d.Context(), c.Lead, d.day(), d.now)
	d.must(err)
	return BeginRequest{
		Claim: c, Agent: "aB3dE9fG", Now: d.now, Deadline: d.now.Add(15 * time.Second), Day: d.day(),
		TeamEpoch: f.TeamEpoch, CampaignEpoch: f.CampaignEpoch,
	}
}

func (d *desk) day() string { return d.now.Format(time.DateOnly) }

// begin begins an attempt that must be allowed.
func (d *desk) begin(c *Claim) string {
	d.Helper()
	id, refusal, err := d.Begin(d.Context(), d.request(c))
	d.must(err)
	if refusal != nil {
		d.Fatalf("refused: %+v", *refusal)
	}
	return id
}

// refuse is Refused by the worker that began the attempt, as far as the record still knows who that was.
func (d *desk) refuse(id string, denial Denial) (applied bool, err error) {
	d.Helper()
	denial.Token = "late"
	if r, err := d.attemptRef(d.Context(), id); err == nil {
		_, lead, _, _ := splitAttempt(id)
		raw := d.client.HGet(d.Context(), r.key("leads"), lead).Val()
		if m := regexp.MustCompile(`"o":"([^"]+)"`).FindStringSubmatch(raw); m != nil {
			denial.Token = m[1]
		}
	}
	return d.Refused(d.Context(), id, denial)
}

func (d *desk) leadOf(id string) *campaign.Lead {
	d.Helper()
	l, err := d.Lead(d.Context(), testName, id)
	d.must(err)
	return l
}

func (d *desk) wantState(id string, want campaign.LeadState) *campaign.Lead {
	d.Helper()
	l := d.leadOf(id)
	if l.State != want {
		d.Fatalf("lead is %s, want %s", l.State, want)
	}
	return l
}

// sound checks that counters, queues and indexes say what the records say.
func (d *desk) sound() {
	d.Helper()
	for _, team := range []string{testTeam, "beta"} {
		report, err := d.FsckTeam(d.Context(), team)
		d.must(err)
		for _, line := range report.Differences {
			d.Errorf("fsck: %s", line)
		}
		if !report.OK() {
			d.FailNow()
		}
	}
}

// closedNext ends a lead after a call.
var closedNext = Next{State: campaign.LeadClosed}

func (d *desk) settle(id string, disposition campaign.Disposition, next Next) bool {
	d.Helper()
	applied, err := d.Settle(d.Context(), Settlement{AttemptID: id, Disposition: disposition, Next: next}, d.now)
	d.must(err)
	return applied
}

func ids(leads []*campaign.Lead) []string {
	var all []string
	for _, l := range leads {
		all = append(all, l.ID)
	}
	slices.Sort(all)
	return all
}
