package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

const day = 24 * time.Hour

// history makes attempts on the lead's phone, each this long before now, and leaves the lead claimed at now.
func (d *desk) history(ages ...time.Duration) *Claim {
	d.Helper()
	d.staged(1)
	now := d.now
	for _, age := range ages {
		d.now = now.Add(-age)
		d.settle(d.begin(d.pickOne()), campaign.NoAnswer, Next{State: campaign.LeadWaiting, Due: d.now})
	}
	d.now = now
	return d.pickOne()
}

func TestCapsAndGapRefuseUntilTheyAreFree(t *testing.T) {
	caps := []Cap{{2, day, campaign.ReasonCap24h}, {3, 7 * day, campaign.ReasonCap7d}, {4, 30 * day, campaign.ReasonCap30d}}
	const margin = campaign.CapMargin
	for name, c := range map[string]struct {
		ages  []time.Duration
		gap   time.Duration
		caps  []Cap
		want  campaign.Reason
		until time.Duration // from now; begins again just then
	}{
		"never called":              {nil, 4 * time.Hour, caps, "", 0},
		"one of two in a day":       {[]time.Duration{5 * time.Hour}, 4 * time.Hour, caps, "", 0},
		"within the gap":            {[]time.Duration{time.Hour}, 4 * time.Hour, caps, campaign.ReasonGap, 3*time.Hour + margin},
		"at the end of the gap":     {[]time.Duration{4 * time.Hour}, 4 * time.Hour, caps, campaign.ReasonGap, margin},
		"after gap and margin":      {[]time.Duration{4*time.Hour + margin}, 4 * time.Hour, caps, "", 0},
		"two in a day":              {[]time.Duration{20 * time.Hour, 10 * time.Hour}, 0, caps, campaign.ReasonCap24h, 4*time.Hour + margin},
		"a day ago, less a moment":  {[]time.Duration{day, 10 * time.Hour}, 0, caps, campaign.ReasonCap24h, margin},
		"a day and the margin ago":  {[]time.Duration{day + margin, 10 * time.Hour}, 0, caps, "", 0},
		"the last cap to free wins": {[]time.Duration{50 * time.Hour, 20 * time.Hour, time.Hour}, 4 * time.Hour, caps, campaign.ReasonCap7d, 118*time.Hour + margin},
		"more than the cap allows":  {[]time.Duration{20 * time.Hour, 10 * time.Hour, time.Hour}, 0, caps[:1], campaign.ReasonCap24h, 14*time.Hour + margin},
		"thirty days": {
			[]time.Duration{29 * day, 25 * day, 20 * day, 10 * day}, 0, caps, campaign.ReasonCap30d, day + margin,
		},
		"forgotten after 31 days": {[]time.Duration{32 * day, 31 * day, 30*day + margin, 10 * day}, 0, caps, "", 0},
		"a cap of none":           {nil, 0, []Cap{{0, day, campaign.ReasonCap24h}}, campaign.ReasonCap24h, 0},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				q := d.request(d.history(c.ages...))
				q.Gap, q.Caps = c.gap, c.caps
				id, refusal, err := d.Begin(d.Context(), q)
				d.must(err)
				if c.want == "" {
					if refusal != nil {
						d.Fatalf("refused: %+v", *refusal)
					}
					d.sound()
					return
				}
				want := &Refusal{Reason: c.want}
				if c.until > 0 {
					want.Until = d.now.Add(c.until)
				}
				if diff := cmp.Diff(want, refusal); diff != "" || id != "" {
					d.Fatalf("%s: (-want +got)\n%s", id, diff)
				}
				if c.until == 0 {
					return
				}
				// The claim is still there: a moment before it is refused, then it is not.
				for _, at := range []time.Duration{c.until - time.Millisecond, c.until} {
					q.Now = d.now.Add(at)
					q.Deadline = q.Now.Add(time.Second)
					_, refusal, err = d.Begin(d.Context(), q)
					d.must(err)
					if (refusal == nil) != (at == c.until) {
						d.Errorf("%s before it is free: %+v", c.until-at, refusal)
					}
				}
				d.sound()
			})
		})
	}
}

