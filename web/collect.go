package web

import (
	"context"
	"maps"
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dialerd/dialerd/campaign"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dialerd_"+name, help, labels, nil)
}

var (
	descUp        = desc("record_up", "1 if the record could be read for this scrape.")
	descBuild     = desc("build_info", "1, with the versions of the program, its calling rules and its zone data.", "version", "rules", "tzdata", "go")
	descDaemons   = desc("daemons", "Daemons heard of in the last minute.")
	descReplicas  = desc("redis_replicas", "Replicas of Redis: connected, answering, and the most at once that the daemons have seen.", "state")
	descBlocked   = desc("redis_replicas_blocked", "1 if no call begins because a replica does not answer.")
	descClock     = desc("clock_offset_seconds", "How far this machine's clock is ahead of Redis'.")
	descAttention = desc("attention_notices", "Things that need a person.", "level")

	descTeamFlight = desc("team_in_flight_calls", "Calls of a team under way.", "team")
	descPaused     = desc("team_paused", "1 if the team is paused.", "team")
	descUnresolved = desc("unresolved_attempts", "Attempts without an outcome for longer than the settings allow.", "team")
	descOldest     = desc("oldest_unsettled_seconds", "Age of the oldest attempt without an outcome.", "team")

	descLimit     = desc("limit_requests", "Requests that the team's limit allows in each period.", "team")
	descPeriod    = desc("limit_period_seconds", "Period of the team's limit.", "team")
	descUsed      = desc("limit_used_requests", "Requests of the limit that are out.", "team")
	descEffective = desc("limit_effective_requests", "Requests of the limit that are used; fewer than the limit for a while after a 429.", "team")
	descThrottled = desc("limit_throttled_total", "Replies of 429.", "team")

	descTalked   = desc("plan_talked_seconds", "What a team has talked this month, by calls that are over.", "team")
	descIncluded = desc("plan_included_seconds", "Talk time of a month that costs the team nothing more.", "team")
	descCost     = desc("plan_cost", "Estimate of what this month's talk time beyond that costs.", "team", "currency")

	descAudit    = desc("audit_sequence", "Number of the newest entry of the record of decisions on disk.", "team")
	descAuditSum = desc("audit_hash", "The first 13 hex digits of that entry's hash, as a number.", "team")
	descAuditAt  = desc("audit_archived_timestamp_seconds", "When it came to disk.", "team")
	descBacklog  = desc("audit_backlog_entries", "Entries of the record that wait for the archiver.", "team")
	descBacklogL = desc("audit_backlog_limit_entries", "So many waiting entries, and no call begins.", "team")

	descLeads    = desc("leads", "Leads of a campaign by state.", "team", "campaign", "state")
	descState    = desc("campaign_state", "1 for the state that the campaign is in.", "team", "campaign", "state")
	descLimited  = desc("campaign_limited", "1 for the reason that keeps the campaign from calling faster, or at all.", "team", "campaign", "reason")
	descFlight   = desc("in_flight_calls", "Calls of a campaign under way.", "team", "campaign")
	descAttempts = desc("attempts", "Attempts of a campaign by state.", "team", "campaign", "state")
	descOutcomes = desc("dispositions", "Leads of a campaign by their last disposition.", "team", "campaign", "disposition")

	descTasks = desc("queue_tasks", "Tasks of a queue by state.", "queue", "state")
	descHooks = desc("webhook_requests_total", "Requests to the listener for events, by what became of them.", "result")
	descBytes = desc("webhook_received_bytes_total", "Bytes of events received.")
)

// collector reads the record at each scrape, at most once a second. Its series follow the campaigns, so it announces none.
type collector struct {
	source  *Source
	version string
}

