package dialer

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// One campaign's definition is damaged while both campaigns of a team call: that one rings nobody any more and is reported, the other one
// is called, settled and followed to its last lead. When its file has been applied again the damaged one goes on where it was.
func TestADefinitionThatCannotBeReadStopsItsOwnCampaignOnly(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"webhooks come": false, "webhooks are lost": true} {
		t.Run(name, func(t *testing.T) {
			if !lost {
				inWhole(t)
			}
			t.Parallel()
			damage(t, lost)
		})
	}
}

// damage is that story, with webhooks that come or are all lost.
func damage(t *testing.T, lost bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		const n = 24
		ctx := context.Background()
		p := voicemails()
		p.People.Talk = simulator.Span{Min: 20, Max: 40}
		set := brisk()
		set.after = 40 * time.Second
		f := newFleet(t, morning(), set, simulator.Config{Seed: 1, Profile: p})
		if lost {
			f.garble = func([]byte) []byte { return nil }
		}
		f.heard.expect = "cannot be read|apply its file again"
		damaged, sound := always("autumn"), always("spring")
		for _, c := range []*campaign.Campaign{&damaged, &sound} {
			c.Outcomes[campaign.Voicemail] = campaign.Outcome{Automation: simulator.DefaultAutomationID} // and closes
		}
		damaged.Pace.CallsPerMinute, sound.Pace.CallsPerMinute = 10, 15 // so that some are left when it is damaged
		f.loadFrom(damaged, 0, n)
		f.loadFrom(sound, n, n)
		f.add()
		f.subscribe()
		rang := func(c campaign.Campaign) (k int) {
			for _, r := range f.sim.Rings() {
				if r.Metadata[MetaCampaign] == c.Name {
					k++
				}
			}
			return k
		}
		until := func(what string, is func() bool) {
			t.Helper()
			for end := time.Now().Add(10 * time.Minute); !is(); time.Sleep(time.Second) {
				if time.Now().After(end) {
					t.Fatalf("it never came to it that %s: %d and %d rang", what, rang(damaged), rang(sound))
				}
			}
		}
		until("calls of both have been followed", func() bool { return f.triggers(damaged) > 0 && f.triggers(sound) > 0 || lost && rang(damaged) >= 3 })
		before := rang(damaged)
		if before > n/2 || rang(sound) > n-5 {
			t.Fatalf("%d and %d of %d rang before the damage: the test tests little", before, rang(sound), n)
		}
		record, err := f.store.Campaign(ctx, damaged.Name)
		if err != nil {
			t.Fatal(err)
		}
		home := fmt.Sprintf("dialerd:{%s}:c:%d", teamName, record.Number)
		if err := f.store.Client().HSet(ctx, home, "def", `{"name":`).Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // a look at the team is at most five seconds old; what was begun is sent
		at := rang(damaged)
		until("all of the sound one have rung", func() bool { return rang(sound) == n })
		f.add() // which has never read that definition
		f.hosts[0].stop()
		f.hosts[0].done.Wait()
		f.hosts[0].server.Stop()
		time.Sleep(3 * time.Minute) // calls are looked up after 40 s
		if k := rang(damaged); k != at || k == n {
			t.Errorf("of the damaged campaign %d rang, %d when it was damaged", k, at)
		}
		told := f.hosts[1].dialer.Store.Damaged(teamName)
		if len(told) != 1 || told[0].Campaign != damaged.Name {
			t.Errorf("reported is %v", told)
		}
		counts, err := f.store.Counts(ctx, sound.Name)
		if err != nil {
			t.Fatal(err)
		}
		if counts.States[campaign.LeadClosed] != n {
			t.Errorf("the leads of the sound one are %v", counts.States)
		}
		f.triggered(sound, n)

		if _, err := f.store.Apply(ctx, damaged, time.Now()); err != nil {
			t.Fatal(err)
		}
		until("all of the other one have rung", func() bool { return rang(damaged) == n })
		time.Sleep(3 * time.Minute)
		f.close()
		synctest.Wait()
		if told := f.hosts[1].dialer.Store.Damaged(teamName); len(told) > 0 {
			t.Errorf("still reported is %v", told)
		}
		f.triggered(damaged, n)
		f.once()
		f.consistent(damaged)
		f.consistent(sound)
	})
}