func TestCapsHoldOverAllCampaignsOfATeam(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.apply(testTeam, "summer")
		d.apply("beta", "other")
		d.settle(d.begin(d.history()), campaign.Completed, closedNext)
		for name, want := range map[string]bool{"summer": true, "other": false} {
			_, err := d.AddLeads(ctx, name, []NewLead{newLead(0)})
			d.must(err)
			claims, err := d.Stageable(ctx, StageRequest{Campaign: name, Lanes: []string{testLane}, N: 1, Now: d.now, Lease: time.Minute})
			d.must(err)
			_, err = d.Staged(ctx, claims[0], "contact")
			d.must(err)
			c, err := d.Pick(ctx, PickRequest{Campaign: name, Lanes: []string{testLane}, Now: d.now, Lease: time.Minute})
			d.must(err)
			q := d.request(c)
			q.Caps = []Cap{{1, day, campaign.ReasonCap24h}}
			_, refusal, err := d.Begin(ctx, q)
			d.must(err)
			if (refusal != nil) != want {
				d.Errorf("%s: got %+v", name, refusal)
			}
		}
		d.sound()
	})
}

func TestBeginRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(d *desk, q *BeginRequest)
		want Refusal
	}{
		"campaign paused since": {
			func(d *desk, _ *BeginRequest) {
				_, err := d.SetHold(d.Context(), testName, campaign.HoldPaused, d.now)
				d.must(err)
			},
			Refusal{Reason: Stale},
		},
		"campaign paused": {
			func(d *desk, q *BeginRequest) {
				epoch, err := d.SetHold(d.Context(), testName, campaign.HoldPaused, d.now)
				d.must(err)
				q.CampaignEpoch = epoch
			},
			Refusal{Reason: campaign.ReasonHold},
		},
		"campaign stopped": {
			func(d *desk, q *BeginRequest) {
				epoch, err := d.SetHold(d.Context(), testName, campaign.HoldStopped, d.now)
				d.must(err)
				q.CampaignEpoch = epoch
			},
			Refusal{Reason: campaign.ReasonHold},
		},
		"team paused since": {
			func(d *desk, _ *BeginRequest) { _, err := d.PauseTeam(d.Context(), testTeam, "401"); d.must(err) },
			Refusal{Reason: Stale},
		},
		"team paused": {
			func(d *desk, q *BeginRequest) {
				epoch, err := d.PauseTeam(d.Context(), testTeam, "401")
				d.must(err)
				q.TeamEpoch = epoch
			},
			Refusal{Reason: campaign.ReasonHold},
		},
		"another number suppressed globally since": {
			func(d *desk, _ *BeginRequest) { d.must(d.suppressOne(campaign.ScopeGlobal, phoneNumber(99))) },
			Refusal{Reason: Stale},
		},
		"changed since": {
			func(d *desk, _ *BeginRequest) {
				c := testCampaign(testTeam, testName)
				c.Attempts.Per24h = 1
				_, err := d.Apply(d.Context(), c, d.now)
				d.must(err)
			},
			Refusal{Reason: Stale},
		},
		"lifetime": {func(_ *desk, q *BeginRequest) { q.Lifetime = 2 }, Refusal{Reason: campaign.ReasonLifetime}},
		"calls of a day": {
			func(d *desk, q *BeginRequest) { q.CallsPerDay, q.Day = 2, d.now.Add(-2*day).Format(time.DateOnly) },
			Refusal{Reason: campaign.ReasonBudget},
		},
		"suppressed, but not closed": { // as by a suppression that did not yet know the campaign
			func(d *desk, _ *BeginRequest) { d.listOnly("team", "") },
			Refusal{Reason: campaign.ReasonSuppressed},
		},
		"suppressed for the campaign, but not closed": {
			func(d *desk, _ *BeginRequest) { d.listOnly("campaign", "1") },
			Refusal{Reason: campaign.ReasonSuppressed},
		},
		"not due by this clock": {
			func(d *desk, q *BeginRequest) { q.Now = d.now.Add(-2*day - 2*time.Second) },
			Refusal{Reason: campaign.ReasonGap, Until: start.Add(-2 * day)},
		},
		"talk time": {func(_ *desk, q *BeginRequest) { q.TalkTime, q.Reserve = time.Minute, 61*time.Second }, Refusal{Reason: campaign.ReasonBudget}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				claim := d.history(2*day+time.Minute, 2*day)
				q := d.request(claim)
				c.do(d, &q)
				before := d.dump()
				id, refusal, err := d.Begin(d.Context(), q)
				d.must(err)
				if diff := cmp.Diff(&c.want, refusal); diff != "" || id != "" {
					d.Errorf("%s: (-want +got)\n%s", id, diff)
				}
				if diff := cmp.Diff(before, d.dump()); diff != "" {
					d.Errorf("a refusal wrote something: %s", diff)
				}
				d.must(d.Return(d.Context(), claim))
				d.sound()
			})
		})
	}
}

