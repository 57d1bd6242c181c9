package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// Automations wait behind the calls for their slots. Meanwhile calls are settled as they end, and the limit is used; and each automation
// is triggered once in the end, also when a daemon is stopped in the middle.
func TestAutomationsTakeNoWorkersFromTheCalls(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 250
		ctx := context.Background()
		p := simulator.Calm()
		p.People.Weights = map[simulator.Outcome]float64{simulator.Voicemail: 1}
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
			p := simulator.Calm()
			p.People.Weights = map[simulator.Outcome]float64{simulator.Voicemail: 1}
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
