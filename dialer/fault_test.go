package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// fate is what a lead came to.
type fate struct {
	state       campaign.LeadState
	disposition campaign.Disposition
	reason      campaign.Reason
	spent       int
	rings       int
}

func (f *fleet) fate(c campaign.Campaign, i int) fate {
	f.t.Helper()
	l := f.lead(c, i)
	return fate{l.State, l.Disposition, l.Reason, l.Spent(), len(simulator.RingsByPhone(f.sim.Rings())[phone(i)])}
}

// fates holds the first n leads against what is to have become of each.
func (f *fleet) fates(c campaign.Campaign, n int, want fate) {
	f.t.Helper()
	for i := range n {
		if got := f.fate(c, i); got != want {
			f.t.Errorf("lead %d: %+v, want %+v", i, got, want)
		}
	}
}

// answers is a world where everyone says yes at the first ring.
func answers() simulator.Profile {
	p := simulator.Calm()
	p.People.Weights = map[simulator.Outcome]float64{simulator.Completed: 1}
	p.People.Talk = simulator.Span{Min: 20, Max: 40}
	return p
}

// voicemails is a calm world in which nobody but machines answers.
func voicemails() simulator.Profile {
	p := simulator.Calm()
	p.People.Weights = map[simulator.Outcome]float64{simulator.Voicemail: 1}
	return p
}

var (
	done     = fate{state: campaign.LeadClosed, disposition: campaign.Completed, spent: 1, rings: 1}
	inDoubt  = fate{state: campaign.LeadCalling, spent: 1}
	twice    = fate{state: campaign.LeadClosed, disposition: campaign.Completed, spent: 2, rings: 1}
	rejected = fate{state: campaign.LeadHeld, reason: campaign.ReasonInvalidContact}
)

// faultCases say what each error of POST /contact/call comes to a little later, and in the end. After the 5 minutes of LookAfter the
// call has been looked up; after the hour of Unresolved and the retry of `unknown` (2 h) the lead has been called again.
var faultCases = []struct {
	kind    string
	times   int
	lossy   bool // no webhook ever comes
	halfway fate // after 50 minutes
	end     fate // after 4 hours
}{
	{kind: "500_after", halfway: done, end: done},
	{kind: "500_after", lossy: true, halfway: done, end: done},
	{kind: "408_after", lossy: true, halfway: done, end: done},
	{kind: "hang_after", lossy: true, halfway: done, end: done},
	{kind: "reset_after", lossy: true, halfway: done, end: done},
	{kind: "cut_after", lossy: true, halfway: done, end: done},
	{kind: "200_error_after", lossy: true, halfway: done, end: done},
	{kind: "junk_after", lossy: true, halfway: done, end: done},
	{kind: "empty_after", lossy: true, halfway: done, end: done},
	{kind: "500_before", halfway: inDoubt, end: twice},
	{kind: "502_before", halfway: inDoubt, end: twice},
	{kind: "408_before", halfway: inDoubt, end: twice},
	{kind: "hang_before", halfway: inDoubt, end: twice},
	{kind: "reset_before", halfway: inDoubt, end: twice},
	{kind: "200_error_before", halfway: inDoubt, end: twice},
	{kind: "429", halfway: done, end: done},
	{kind: "400", halfway: rejected, end: rejected},
	{kind: "422", halfway: rejected, end: rejected},
	{kind: "404", halfway: done, end: done},
	{kind: "404", times: 2, halfway: rejected, end: rejected},
}

func TestFaultOfTheCallRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: takes most of a minute with the race detector; `make test` runs it whole in a stage of its own")
	}
	t.Parallel()
	for _, tt := range faultCases {
		name := tt.kind
		if tt.lossy {
			name += " without webhooks"
		}
		if tt.times > 1 {
			name += " again"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := answers()
				if tt.lossy {
					p.Webhooks.Loss = 1
				}
				team := brisk()
				team.feed, team.check, team.delayed = 5*time.Second, 5*time.Second, 10*time.Second
				f := newFleet(t, morning(), team, simulator.Config{Seed: 1, Profile: p})
				c := always("spring")
				c.Attempts.Gap = 0
				c.Outcomes[campaign.Unknown] = campaign.Outcome{Retry: []time.Duration{2 * time.Hour}}
				f.load(c, 1)
				if err := f.sim.Inject(simulator.Fault{Op: simulator.OpCall, Kind: tt.kind, Next: max(tt.times, 1)}); err != nil {
					t.Fatal(err)
				}
				f.add()
				f.subscribe()
				time.Sleep(50 * time.Minute)
				if got := f.fate(c, 0); got != tt.halfway {
					t.Errorf("after 50 minutes: %+v, want %+v", got, tt.halfway)
				}
				if tt.end != tt.halfway {
					time.Sleep(190 * time.Minute)
				}
				f.close()
				synctest.Wait()
				if got := f.fate(c, 0); got != tt.end {
					t.Errorf("in the end: %+v, want %+v", got, tt.end)
				}
				f.once()
				f.consistent(c)
			})
		})
	}
}