// listOnly puts the first lead's phone on a list without touching the lead, and without the epoch that this raises.
func (d *desk) listOnly(scope, n string) {
	d.Helper()
	ctx, home := d.Context(), teamKey(testTeam, "team")
	if n != "" {
		home = campaignKey(testTeam, 1, "")
	}
	epoch := d.Client().HGet(ctx, home, "epoch").Val()
	_, err := d.run(ctx, scriptSuppress, testTeam, scope, n, "", 0, string(phoneNumber(0)))
	d.must(err)
	if epoch == "" {
		epoch = "0"
	}
	d.must(d.Client().HSet(ctx, home, "epoch", epoch).Err())
}

func TestOneOpenAttemptPerPhone(t *testing.T) {
	each(t, func(d *desk) {
		a, b := newLead(1), newLead(1)
		b.Key = "order 1"
		d.add(a, b)
		d.stageAll()
		first, second := d.pickOne(), d.pickOne()
		id := d.begin(first)
		_, refusal, err := d.Begin(d.Context(), d.request(second))
		d.must(err)
		if diff := cmp.Diff(&Refusal{Reason: campaign.ReasonInFlight}, refusal); diff != "" {
			d.Error(diff)
		}
		f, err := d.Facts(d.Context(), second.Lead, d.day(), d.now)
		d.must(err)
		if f.OpenAttempt != id {
			d.Errorf("facts name %q", f.OpenAttempt)
		}
		d.settle(id, campaign.NoAnswer, closedNext)
		d.begin(second)
		d.sound()
	})
}

func TestPlacesInFlight(t *testing.T) {
	for name, limit := range map[string]MaxInFlight{"campaign": {Campaign: 2}, "team": {Team: 2}, "agent": {Agent: 2}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				d.staged(4)
				var begun []string
				try := func(agent string) *Refusal {
					q := d.request(d.pickOne())
					q.MaxInFlight, q.Agent = limit, agent
					id, refusal, err := d.Begin(d.Context(), q)
					d.must(err)
					if refusal != nil {
						d.must(d.Return(d.Context(), q.Claim))
					} else {
						begun = append(begun, id)
					}
					return refusal
				}
				for i := range 2 {
					if r := try("a"); r != nil {
						d.Fatalf("call %d: refused %+v", i, *r)
					}
				}
				want := &Refusal{Reason: campaign.ReasonInFlight}
				if diff := cmp.Diff(want, try("a")); diff != "" {
					d.Error(diff)
				}
				if _, err := d.InDoubt(d.Context(), begun[0], "timeout", d.now); err != nil {
					d.Fatal(err)
				}
				if diff := cmp.Diff(want, try("a")); diff != "" {
					d.Errorf("an attempt in doubt freed its place: %s", diff)
				}
				if name == "agent" && try("b") != nil {
					d.Error("another agent has places of its own")
				}
				d.settle(begun[0], campaign.Unknown, closedNext)
				if r := try("a"); r != nil {
					d.Errorf("a settled attempt kept its place: %+v", *r)
				}
				d.sound()
			})
		})
	}
}

func TestBudgetsCountCallsInFlightAndComeBackWithTheTruth(t *testing.T) {
	each(t, func(d *desk) {
		d.staged(5)
		try := func() (string, *Refusal) {
			q := d.request(d.pickOne())
			q.CallsPerDay, q.Reserve, q.TalkTime = 3, 10*time.Minute, 20*time.Minute
			id, refusal, err := d.Begin(d.Context(), q)
			d.must(err)
			if refusal != nil {
				d.must(d.Return(d.Context(), q.Claim))
			}
			return id, refusal
		}
		want := &Refusal{Reason: campaign.ReasonBudget}
		a, _ := try()
		b, _ := try()
		if _, r := try(); cmp.Diff(want, r) != "" {
			d.Fatalf("20 minutes are reserved: %+v", r)
		}
		_, err := d.Settle(d.Context(), Settlement{AttemptID: a, Disposition: campaign.Completed, Duration: 90 * time.Second, Next: closedNext}, d.now)
		d.must(err)
		_, err = d.refuse(b, Denial{Next: StepAgain})
		d.must(err)
		counts, err := d.Counts(d.Context(), testName)
		d.must(err)
		if counts.Talked != 2*time.Minute || counts.Reserved != 0 || counts.Calls != 1 || counts.Days[d.day()] != 1 {
			d.Errorf("got %+v", counts)
		}
		c, r := try()
		if r != nil {
			d.Fatalf("10 minutes are left, of 18: %+v", r)
		}
		d.settle(c, campaign.NoAnswer, closedNext)
		e, r := try()
		if r != nil {
			d.Fatalf("third call of the day: %+v", r)
		}
		d.settle(e, campaign.NoAnswer, closedNext)
		if _, r := try(); cmp.Diff(want, r) != "" {
			d.Errorf("fourth call of the day: %+v", r)
		}
		f, err := d.Facts(d.Context(), d.pickOne().Lead, d.day(), d.now)
		d.must(err)
		if f.CallsToday != 3 {
			d.Errorf("facts count %d calls", f.CallsToday)
		}
		d.sound()
	})
}

