package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// end is what a lead came to, by phone.
type end struct {
	State       campaign.LeadState
	Disposition campaign.Disposition
	Rings       int
	Transferred bool
}

// crowd is a world with people of every kind, the same under all of the profiles below: what they do depends on phone and ring alone.
func crowd() simulator.Profile {
	p := simulator.Calm()
	p.People.Weights = map[simulator.Outcome]float64{
		simulator.Completed: 20, simulator.NoAnswer: 25, simulator.Voicemail: 10, simulator.Busy: 10, simulator.NotInterested: 8,
		simulator.HangUp: 4, simulator.Callback: 8, simulator.OptOut: 6, simulator.Transferred: 4, simulator.WrongNumber: 3,
		simulator.Failed: 3, simulator.Cancelled: 2, simulator.Strange: 2,
	}
	p.People.Talk = simulator.Span{Min: 20, Max: 90}
	p.People.Callback = simulator.Span{Min: 1800, Max: 3600}
	return p
}

// worlds are ways in which the API may report what happens. What leads come to must not depend on them.
var worlds = []struct {
	name string
	with func(p *simulator.Profile)
}{
	{"calm", func(*simulator.Profile) {}},
	{"half of the webhooks lost", func(p *simulator.Profile) { p.Webhooks.Loss = 0.5 }},
	{"all webhooks lost", func(p *simulator.Profile) { p.Webhooks.Loss = 1 }},
	{"all lost, no metadata, foreign ids", func(p *simulator.Profile) {
		p.Webhooks.Loss, p.Records.Echo, p.API.CallReply = 1, simulator.EchoNever, simulator.ReplyForeignID
	}},
	{"all lost, no metadata, documented shape, oldest first", func(p *simulator.Profile) {
		p.Webhooks.Loss, p.Records.Echo, p.Records.Shape = 1, simulator.EchoNever, simulator.ShapeDocumented
		p.API.CallReply, p.API.Order = simulator.ReplyEmpty, simulator.OrderOldest
	}},
	{"all lost, search without effect, oldest first, listed late", func(p *simulator.Profile) {
		p.Webhooks.Loss, p.API.Search, p.API.Order, p.API.ListLag = 1, simulator.SearchIgnored, simulator.OrderOldest, 30
	}},
	{"doubled, early, before the reply, reordered, late by hours, strays, mixed shapes", func(p *simulator.Profile) {
		p.Webhooks.Double, p.Webhooks.Early, p.Webhooks.BeforeReply, p.Webhooks.Reorder, p.Webhooks.Stray = 1, 0.7, 0.5, 0.5, 0.5
		p.Webhooks.Late, p.Webhooks.LateBy = 0.2, simulator.Span{Min: 30, Max: 3 * 3600}
		p.Records.Shape, p.Records.System, p.API.CallReply = simulator.ShapeMixed, 0.5, simulator.ReplyMixed
	}},
	{"the same without metadata", func(p *simulator.Profile) {
		p.Webhooks.Double, p.Webhooks.Early, p.Webhooks.BeforeReply, p.Webhooks.Reorder, p.Webhooks.Stray = 1, 0.7, 0.5, 0.5, 0.5
		p.Records.Shape, p.Records.Echo, p.API.CallReply = simulator.ShapeMixed, simulator.EchoNever, simulator.ReplyEmpty
	}},
}

func TestDispositionsDoNotDependOnHowTheAPIReportsThem(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: takes most of a minute with the race detector; `make test` runs it whole in a stage of its own")
	}
	t.Parallel()
	const n = 40
	var want map[string]end
	for _, world := range worlds {
		t.Run(world.name, func(t *testing.T) {
			got := map[string]end{}
			synctest.Test(t, func(t *testing.T) {
				p := crowd()
				world.with(&p)
				team := brisk()
				team.feed, team.check, team.delayed = 15*time.Second, 15*time.Second, 30*time.Second
				f := newFleet(t, morning(), team, simulator.Config{Seed: 3, Profile: p})
				c := always("spring")
				c.Attempts = campaign.Caps{Lifetime: 3, Per24h: 3, Per7d: 3, Per30d: 3}
				retry := campaign.Outcome{Retry: []time.Duration{45 * time.Minute, 45 * time.Minute}}
				c.Outcomes[campaign.NoAnswer], c.Outcomes[campaign.Busy], c.Outcomes[campaign.Failed] = retry, retry, retry
				c.Outcomes[campaign.Voicemail], c.Outcomes[campaign.Unknown] = retry, retry
				f.load(c, n)
				f.add()
				f.subscribe()
				time.Sleep(5 * time.Hour)
				f.close()
				synctest.Wait()
				rings := simulator.RingsByPhone(f.sim.Rings())
				err := f.store.EachLead(context.Background(), c.Name, func(l *campaign.Lead) error {
					got[string(l.Phone)] = end{l.State, l.Disposition, len(rings[string(l.Phone)]), len(l.Attempts) > 0 && l.Attempts[len(l.Attempts)-1].Disposition == campaign.Transferred}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				f.once()
				f.consistent(c)
				t.Logf("%d requests: %v", len(f.sim.Requests()), f.sim.Summary(MetaAttempt).ByOp)
			})
			if len(got) != n {
				t.Fatalf("%d leads, want %d", len(got), n)
			}
			for phone, e := range got {
				if e.State != campaign.LeadClosed {
					t.Errorf("%s is %s after 5 hours", campaign.Phone(phone).Masked(), e.State)
				}
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("other than in a calm world (-calm +this):\n%s", diff)
			}
		})
	}
}