// triggered holds the automations that followed a campaign's calls against how many there were.
func (f *fleet) triggered(c campaign.Campaign, want int) {
	f.t.Helper()
	if k := f.triggers(c); k != want {
		f.t.Errorf("%d automations followed the calls of %s, want %d", k, c.Name, want)
	}
}

// triggers counts them.
func (f *fleet) triggers(c campaign.Campaign) (k int) {
	f.t.Helper()
	for _, a := range f.sim.Triggers(simulator.DefaultTeamID) {
		if string(a.Body[MetaCampaign]) == strconv.Quote(c.Name) {
			k++
		}
	}
	return k
}

// What cannot be read of one phone stops that one: a lead that waits for its contact, a call under way, a call whose automation waits. The
// others are called, settled and followed, and when the record has been repaired those go on where they were.
func TestAPhoneThatCannotBeReadStopsItsOwnLeadsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 12
		const waits, talks, isFollowed = 0, 1, 2
		ctx := context.Background()
		p := voicemails()
		p.People.Talk = simulator.Span{Min: 20, Max: 40}
		set := brisk()
		set.after = 40 * time.Second
		f := newFleet(t, morning(), set, simulator.Config{Seed: 1, Profile: p})
		f.garble = func([]byte) []byte { return nil }
		f.heard.expect = "what is kept|cannot be written down"
		c := always("spring")
		c.Outcomes[campaign.Voicemail] = campaign.Outcome{Automation: simulator.DefaultAutomationID} // and closes
		f.load(c, n)
		damage := func(i int) {
			t.Helper()
			if err := f.store.Client().HSet(ctx, fmt.Sprintf("dialerd:{%s}:phones", teamName), phone(i), `{"o":`).Err(); err != nil {
				t.Fatal(err)
			}
		}
		stands := func(when string, rings, closed, followed int) {
			t.Helper()
			counts, err := f.store.Counts(ctx, c.Name)
			if err != nil {
				t.Fatal(err)
			}
			if k, z := len(f.sim.Rings()), f.triggers(c); k != rings || counts.States[campaign.LeadClosed] != closed || z != followed {
				t.Errorf("%s %d rang, %d are closed, %d followed: want %d, %d and %d", when, k, counts.States[campaign.LeadClosed], z, rings, closed, followed)
			}
		}
		hold := func(h campaign.Hold) {
			t.Helper()
			if _, err := f.store.SetHold(ctx, c.Name, h, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		damage(waits)
		f.add()
		f.subscribe()
		for len(f.sim.Rings()) < n-1 {
			time.Sleep(time.Second)
		}
		hold(campaign.HoldPaused)
		damage(talks)
		time.Sleep(3 * time.Minute)
		stands("paused", n-1, n-2, 0)
		held := f.lead(c, waits)
		if made := len(f.sim.Contacts(simulator.DefaultTeamID)); made != n-1 || held.State != campaign.LeadHeld || held.Reason != campaign.ReasonHold {
			t.Errorf("%d contacts were made, the one that was damaged before is %s, %s", made, held.State, held.Reason)
		}
		damage(isFollowed)
		hold(campaign.HoldNone)
		time.Sleep(3 * time.Minute)
		stands("gone on", n-1, n-2, n-3)
		if _, err := f.store.Repair(ctx, teamName, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := f.store.ReleaseLead(ctx, c.Name, held.ID, "mended"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		stands("repaired", n, n, n)
		f.close()
		synctest.Wait()
		f.once()
		f.consistent(c)
	})
}