func TestBeginTwiceIsBeginningOnce(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id := d.staged(1)[0]
		d.must(d.Defer(ctx, d.pickOne(), d.now, campaign.ReasonOutsideWindow))
		c := d.pickOne()
		q := d.request(c)
		want := c.AttemptID()
		first, _, err := d.Begin(ctx, q)
		d.must(err)
		before := d.dump()
		second, _, err := d.Begin(ctx, q) // as when the first reply was lost
		d.must(err)
		if l := d.leadOf(id); l.Reason != "" || l.Note != "" || l.State != campaign.LeadCalling {
			d.Errorf("got %+v", l)
		}
		if first != want || second != want || first != fmt.Sprintf("1.%s.1", id) {
			d.Errorf("got %q and %q, want %q", first, second, want)
		}
		if diff := cmp.Diff(before, d.dump()); diff != "" {
			d.Errorf("the second run wrote something: %s", diff)
		}
		other := *c
		other.Token = "another"
		stolen := q
		stolen.Claim = &other
		_, _, err = d.Begin(ctx, stolen)
		d.wants(err, ErrFenced)
		_, err = d.Accepted(ctx, first, "", d.now, d.now)
		d.must(err)
		_, _, err = d.Begin(ctx, q)
		d.wants(err, ErrFenced)
		d.sound()
	})
}

func TestBeginNeedsAClaimOnACallableLead(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		urgent := newLead(1)
		urgent.Urgent = true
		d.add(urgent)
		c := d.pickOne()
		_, _, err := d.Begin(ctx, d.request(c))
		d.wants(err, ErrConflict) // not staged
		_, err = d.Staged(ctx, c, "contact")
		d.must(err)
		c = d.pickOne()
		q := d.request(c)
		q.Attempt = 2
		_, _, err = d.Begin(ctx, q)
		d.wants(err, ErrConflict)
		for want, change := range map[string]func(q *BeginRequest){
			"no claim":     func(q *BeginRequest) { q.Claim = nil },
			"no agent":     func(q *BeginRequest) { q.Agent = "" },
			"not after":    func(q *BeginRequest) { q.Deadline = q.Now },
			"2006-01-02":   func(q *BeginRequest) { q.Day = "today" },
			"the window":   func(q *BeginRequest) { q.Caps = []Cap{{1, 32 * day, campaign.ReasonCap30d}} },
			"is negative":  func(q *BeginRequest) { q.Gap = -1 },
			"the deadline": func(q *BeginRequest) { q.Now = time.Time{} },
		} {
			bad := d.request(c)
			change(&bad)
			_, _, err := d.Begin(ctx, bad)
			if err == nil || !strings.Contains(err.Error(), want) {
				d.Errorf("got %v, want something about %q", err, want)
			}
		}
		d.begin(c)
		d.sound()
	})
}

func TestFacts(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		c := d.history(40*day, 30*day, 2*time.Hour)
		id := d.begin(c)
		_, err := d.Settle(ctx, Settlement{
			AttemptID: id, Disposition: campaign.Callback, Conversation: true, Duration: time.Minute,
			Next: Next{State: campaign.LeadWaiting, Due: d.now, Promised: true},
		}, d.now)
		d.must(err)
		d.staged(3)
		open := d.begin(d.pickOne())
		_, err = d.SetHold(ctx, testName, campaign.HoldStarted, d.now)
		d.must(err)
		_, err = d.PauseTeam(ctx, testTeam, "401")
		d.must(err)
		d.must(d.suppressOne(campaign.ScopeCampaign, phoneNumber(0)))
		got, err := d.Facts(ctx, c.Lead, d.day(), d.now)
		d.must(err)
		want := &campaign.Facts{
			Now: d.now, Hold: campaign.HoldStarted, TeamPaused: "401", Suppressed: campaign.ScopeCampaign, SuppressedWhy: "asked",
			Calls: []time.Time{d.now.Add(-30 * day), d.now.Add(-2 * time.Hour), d.now, d.now}, LastConversation: d.now.Add(time.Minute),
			OpenAttempt: open, InFlight: 1, TeamInFlight: 1, CallsToday: 3, TeamCallsToday: 3, TeamEpoch: got.TeamEpoch, CampaignEpoch: got.CampaignEpoch, Version: 1,
			Talk: campaign.Talk{Spent: time.Minute},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			d.Errorf("(-want +got)\n%s", diff)
		}
		// Wider lists are named first.
		for _, scope := range []campaign.Scope{campaign.ScopeTeam, campaign.ScopeGlobal} {
			d.must(d.suppressOne(scope, phoneNumber(0)))
			next, err := d.Facts(ctx, c.Lead, d.day(), d.now)
			d.must(err)
			if next.Suppressed != scope || next.TeamEpoch <= got.TeamEpoch {
				d.Errorf("got %q at epoch %d after %d", next.Suppressed, next.TeamEpoch, got.TeamEpoch)
			}
			got = next
		}
	})
}

