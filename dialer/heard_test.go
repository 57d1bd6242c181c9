package dialer

import (
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

func TestACampaignWaitsForItsWebhooksAWhile(t *testing.T) {
	t.Parallel()
	heard := map[string]bool{"t/a": true}
	d := &Dialer{Heard: func(team, agent string) bool { return heard[team+"/"+agent] }}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	c := &campaign.Campaign{Name: "spring", Agents: []campaign.Agent{{ID: "a"}, {ID: "b"}}}
	view := func(before *campaignView, at time.Time) *campaignView {
		v := &campaignView{record: &store.Record{Campaign: *c, Hold: campaign.HoldStarted}, plan: campaign.NewPlan(c)}
		v.unheard = d.unheardSince("t", v, before, at)
		return v
	}
	first := view(nil, now)
	if first.callable(now) {
		t.Error("it is called although nobody hears of the calls of agent b")
	}
	later := view(first, now.Add(hearWait-time.Second))
	if !later.unheard.Equal(now) || later.callable(now.Add(hearWait-time.Second)) || !later.callable(now.Add(hearWait)) {
		t.Errorf("it waits since %v, want %v, and %v at most", later.unheard, now, hearWait)
	}
	heard["t/b"] = true
	if v := view(later, now.Add(2*time.Second)); !v.callable(now.Add(2 * time.Second)) {
		t.Error("it is not called although its agents are heard")
	}
	d.Heard = nil
	if v := view(nil, now); !v.callable(now) {
		t.Error("it waits although somebody else sees to webhooks")
	}
}