// Describe announces nothing: an unchecked collector.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads the record; when it cannot be read in time only that is said.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	rules, zones := campaign.Versions()
	gauge(descBuild, 1, c.version, rules, zones, runtime.Version())
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	r, err := c.source.read(ctx)
	if err != nil {
		gauge(descUp, 0)
		return
	}
	gauge(descUp, 1)
	gauge(descDaemons, float64(len(r.Daemons)))
	r.Replicas.collect(gauge)
	if r.ClockOffset != nil {
		gauge(descClock, *r.ClockOffset)
	}
	for _, level := range []string{LevelError, LevelWarning} {
		n := 0
		for _, a := range r.Attention {
			if a.Level == level {
				n++
			}
		}
		gauge(descAttention, float64(n), level)
	}
	for _, t := range r.Teams {
		collectTeam(t, gauge, counter)
	}
	for _, one := range r.Campaigns {
		collectCampaign(one, gauge)
	}
	for name, d := range r.queues {
		gauge(descTasks, float64(d.Pending), name, "pending")
		gauge(descTasks, float64(d.Active), name, "active")
		gauge(descTasks, float64(d.Retry), name, "retry")
		gauge(descTasks, float64(d.Archived), name, "archived")
	}
	if h := r.hooks; h != nil {
		counter(descBytes, h.Bytes)
		for result, n := range h.results() {
			counter(descHooks, n, result)
		}
	}
}

func (r *Replicas) collect(gauge func(*prometheus.Desc, float64, ...string)) {
	gauge(descReplicas, float64(r.Connected), "connected")
	gauge(descReplicas, float64(r.Answering), "answering")
	gauge(descReplicas, float64(r.Most), "most")
	blocked := 0.0
	if r.Blocked {
		blocked = 1
	}
	gauge(descBlocked, blocked)
}

func collectTeam(t TeamStatus, gauge func(*prometheus.Desc, float64, ...string), counter func(*prometheus.Desc, int64, ...string)) {
	gauge(descTeamFlight, float64(t.InFlight), t.Team)
	t.Audit.collect(t.Team, gauge)
	t.Plan.collect(t.Team, gauge)
	paused := 0.0
	if t.Paused != nil {
		paused = 1
	}
	gauge(descPaused, paused, t.Team)
	if t.Unresolved != nil {
		gauge(descUnresolved, float64(*t.Unresolved), t.Team)
		oldest := 0.0
		if t.Oldest != nil {
			oldest = *t.Oldest
		}
		gauge(descOldest, oldest, t.Team)
	}
	if l := t.Limit; l != nil {
		gauge(descLimit, float64(l.Requests), t.Team)
		gauge(descPeriod, l.PerS, t.Team)
		gauge(descUsed, float64(l.Used), t.Team)
		gauge(descEffective, float64(l.Effective), t.Team)
		counter(descThrottled, l.Throttled, t.Team)
	}
}

func (p *Plan) collect(team string, gauge func(*prometheus.Desc, float64, ...string)) {
	if p == nil {
		return
	}
	gauge(descTalked, 60*p.Minutes, team)
	if p.Included != nil {
		gauge(descIncluded, 60**p.Included, team)
	}
	if p.Cost != nil && p.Currency != nil {
		gauge(descCost, *p.Cost, team, *p.Currency)
	}
}

func collectCampaign(c *CampaignStatus, gauge func(*prometheus.Desc, float64, ...string)) {
	for _, s := range []campaign.State{campaign.Idle, campaign.Running, campaign.Paused, campaign.Stopped, campaign.Done} {
		is := 0.0
		if c.State == s {
			is = 1
		}
		gauge(descState, is, c.Team, c.Campaign, string(s))
	}
	if c.LimitedBy != nil {
		gauge(descLimited, 1, c.Team, c.Campaign, string(*c.LimitedBy))
	}
	for _, s := range c.Leads.Parts() {
		gauge(descLeads, float64(s.N), c.Team, c.Campaign, string(s.State))
	}
	a := c.Attempts
	for i, n := range []int{a.Sending, a.Accepted, a.Refused, a.Unknown, a.Settled} {
		gauge(descAttempts, float64(n), c.Team, c.Campaign, string(campaign.AttemptStates()[i]))
	}
	gauge(descFlight, float64(c.InFlight), c.Team, c.Campaign)
	for _, d := range slices.Sorted(maps.Keys(c.Dispositions)) {
		gauge(descOutcomes, float64(c.Dispositions[d]), c.Team, c.Campaign, string(d))
	}
}

// results are the counts by what became of a request or an event.
func (h *Hooks) results() map[string]int64 {
	return map[string]int64{
		"received": h.Received, "kept": h.Kept, "spooled": h.Spooled, "drained": h.Drained, "unreadable": h.Unreadable,
		"refused": h.Refused, "overloaded": h.Overloaded, "unarchived": h.Unarchived,
	}
}
