package dialer

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// Automations wait behind the calls for their slots. Meanwhile calls are settled as they end, and the limit is used; and each automation
// is triggered once in the end, also when a daemon is stopped in the middle.
func TestAutomationsTakeNoWorkersFromTheCalls(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 250
		ctx := context.Background()
		p := voicemails()
		p.People.Talk = simulator.Span{Min: 5, Max: 10}
		set := brisk()
		set.check = 500 * time.Millisecond
		f := newFleet(t, morning(), set, simulator.Config{Seed: 1, Profile: p})
		c := always("spring")
		c.Schedule.Start, c.Schedule.Stop = []string{"5 12 * * *"}, []string{"0 3 * * *"} // 5 minutes to stage
		c.Outcomes[campaign.Voicemail] = campaign.Outcome{Automation: simulator.DefaultAutomationID}
		f.load(c, n)
		first := f.add()
		f.subscribe()
		time.Sleep(250 * time.Second)
		began := time.Now()
		for range 8 {
			time.Sleep(10 * time.Second)
			late, err := f.store.PendingInbox(ctx, teamName, time.Now().Add(-15*time.Second), n)
			if err != nil {
				t.Fatal(err)
			}
			if len(late) > 0 {
				t.Errorf("%s: %d events wait for longer than 15 s", time.Since(began), len(late))
			}
		}
		if used, _ := f.requests(began, time.Now(), func(string) bool { return true }); used < 118 { // of 133; some are for automations
			t.Errorf("%d calls in 80 s", used)
		}
		f.add()
		first.stop()
		first.done.Wait()
		first.server.Stop()
		time.Sleep(5 * time.Minute)
		f.close()
		synctest.Wait()
		counts, err := f.store.Counts(ctx, c.Name)
		if err != nil {
			t.Fatal(err)
		}
		if k := len(f.sim.Triggers(simulator.DefaultTeamID)); k != n || counts.Dispositions[campaign.Voicemail] != n {
			t.Errorf("%d automations were triggered after %d calls to voicemail, want %d", k, counts.Dispositions[campaign.Voicemail], n)
		}
		if id, err := f.store.NextFollow(ctx, teamName, time.Now().Add(time.Hour)); err != nil || id != "" {
			t.Errorf("attempt %s is still followed by something, %v", id, err)
		}
		f.consistent(c)
	})
}

// What follows a call stands in the record from the moment that the call is settled: no wake-up is needed, and a request that never
// left is made later.
func TestAutomationsAreNotLostWithTheirWakeUp(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"429", "401"} {
		synctest.Test(t, func(t *testing.T) {
			ctx := context.Background()
			p := voicemails()
			f := newFleet(t, morning(), calm(), simulator.Config{Seed: 1, Profile: p})
			f.heard.expect = "team paused"
			c := always("spring")
			c.Outcomes[campaign.Voicemail] = campaign.Outcome{Automation: simulator.DefaultAutomationID}
			f.load(c, 1)
			if err := f.sim.Inject(simulator.Fault{Op: simulator.OpAutomation, Kind: kind, Next: 1}); err != nil {
				t.Fatal(err)
			}
			f.add()
			f.subscribe()
			time.Sleep(10 * time.Minute)
			if kind == "401" {
				if _, err := f.store.ResumeTeam(ctx, teamName); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
			}
			f.close()
			synctest.Wait()
			if k := len(f.sim.Triggers(simulator.DefaultTeamID)); k != 1 {
				t.Errorf("%s: %d automations were triggered", kind, k)
			}
		})
	}
}

// A call that is found after the window has closed is followed in the next one, as a text at night is a ring at night; not while its campaign
// is paused, and never when the person has said no since.
func TestAutomationsKeepTheHoursOfCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		p := voicemails()
		p.Webhooks.Loss = 1
		set := defaults()
		set.after = 45 * time.Minute
		f := newFleet(t, morning(), set, simulator.Config{Seed: 1, Profile: p})
		noon, paused := always("noon"), always("paused")
		for _, c := range []*campaign.Campaign{&noon, &paused} {
			c.Calling.Hours = region.Week{}
			c.Calling.Hours[time.Tuesday] = []region.Span{{From: 10 * 60, To: 12*60 + 30}, {From: 14 * 60, To: 16 * 60}}
			c.Outcomes[campaign.Voicemail] = campaign.Outcome{Automation: simulator.DefaultAutomationID}
		}
		f.loadAt(noon, 0, 5, 10) // in New York, as all whose index is a multiple of five
		f.loadAt(paused, 15, 20)
		f.add()
		time.Sleep(25 * time.Minute)
		if k := len(f.sim.Rings()); k != 5 {
			t.Errorf("%d of 5 were called", k)
		}
		if _, err := f.store.SetHold(ctx, paused.Name, campaign.HoldPaused, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(65 * time.Minute)
		counts, err := f.store.Counts(ctx, noon.Name)
		if err != nil {
			t.Fatal(err)
		}
		if counts.Dispositions[campaign.Voicemail] != 3 || len(f.sim.Triggers(simulator.DefaultTeamID)) > 0 {
			t.Errorf("%d calls are settled, %d followed at 13:30", counts.Dispositions[campaign.Voicemail], len(f.sim.Triggers(simulator.DefaultTeamID)))
		}
		no := store.Suppression{Scope: campaign.ScopeTeam, Team: teamName, Phones: []campaign.Phone{campaign.Phone(phone(10))}, By: "test"}
		if _, err := f.store.Suppress(ctx, no, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // 14:30
		f.followed(phone(0), phone(5))
		if _, err := f.store.SetHold(ctx, paused.Name, campaign.HoldNone, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		f.followed(phone(0), phone(5), phone(15), phone(20))
		f.close()
		synctest.Wait()
		f.consistent(noon)
		f.consistent(paused)
	})
}

// followed holds the phones whose calls were followed by an automation against those that should have been, all of them from 14:00 to
// 16:00 in New York.
func (f *fleet) followed(want ...string) {
	f.t.Helper()
	var got []string
	for _, a := range f.sim.Triggers(simulator.DefaultTeamID) {
		phone, err := strconv.Unquote(string(a.Body["phone_number"]))
		if err != nil {
			f.t.Fatal(err)
		}
		got = append(got, phone)
		if hour := a.At.UTC().Hour() - 5; hour < 14 || hour > 15 {
			f.t.Errorf("an automation was triggered at %s", a.At)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		f.t.Errorf("followed were the calls of %v, want %v", got, want)
	}
}

// loadAt imports the leads of some indexes.
func (f *fleet) loadAt(c campaign.Campaign, indexes ...int) {
	f.t.Helper()
	for _, i := range indexes {
		f.loadFrom(c, i, 1)
	}
}
