package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

// check notes what is wrong with a campaign that could be read.
func (f *campaignFile) check(d *decoder) {
	if d.has("campaign") && !d.failed("campaign") && !campaign.ValidName(f.Campaign) {
		d.fail("campaign", "is not a name; use 1 to 63 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit")
	}
	if d.has("team") && !d.failed("team") && !campaign.ValidName(f.Team) {
		d.fail("team", "is not a name; use 1 to 63 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit")
	}
	f.checkAgents(d)
	f.checkSchedule(d)
	f.checkGuard(d)
	if f.Consent.Required && d.has("consent.basis") {
		d.fail("consent.basis", "is given beside required; keep evidence for each lead (required), or your own declaration (basis)")
	}
	if d.has("consent.basis") && strings.TrimSpace(f.Consent.Basis) == "" {
		d.fail("consent.basis", "is empty; write on what ground you may call these people")
	}
}

func (f *campaignFile) checkAgents(d *decoder) {
	if d.has("agents") && len(f.Agents) == 0 && !d.failed("agents") {
		d.fail("agents", "names no agent; write [{id: ID}] with an id that dialerd agents lists")
	}
	seen := map[string]int{}
	for i, a := range f.Agents {
		id := fmt.Sprintf("agents[%d].id", i)
		if d.has(id) && !d.failed(id) && (a.ID == "" || !headerText(a.ID) || strings.ContainsAny(a.ID, "/?#")) {
			d.fail(id, "is not an agent's id; copy one that dialerd agents lists")
		}
		if first, twice := seen[a.ID]; twice && a.ID != "" {
			d.fail(id, "is the id of agents[%d] too; name each agent once and give it more weight", first)
		}
		seen[a.ID] = i
		at := fmt.Sprintf("agents[%d].max_call", i)
		if (f.Budget.Minutes > 0 || f.Budget.Cost > 0) && a.MaxCall == 0 && !d.failed(at) {
			d.fail(at, "is missing; a budget of minutes or cost reserves the longest call before it begins, so write max_call: 10m or what the agent is set to")
		}
	}
}

func (f *campaignFile) checkSchedule(d *decoder) {
	s := &f.Schedule
	specs := []struct {
		key  string
		list []string
	}{{"start", s.Start}, {"stop", s.Stop}, {"import", s.Import}}
	given := ""
	for _, group := range specs {
		for i, spec := range group.list {
			given = group.key
			at := fmt.Sprintf("schedule.%s[%d]", group.key, i)
			if err := campaign.CheckCron(spec); err != nil && !d.failed(at) {
				d.fail(at, "%s", err)
			}
		}
		if at := "schedule." + group.key; d.has(at) && len(group.list) == 0 && !d.failed(at) {
			d.fail(at, "is an empty list; write cron specs, as in [\"0 9 * * MON-FRI\"], or remove the key")
		}
	}
	switch {
	case d.has("schedule.timezone"):
		if err := campaign.CheckZone(s.Timezone); err != nil && !d.failed("schedule.timezone") {
			d.fail("schedule.timezone", "%s", err)
		}
	case given != "":
		d.fail("schedule.timezone", "is missing; write the zone in which %s is meant, as in America/New_York", given)
	}
	if len(s.Stop) > 0 && len(s.Start) == 0 && !d.failed("schedule.start") {
		d.fail("schedule.stop", "has no start beside it, so the campaign is started by hand and nothing would stop it; add start, or remove stop")
	}
}

// checkGuard notes hours that the guard leaves nothing of.
func (f *campaignFile) checkGuard(d *decoder) {
	if d.failed("calling.guard") {
		return
	}
	guard := int(f.Calling.Guard.Minutes())
	for day, spans := range f.Calling.Hours.week() {
		for _, s := range spans {
			if s.To-s.From <= guard {
				d.fail("calling.hours", "are %s-%s on %s, and calling.guard (%s) leaves no time of that; widen the span or lower the guard",
					clock(s.From), clock(s.To), weekdays[day], FormatDuration(f.Calling.Guard))
				return
			}
		}
	}
}

// checkSource says what is wrong with a source of leads, or nil. Whether it can be read shows when it is read.
func checkSource(source string) error {
	scheme, _, isURL := strings.Cut(source, "://")
	if !isURL {
		if strings.TrimSpace(source) == "" {
			return errors.New("is empty; write a file, as in leads/*.csv")
		}
		return nil
	}
	u, err := url.Parse(source)
	switch {
	case err != nil || u.Host == "":
		return errors.New("is not a URL; write https://HOST/PATH or gsheet://ID/TAB")
	case scheme == "http" && !loopbackHost(u.Hostname()):
		return errors.New("is not encrypted, and people's data pass through it; write https://")
	case scheme != "https" && scheme != "http" && scheme != "gsheet":
		return fmt.Errorf("has the unknown scheme %q; write https:// or gsheet://", short(scheme))
	}
	return nil
}

// CheckTogether says what is wrong between settings and campaigns: a team that does not exist, no legal rules or no word
// about consent where the team's API is the real one, a budget of cost without a price. LoadCampaigns checks the same
// with the lines of the file; this is for campaigns that come from the record. Problems, or nil.
func CheckTogether(settings *Settings, campaigns []campaign.Campaign) error {
	var problems Problems
	for _, c := range campaigns {
		d := newDecoder("")
		settings.checkCampaign(&c, d)
		for _, p := range d.problems {
			p.Field = c.Name + ": " + p.Field
			problems = append(problems, p)
		}
	}
	return problems.err()
}

// checkCampaign notes what is wrong between the settings and one campaign.
func (s *Settings) checkCampaign(c *campaign.Campaign, d *decoder) {
	team, ok := s.Team(c.Team)
	if !ok {
		if !d.failed("team") {
			d.fail("team", "the settings have no team %q, they have %s%s", c.Team, strings.Join(s.teamNames(), ", "), didYouMean(c.Team, s.teamNames()))
		}
		return
	}
	if team.Real() {
		if c.Calling.Rules == campaign.RulesNone {
			d.fail("calling.rules", "lifts the legal rules, and team %q calls real people (base_url %s); write legal", c.Team, team.BaseURL)
		}
		if !c.Consent.Required && c.Consent.Basis == "" && !d.failed("consent", "consent.required", "consent.basis") {
			d.fail("consent", "says nothing, and team %q calls real people (base_url %s); write {required: true} to hold leads without evidence, or {basis: \"…\"} with your own declaration",
				c.Team, team.BaseURL)
		}
	}
	if c.Budget.Cost > 0 && team.Plan.PerMinute == 0 {
		d.fail("budget.cost", "needs a price; write plan: {per_minute: …, currency: …} for team %q in the settings", c.Team)
	}
}
