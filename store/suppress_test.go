package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

func TestSuppressReachesQueuedLeadsOfItsScope(t *testing.T) {
	for scope, want := range map[campaign.Scope]map[string]campaign.LeadState{
		campaign.ScopeCampaign: {testName: campaign.LeadClosed, "summer": campaign.LeadNew, "other": campaign.LeadNew},
		campaign.ScopeTeam:     {testName: campaign.LeadClosed, "summer": campaign.LeadClosed, "other": campaign.LeadNew},
		campaign.ScopeGlobal:   {testName: campaign.LeadClosed, "summer": campaign.LeadClosed, "other": campaign.LeadClosed},
	} {
		t.Run(string(scope), func(t *testing.T) {
			each(t, func(d *desk) {
				ctx := d.Context()
				d.apply(testTeam, "summer")
				d.apply("beta", "other")
				keyed := newLead(1)
				keyed.Key = "order 1"
				bystander := newLead(2)
				for name := range want {
					_, err := d.AddLeads(ctx, name, []NewLead{newLead(1), keyed, bystander})
					d.must(err)
				}
				got, err := d.Suppress(ctx, Suppression{
					Scope: scope, Team: testTeam, Campaign: testName, Phones: []campaign.Phone{phoneNumber(1), phoneNumber(1)}, Reason: "asked", By: "ann",
				}, d.now)
				d.must(err)
				closed := 0
				for name, state := range want {
					leads, err := d.LeadsByPhone(ctx, phoneNumber(1), name)
					d.must(err)
					for _, l := range leads {
						if l.State != state {
							d.Errorf("%s: a lead is %s, want %s", name, l.State, state)
						}
						if l.State == campaign.LeadClosed {
							closed++
						}
					}
					other, err := d.LeadsByPhone(ctx, phoneNumber(2), name)
					d.must(err)
					if other[0].State != campaign.LeadNew {
						d.Errorf("%s: another phone's lead is %s", name, other[0].State)
					}
				}
				if got.Added != 1 || got.Closed != closed {
					d.Errorf("got %+v, want 1 added and %d closed", got, closed)
				}
				d.sound()
			})
		})
	}
}

func TestSuppressionIsStickyUntilItIsLiftedWithAReason(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		q := Suppression{Scope: campaign.ScopeTeam, Team: testTeam, Phones: []campaign.Phone{phoneNumber(1)}, Reason: "asked", By: "ann"}
		epoch := func() int64 {
			state, err := d.Team(ctx, testTeam)
			d.must(err)
			return state.Epoch
		}
		before := epoch()
		for i, want := range []int{1, 0} {
			got, err := d.Suppress(ctx, q, d.now)
			d.must(err)
			if got.Added != want {
				d.Errorf("time %d: %+v", i+1, got)
			}
		}
		if after := epoch(); after != before+1 {
			d.Errorf("the epoch went from %d to %d: a number that is on the list already voids nothing", before, after)
		}
		scope, info, err := d.Suppressed(ctx, testTeam, "", phoneNumber(1))
		d.must(err)
		if diff := cmp.Diff(SuppressionInfo{"asked", "ann", d.now}, info); diff != "" || scope != campaign.ScopeTeam {
			d.Errorf("%q: %s", scope, diff)
		}
		lift := q
		lift.Reason = ""
		if _, err := d.Unsuppress(ctx, lift, d.now); err == nil {
			d.Error("lifted without a reason")
		}
		lift.Reason = "a mistake"
		for i, want := range []int{1, 0} {
			got, err := d.Unsuppress(ctx, lift, d.now)
			d.must(err)
			if got != want {
				d.Errorf("time %d: %d removed, want %d", i+1, got, want)
			}
		}
		scope, info, err = d.Suppressed(ctx, testTeam, testName, phoneNumber(1))
		d.must(err)
		n := d.listed(campaign.ScopeTeam, testTeam, "")
		if scope != campaign.ScopeNone || info != (SuppressionInfo{}) || n != 0 {
			d.Errorf("got %q, %+v, %d on the list", scope, info, n)
		}
		q.Bulk = true
		_, err = d.Suppress(ctx, q, d.now)
		d.must(err)
		if _, info, err = d.Suppressed(ctx, testTeam, testName, phoneNumber(1)); err != nil || info != (SuppressionInfo{}) {
			d.Errorf("got %+v, %v: what was remembered of it was lifted", info, err)
		}
	})
}

// listed is the counter of a list, by which scripts know whether to look into it.
func (d *desk) listed(scope campaign.Scope, team, name string) int {
	d.Helper()
	l, err := d.dncList(d.Context(), scope, team, name)
	d.must(err)
	home := l.key("team")
	if l.n != 0 {
		home = campaignKey(l.team, l.n, "")
	}
	return atoi(d.Client().HGet(d.Context(), home, "dnc").Val())
}

