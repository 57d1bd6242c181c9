package dialer

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// optOut are ways of saying "never call me again". The bare word "stop" is not among them, because people say it about many
// things; a text of one word is. Rather one person too many is left alone than one too few.
var optOut = regexp.MustCompile(`(?i)\b(` + strings.Join([]string{
	`(stop|quit|cease)\s+(calling|phoning|contacting|ringing|bothering|harassing)`,
	`(do\s*not|do\s*n[o']?t|never|not\s+to)\s+(you\s+)?(ever\s+)?(call|phone|contact|ring)\s+(me|us|this|here|again|any\s?more|my|back)`,
	`(do\s*not|do\s*n[o']?t)\s+want\s+(you\s+to\s+(call|phone|contact|ring)|to\s+be\s+called|(any\s+)?(more\s+)?(of\s+)?((your|these|those)\s+)?calls)`,
	`no\s+more\s+calls`,
	`(take|keep)\s+(me|us|my\s+(phone\s+)?(number|name)|this\s+number)\s+off`,
	`(remove|delete|erase)\s+(me|us|my\s+(phone\s+)?(number|name)|this\s+number)`,
	`unsubscribe`,
	`opt(ing)?\s*((me|us)\s+)?out`,
	`(put|add|place)\s+(me|us|my\s+number|this\s+number)\s+on\s+(your|the|a)\s+do[\s-]not[\s-]call`,
	`lose\s+my\s+number`,
	`leave\s+(me|us)\s+alone`,
}, "|") + `)\b`)

// offered is how an agent tells people of their right, in a text that does not say who speaks.
var offered = regexp.MustCompile(`(?i)\b(say|press|reply|text|to\s+opt\s*out|can\s+opt\s*out|would\s+you\s+like)\b`)

// apostrophes are written in many ways.
var apostrophes = strings.NewReplacer("’", "'", "‘", "'", "ʼ", "'", "`", "'", "´", "'")

// optedOut reports whether the person said so. What the agent says ("say stop calling at any time") does not count. Whoever is not
// the agent is the person, under whatever name.
func optedOut(r *thoughtly.Response) bool {
	for _, t := range r.Turns {
		text := apostrophes.Replace(t.Text)
		switch t.Speaker {
		case thoughtly.SpeakerAgent, "system", "tool":
			continue
		case "":
			for line := range strings.Lines(text) {
				if wantsOut(line) && !offered.MatchString(line) {
					return true
				}
			}
			continue
		}
		if wantsOut(text) {
			return true
		}
	}
	return false
}

func wantsOut(text string) bool {
	return optOut.MatchString(text) || strings.EqualFold(strings.Trim(text, " .,!?\r\n\t\"'"), "stop")
}

// heedDuring puts a person on the list who says no while the call goes on: another lead of that phone may be next in the queue, and the
// end of this call an hour away, or never heard of.
func (d *Dialer) heedDuring(ctx context.Context, c *campaign.Campaign, a *campaign.Attempt, r *thoughtly.Response) error {
	if !optedOut(r) {
		return nil
	}
	now, err := d.clock(ctx)
	if err != nil {
		return fmt.Errorf("heed the opt-out in attempt %s: %w", a.ID, err)
	}
	_, err = d.Store.Suppress(ctx, store.Suppression{
		Scope: cmp.Or(c.Outcomes[campaign.DoNotCall].Suppress, campaign.ScopeTeam), Team: c.Team, Campaign: c.Name, Phones: []campaign.Phone{a.Phone},
		Reason: "opted out during call " + r.ID, By: "attempt " + a.ID,
	}, now)
	if err != nil {
		return fmt.Errorf("heed the opt-out in attempt %s: %w", a.ID, err)
	}
	return nil
}
