package store

import (
	"strings"
	"testing"

	"github.com/dialerd/dialerd/campaign"
)

func blocked(region string) campaign.Amendment {
	return campaign.Amendment{Blocks: []campaign.Block{{Region: region, From: "2026-03-10", To: "2026-03-12", Reason: "storm"}}}
}

func TestADecisionByOldRulesIsSeenToBeOneOrRefused(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.apply("beta", "other")
		d.staged(1)
		c := d.pickOne()
		before, err := d.Facts(ctx, c.Lead, d.day(), d.now)
		d.must(err)
		if before.Rules != 0 {
			d.Errorf("rules %d before there are any", before.Rules)
		}
		number, changed, err := d.ApplyRules(ctx, blocked("US-LA"), d.now)
		d.must(err)
		if number != 1 || !changed {
			d.Errorf("rules %d, changed %v", number, changed)
		}
		q := d.request(c)
		q.TeamEpoch, q.CampaignEpoch = before.TeamEpoch, before.CampaignEpoch
		_, refusal, err := d.Begin(ctx, q)
		d.must(err)
		if refusal == nil || refusal.Reason != Stale {
			d.Errorf("a decision by the old rules: %+v, want stale", refusal)
		}
		after, err := d.Facts(ctx, c.Lead, d.day(), d.now)
		d.must(err)
		if after.Rules != 1 || after.TeamEpoch <= before.TeamEpoch {
			d.Errorf("after: rules %d, epoch %d, before %d", after.Rules, after.TeamEpoch, before.TeamEpoch)
		}
		q.TeamEpoch = after.TeamEpoch
		if _, refusal, err = d.Begin(ctx, q); err != nil || refusal != nil {
			d.Errorf("a decision by the new ones: %+v, %v", refusal, err)
		}
		d.sound()
	})
}

func TestOperatorsRulesAreKeptAndNumbered(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		book := func() *campaign.Rulebook {
			d.Helper()
			b, err := d.Rulebook(ctx)
			d.must(err)
			return b
		}
		if book() != campaign.BuiltIn() {
			d.Error("without rules the book is not the built-in one")
		}
		none, changed, err := d.ApplyRules(ctx, campaign.Amendment{}, d.now)
		d.must(err)
		if none != 0 || changed {
			d.Errorf("nothing made rules %d, changed %v", none, changed)
		}
		for i, step := range []struct {
			add     campaign.Amendment
			number  int64
			changed bool
		}{{blocked("US-LA"), 1, true}, {blocked("US-LA"), 1, false}, {blocked("US-TX"), 2, true}, {campaign.Amendment{}, 3, true}, {campaign.Amendment{}, 3, false}} {
			number, changed, err := d.ApplyRules(ctx, step.add, d.now)
			d.must(err)
			if number != step.number || changed != step.changed {
				d.Errorf("%d: rules %d, changed %v, want %+v", i, number, changed, step)
			}
			first := book()
			if first != book() || first.Number() != step.number || len(first.Added().Blocks) != len(step.add.Blocks) {
				d.Errorf("%d: the book is %s", i, first.Name())
			}
			in, err := d.Rules(ctx)
			d.must(err)
			if in.Number != step.number || !in.At.Equal(d.now) {
				d.Errorf("%d: in force is %+v", i, in)
			}
		}
		if _, _, err := d.ApplyRules(ctx, blocked("US-XX"), d.now); err == nil || !strings.Contains(err.Error(), "blocks[0].region") {
			d.Errorf("rules of nowhere: %v", err)
		}
		if in, _ := d.Rules(ctx); in.Number != 3 {
			d.Errorf("refused rules were applied: %+v", in)
		}
	})
}

func TestRulesThatCannotBeReadLeaveNoBook(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		for _, doc := range []string{"{", `{"blocks":[{"region":"XX","from":"2026-03-10","to":"2026-03-12","reason":"x"}]}`, `{"hours":{"US-TX":{"mon":[{"from":0,"to":1440}]}}}`} {
			d.must(d.client.HSet(ctx, teamKey(globalTeam, "rules"), "n", 7, "doc", doc, "sum", doc).Err())
			if b, err := d.Rulebook(ctx); err == nil {
				d.Errorf("%s: book %s", doc, b.Name())
			}
		}
		// Nobody can put them right but by applying others.
		_, _, err := d.ApplyRules(ctx, blocked("US-LA"), d.now)
		d.must(err)
		if b, err := d.Rulebook(ctx); err != nil || b.Number() != 8 {
			d.Errorf("book %v, %v", b, err)
		}
	})
}