func TestListsAreReadBack(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		var all []campaign.Phone
		for i := range 1200 { // in few of the sets: miniredis looks at all keys at every command
			all = append(all, campaign.Phone(fmt.Sprintf("+1%010d", 2_125_550_000+i%7+i/7*phoneBuckets)))
		}
		all = append(all, "+999999999999999", "+1000000")
		for _, q := range []Suppression{
			{Scope: campaign.ScopeGlobal, Phones: all, Bulk: true},
			{Scope: campaign.ScopeTeam, Team: testTeam, Phones: all[:1], Reason: "asked"},
			{Scope: campaign.ScopeCampaign, Team: testTeam, Campaign: testName, Phones: all[1:3], Reason: "asked"},
		} {
			got, err := d.Suppress(ctx, q, d.now)
			d.must(err)
			n := d.listed(q.Scope, q.Team, q.Campaign)
			seen := map[campaign.Phone]SuppressionInfo{}
			d.must(d.EachSuppressed(ctx, q.Scope, q.Team, q.Campaign, func(p campaign.Phone, info SuppressionInfo) error {
				seen[p] = info
				return nil
			}))
			if got.Added != len(q.Phones) || n != len(q.Phones) || len(seen) != len(q.Phones) {
				d.Errorf("%s: %d added, %d counted, %d seen, want %d", q.Scope, got.Added, n, len(seen), len(q.Phones))
			}
			for _, p := range q.Phones {
				info, ok := seen[p]
				if !ok || q.Bulk != (info == SuppressionInfo{}) {
					d.Fatalf("%s: %s: %t, %+v", q.Scope, p, ok, info)
				}
			}
		}
		stop := errors.New("enough")
		d.wants(d.EachSuppressed(ctx, campaign.ScopeTeam, testTeam, "", func(campaign.Phone, SuppressionInfo) error { return stop }), stop)
		for _, bad := range []Suppression{
			{Scope: "world", Phones: all},
			{Phones: all},
			{Scope: campaign.ScopeTeam, Phones: all},
			{Scope: campaign.ScopeTeam, Team: globalTeam, Phones: all},
			{Scope: campaign.ScopeCampaign, Campaign: "nobody", Phones: all},
			{Scope: campaign.ScopeCampaign, Team: "beta", Campaign: testName, Phones: all},
			{Scope: campaign.ScopeGlobal, Phones: []campaign.Phone{"5550001"}},
		} {
			if _, err := d.Suppress(ctx, bad, d.now); err == nil {
				d.Errorf("%q of %q was taken", bad.Scope, bad.Team)
			}
			if _, err := d.Unsuppress(ctx, Suppression{Scope: bad.Scope, Team: bad.Team, Campaign: bad.Campaign, Phones: bad.Phones, Reason: "x"}, d.now); err == nil {
				d.Errorf("%q of %q was lifted", bad.Scope, bad.Team)
			}
		}
	})
}

// A global suppression comes in two steps, the list and then the teams' epochs. Whatever a worker does between them, after
// Suppress has returned either the attempt is one that Quiet waits for, or it cannot begin.
func TestNoAttemptSlipsThroughAGlobalSuppression(t *testing.T) {
	type step func()
	for name, order := range map[string][]int{ // steps of the worker (0 facts, 1 begin) among those of the suppression (2 list, 3 epochs)
		"decided before, begins after":   {0, 2, 3, 1},
		"decided before, begins between": {0, 2, 1, 3},
		"decided between, begins after":  {2, 0, 3, 1},
		"all between":                    {2, 0, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				ctx := d.Context()
				d.staged(1)
				phones := []campaign.Phone{phoneNumber(0)}
				q := BeginRequest{Claim: d.pickOne(), Agent: "a", Now: d.now, Deadline: d.now.Add(time.Second), Day: d.day()}
				begun, decided := false, false
				var sum SuppressResult
				steps := []step{
					func() {
						f, err := d.Facts(ctx, q.Claim.Lead, d.day(), d.now)
						d.must(err)
						decided = f.Suppressed == campaign.ScopeNone
						q.TeamEpoch, q.CampaignEpoch = f.TeamEpoch, f.CampaignEpoch
					},
					func() {
						if decided {
							_, refusal, err := d.Begin(ctx, q)
							if !errors.Is(err, ErrFenced) {
								d.must(err)
								begun = refusal == nil
							}
						}
					},
					func() {
						d.must(d.suppress(ctx, "team", dncList{scope: campaign.ScopeGlobal, team: globalTeam}, nil, phones, &sum))
					},
					func() {
						d.must(d.suppress(ctx, "leads", dncList{scope: campaign.ScopeTeam, team: testTeam}, nil, phones, &sum))
					},
				}
				for _, i := range order {
					steps[i]()
				}
				pending, latest, err := d.Quiet(ctx, Scope{Phones: phones}, d.now)
				d.must(err)
				if begun != (pending == 1) || begun != latest.Equal(q.Deadline.Add(wireTail)) {
					d.Errorf("begun %t, and %d requests may be under way until %s", begun, pending, latest)
				}
				d.sound()
			})
		})
	}
}