// The API says no, and its webhook that it rang all the same: the ring counts, and the lead goes on as after any other call.
func TestARefusedCallThatRangIsNotPlacedAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"400_after", "422_after", "429_after"} {
		for name, p := range map[string]simulator.Profile{"completed": answers(), "voicemail": voicemails()} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: p})
					c := always("spring")
					c.Attempts.Per24h, c.Attempts.Gap = 1, 0
					c.Outcomes[campaign.Voicemail] = campaign.Outcome{Retry: []time.Duration{time.Minute}}
					f.add()
					f.subscribe()
					time.Sleep(65 * time.Second)
					if err := f.sim.Inject(simulator.Fault{Op: simulator.OpCall, Kind: kind, Next: 1}); err != nil {
						t.Fatal(err)
					}
					f.load(c, 1)
					time.Sleep(3 * time.Hour)
					f.close()
					synctest.Wait()
					want := done
					if name == "voicemail" {
						want = fate{state: campaign.LeadWaiting, disposition: campaign.Voicemail, reason: campaign.ReasonCap24h, spent: 1, rings: 1}
					}
					if got := f.fate(c, 0); got != want {
						t.Errorf("%+v, want %+v", got, want)
					}
					f.once()
					f.consistent(c)
				})
			})
		}
	}
}

// A key that is refused stops the team at the first call, spends nobody's attempt, and is not tried again.
func TestRefusedCredentialsPauseTheTeam(t *testing.T) {
	inWhole(t)
	t.Parallel()
	for _, kind := range []string{"401", "403"} {
		synctest.Test(t, func(t *testing.T) {
			ctx := context.Background()
			f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
			f.heard.expect = "team paused"
			c := always("spring")
			f.load(c, 10)
			if err := f.sim.Inject(simulator.Fault{Op: simulator.OpCall, Kind: kind, Next: 1}); err != nil {
				t.Fatal(err)
			}
			f.add()
			f.subscribe()
			time.Sleep(5 * time.Minute)
			state, err := f.store.Team(ctx, teamName)
			if err != nil || state.Paused == "" {
				t.Fatalf("the team is not paused: %+v, %v", state, err)
			}
			before := len(f.sim.Requests())
			time.Sleep(10 * time.Minute)
			if n := len(f.sim.Requests()); n != before {
				t.Errorf("%d more requests while paused", n-before)
			}
			if _, err := f.store.ResumeTeam(ctx, teamName); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			f.close()
			synctest.Wait()
			f.fates(c, 10, done)
			f.once()
		})
	}
}

// An agent that was archived is the campaign's problem: no lead is held for it, and calls end at once.
func TestArchivedAgentStopsTheCampaignAndHoldsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		f.heard.expect = "campaign is not called"
		c := always("spring")
		c.Agents = []campaign.Agent{{ID: "xY5zW8vU", Weight: 1}} // archived
		f.load(c, 5)
		f.add()
		time.Sleep(5 * time.Minute)
		f.close()
		synctest.Wait()
		calls := 0
		for _, r := range f.sim.Requests() {
			if r.Op == simulator.OpCall {
				calls++
			}
		}
		if calls == 0 || calls > 3 { // some were on their way when the first was refused
			t.Errorf("%d calls were tried, want 1 to 3", calls)
		}
		for i := range 5 {
			if l := f.lead(c, i); l.State == campaign.LeadHeld || l.Spent() != 0 {
				t.Errorf("lead %d is %s (%s), %d attempts spent", i, l.State, l.Reason, l.Spent())
			}
		}
		r, err := f.store.Campaign(context.Background(), c.Name)
		if err != nil || r.Problem == "" {
			t.Errorf("problem %q, %v", r.Problem, err)
		}
	})
}

// A create whose reply was lost is searched for before another contact is made.
func TestLostReplyToACreateMakesNoSecondContact(t *testing.T) {
	inWhole(t)
	t.Parallel()
	for _, kind := range []string{"500_after", "hang_after", "reset_after", "junk_after"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
			c := always("spring")
			f.load(c, 1)
			if err := f.sim.Inject(simulator.Fault{Op: simulator.OpCreate, Kind: kind, Next: 1}); err != nil {
				t.Fatal(err)
			}
			f.add()
			f.subscribe()
			time.Sleep(10 * time.Minute)
			f.close()
			synctest.Wait()
			if got := f.fate(c, 0); got != done {
				t.Errorf("%s: %+v, want %+v", kind, got, done)
			}
			if n := f.sim.Summary(MetaAttempt).ByOp[simulator.OpCreate]; n != 1 {
				t.Errorf("%s: %d creates, want 1", kind, n)
			}
		})
	}
}