func TestPausesAfterAConversationAndARefusal(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.staged(1)
		id := d.begin(d.pickOne())
		_, err := d.Settle(ctx, Settlement{
			AttemptID: id, Disposition: campaign.NotInterested, Conversation: true, Duration: time.Minute,
			Next: Next{State: campaign.LeadWaiting, Due: d.now},
		}, d.now)
		d.must(err)
		talked := d.now.Add(time.Minute)
		d.now = d.now.Add(6 * time.Hour)
		q := d.request(d.pickOne())
		f, err := d.Facts(ctx, q.Claim.Lead, d.day(), d.now)
		d.must(err)
		if !f.LastConversation.Equal(talked) || !f.LastRefusal.Equal(talked) {
			d.Errorf("conversation %s, refusal %s, want %s", f.LastConversation, f.LastRefusal, talked)
		}
		for _, c := range []struct {
			quiet Quiet
			until time.Time
		}{
			{Quiet{8 * time.Hour, false, campaign.ReasonCap24h}, talked.Add(8*time.Hour + campaign.CapMargin)},
			{Quiet{60 * day, true, campaign.ReasonGap}, talked.Add(60*day + campaign.CapMargin)},
		} {
			q.Quiets = []Quiet{{time.Hour, false, campaign.ReasonGap}, c.quiet}
			_, refusal, err := d.Begin(ctx, q)
			d.must(err)
			if diff := cmp.Diff(&Refusal{c.quiet.Reason, c.until}, refusal); diff != "" {
				d.Error(diff)
			}
		}
		q.Quiets = []Quiet{{-1, false, campaign.ReasonGap}}
		if _, _, err := d.Begin(ctx, q); err == nil {
			d.Error("a pause below 0 was taken")
		}
		q.Quiets = []Quiet{{5 * time.Hour, false, campaign.ReasonGap}, {5 * time.Hour, true, campaign.ReasonGap}}
		_, refusal, err := d.Begin(ctx, q)
		d.must(err)
		if refusal != nil {
			d.Errorf("after the pause: %+v", refusal)
		}
		d.sound()
	})
}

func TestBudgetsOfTheDayCountForTeamAndAgentInTheirOwnZones(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.staged(3)
		teamDay := d.now.AddDate(0, 0, 1).Format(time.DateOnly) // it is tomorrow already where the team counts
		try := func(days Days) (string, *Refusal) {
			q := d.request(d.pickOne())
			q.Days = days
			id, refusal, err := d.Begin(d.Context(), q)
			d.must(err)
			if refusal != nil {
				d.must(d.Return(d.Context(), q.Claim))
			}
			return id, refusal
		}
		id, refusal := try(Days{Team: 1, TeamDay: teamDay, Agent: 1})
		if refusal != nil {
			d.Fatalf("the first call: %+v", refusal)
		}
		for name, days := range map[string]Days{"team": {Team: 1, TeamDay: teamDay}, "agent": {Agent: 1}} {
			if _, refusal := try(days); refusal == nil || refusal.Reason != campaign.ReasonBudget {
				d.Errorf("%s: a second call began: %+v", name, refusal)
			}
		}
		team, err := d.TeamCalls(ctx, testTeam, teamDay)
		d.must(err)
		agents, err := d.AgentCalls(ctx, testTeam, d.day(), []string{"nobody", "aB3dE9fG"})
		d.must(err)
		if diff := cmp.Diff([]int{1, 0, 1}, append([]int{team}, agents...)); diff != "" {
			d.Error(diff)
		}
		d.sound()
		// What cannot have rung was no call.
		_, err = d.refuse(id, Denial{Next: StepAgain})
		d.must(err)
		if _, refusal := try(Days{Team: 1, TeamDay: teamDay, Agent: 1}); refusal != nil {
			d.Errorf("after the first was taken back: %+v", refusal)
		}
		d.sound()
	})
}