func TestQuietCountsWhatMayStillReachTheAPI(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.apply(testTeam, "summer")
		d.staged(3)
		var begun []string
		for i := range 3 {
			q := d.request(d.pickOne())
			q.Deadline = d.now.Add(time.Duration(i+1)*10*time.Second + 1) // a nanosecond counts as a millisecond
			id, _, err := d.Begin(ctx, q)
			d.must(err)
			begun = append(begun, id)
		}
		latest := d.now.Add(30*time.Second + time.Millisecond + wireTail)
		_, err := d.Accepted(ctx, begun[0], "", d.now, d.now)
		d.must(err)
		_, err = d.InDoubt(ctx, begun[2], "timeout", d.now) // nobody knows what becomes of its request
		d.must(err)
		for name, c := range map[string]struct {
			scope Scope
			after time.Duration
			want  int
		}{
			"all teams":         {Scope{}, 0, 2},
			"the team":          {Scope{Team: testTeam}, 0, 2},
			"another team":      {Scope{Team: "beta"}, 0, 0},
			"the campaign":      {Scope{Campaign: testName}, 0, 2},
			"another campaign":  {Scope{Campaign: "summer"}, 0, 0},
			"a phone":           {Scope{Team: testTeam, Phones: []campaign.Phone{phoneNumber(2), phoneNumber(5)}}, 0, 1},
			"one that answered": {Scope{Phones: []campaign.Phone{phoneNumber(0)}}, 0, 0},
			"a deadline later":  {Scope{Team: testTeam}, 20*time.Second + time.Millisecond + wireTail, 1},
			"at the deadline":   {Scope{Team: testTeam}, 30*time.Second + time.Millisecond, 1},
			"when no packet can still wait in the kernel": {Scope{Team: testTeam}, 30*time.Second + time.Millisecond + wireTail, 0},
		} {
			n, last, err := d.Quiet(ctx, c.scope, d.now.Add(c.after))
			d.must(err)
			if n != c.want || (n > 0) != last.Equal(latest) {
				d.Errorf("%s: %d until %s, want %d until %s", name, n, last, c.want, latest)
			}
		}
		d.now = d.now.Add(31*time.Second + sendingMargin)
		got, err := d.Sweep(ctx, testTeam, d.now)
		d.must(err)
		if len(got.Doubted) != 1 || got.Doubted[0] != begun[1] || got.Strays != 0 {
			d.Errorf("got %+v", got)
		}
		if n := d.Client().ZCard(ctx, teamKey(testTeam, "sending")).Val(); n != 0 {
			d.Errorf("%d deadlines are remembered", n)
		}
		d.sound()
		_, _, err = d.Quiet(ctx, Scope{Team: "beta", Campaign: testName}, d.now)
		d.wants(err, ErrNotFound)
		_, _, err = d.Quiet(ctx, Scope{Campaign: "nobody"}, d.now)
		d.wants(err, ErrNotFound)
	})
}

// A list of a million numbers must not cost much more than the numbers.
func TestALongListIsSmall(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	client := redistest.Real(t)
	d := newDesk(t, client)
	used := func() (n int) {
		text, err := client.Info(t.Context(), "memory").Result()
		d.must(err)
		for line := range strings.SplitSeq(text, "\r\n") {
			if _, err := fmt.Sscanf(line, "used_memory:%d", &n); err == nil {
				return n
			}
		}
		t.Fatal("no used_memory")
		return 0
	}
	const numbers = 200_000
	before := used()
	phones := make([]campaign.Phone, numbers)
	for i := range phones {
		phones[i] = campaign.Phone(fmt.Sprintf("+1%010d", 2_000_000_000+i*37))
	}
	_, err := d.Suppress(t.Context(), Suppression{Scope: campaign.ScopeGlobal, Phones: phones, Bulk: true}, d.now)
	d.must(err)
	// The keys of the 16384 sets are shared by five times as many numbers at a million.
	keys := 16384 * 110
	if per := float64(used()-before-keys) / numbers; per > 20 {
		t.Errorf("%.1f bytes a number", per)
	}
}
