package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/web"
)

// statusJSON is what `campaign status` prints.
type statusJSON struct {
	Campaign     string         `json:"campaign"`
	Team         string         `json:"team"`
	State        string         `json:"state"`
	Hold         text           `json:"hold"`
	LimitedBy    text           `json:"limited_by"`
	Leads        map[string]int `json:"leads"`
	Attempts     map[string]int `json:"attempts"`
	Dispositions map[string]int `json:"dispositions"`
	Limit        *limitJSON     `json:"limit"`
	InFlight     int            `json:"in_flight"`
	Budget       budgetJSON     `json:"budget"`
	Next         []eventJSON    `json:"next"`
	Audit        web.Audit      `json:"audit"` // the record of decisions of the campaign's team
	Problem      string         `json:"problem,omitempty"`
	TeamPaused   string         `json:"team_paused,omitempty"` // why no campaign of the team is called
}

// limitJSON is the request limit of the campaign's team.
type limitJSON struct {
	Requests  int     `json:"requests"`
	PerS      float64 `json:"per_s"`
	Used      int     `json:"used"`
	Throttled int64   `json:"throttled"`
}

// budgetJSON is what a campaign may spend and has spent.
type budgetJSON struct {
	Calls   spending `json:"calls"` // of today, in the schedule's zone
	Minutes spending `json:"minutes"`
	Cost    spending `json:"cost"`
}

type spending struct {
	Limit    *float64 `json:"limit"`
	Spent    *float64 `json:"spent"`
	Reserved *float64 `json:"reserved"`
	Left     *float64 `json:"left"`
}

func newSpending(limit, spent, reserved float64) spending {
	s := spending{Spent: &spent, Reserved: &reserved}
	if limit > 0 {
		left := max(0, limit-spent-reserved)
		s.Limit, s.Left = &limit, &left
	}
	return s
}

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Show where a campaign stands",
		Long: "Shows a campaign's state, its counts, what keeps it from going faster now (limited by), the request limit of its team,\n" +
			"its budget and the next events of its schedule.",
		Example: "  dialerd campaign status spring\n  dialerd campaign status spring --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.record(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			s, err := a.status(cmd.Context(), r, a.now())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(s)
			}
			a.printStatus(r, s)
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

// status reads where a campaign stands.
func (a *app) status(ctx context.Context, r *store.Record, now time.Time) (*statusJSON, error) {
	counts, err := a.store.Counts(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	team, err := a.store.Team(ctx, r.Team)
	if err != nil {
		return nil, err
	}
	settings, err := a.load()
	if err != nil {
		return nil, err
	}
	known, _ := settings.Team(r.Team)
	s := &statusJSON{
		Campaign: r.Name, Team: r.Team, State: string(r.StateAt(now, r.Hold, counts.Open())), Hold: text(r.Hold), InFlight: counts.InFlight,
		Leads: map[string]int{"total": counts.Leads}, Attempts: map[string]int{}, Dispositions: map[string]int{},
		Next: eventsJSON(r.Schedule.Next(now, 5)), Problem: r.Problem, TeamPaused: team.Paused,
	}
	for _, state := range campaign.LeadStates() {
		s.Leads[string(state)] = counts.States[state]
	}
	for _, state := range campaign.AttemptStates() {
		s.Attempts[string(state)] = counts.Attempts[state]
	}
	for d, n := range counts.Dispositions {
		if n > 0 {
			s.Dispositions[string(d)] = n
		}
	}
	plan, err := a.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	look := &speed{record: r, counts: counts, team: team, settings: known, plan: plan, now: now}
	reason, err := look.limitedBy(ctx, a.store)
	if err != nil {
		return nil, err
	}
	s.LimitedBy, s.Budget = text(reason), look.budget()
	record, err := a.store.Audit(ctx, r.Team)
	if err != nil {
		return nil, err
	}
	s.Audit = web.NewAudit(record)
	s.Limit, err = a.limitOf(ctx, known)
	return s, err
}

// limitOf is the state of a team's request limit; nil when the settings do not know the team's token.
func (a *app) limitOf(ctx context.Context, t *config.Team) (*limitJSON, error) {
	if t == nil || t.APIToken.Reveal() == "" {
		return nil, nil //nolint:nilnil // no limit is known, which is shown as null
	}
	_, limiter, err := a.api(t, nil)
	if err != nil {
		return nil, err
	}
	u, err := limiter.Usage(ctx)
	if err != nil {
		return nil, err
	}
	return &limitJSON{Requests: u.Requests, PerS: seconds(u.Per), Used: u.Used, Throttled: u.Throttled}, nil
}

func (a *app) printStatus(r *store.Record, s *statusJSON) {
	a.say("campaign %s of team %s: %s", s.Campaign, s.Team, s.State)
	if s.LimitedBy != "" {
		a.say(", limited by %s", s.LimitedBy)
	}
	a.say("\n")
	if s.Problem != "" {
		a.say("it cannot call: %s\n", s.Problem)
	}
	if s.TeamPaused != "" {
		a.say("%s\n", pausedText(s.TeamPaused, []*store.Record{r}))
	}
	var parts []string
	for _, state := range campaign.LeadStates() {
		parts = append(parts, fmt.Sprintf("%d %s", s.Leads[string(state)], state))
	}
	a.say("  leads         %d: %s\n", s.Leads["total"], strings.Join(parts, ", "))
	parts = nil
	for _, state := range campaign.AttemptStates() {
		parts = append(parts, fmt.Sprintf("%d %s", s.Attempts[string(state)], state))
	}
	if s.Leads[string(campaign.LeadHeld)] > 0 {
		a.say("                who is held and why: dialerd lead list --campaign %s --state held\n", s.Campaign)
	}
	a.say("  attempts      %s; %d in flight\n", strings.Join(parts, ", "), s.InFlight)
	parts = nil
	for _, d := range slices.Sorted(maps.Keys(s.Dispositions)) {
		parts = append(parts, fmt.Sprintf("%d %s", s.Dispositions[d], d))
	}
	a.say("  dispositions  %s\n", dash(strings.Join(parts, ", ")))
	if s.Limit != nil {
		a.say("  limit         %d of %d requests per %gs used, %d times throttled\n", s.Limit.Used, s.Limit.Requests, s.Limit.PerS, s.Limit.Throttled)
	}
	for _, b := range []struct {
		name string
		s    spending
	}{{"calls today", s.Budget.Calls}, {"minutes", s.Budget.Minutes}, {"cost", s.Budget.Cost}} {
		if b.s.Limit != nil {
			a.say("  %-13s %.4g of %.4g spent, %.4g reserved, %.4g left\n", b.name, *b.s.Spent, *b.s.Limit, *b.s.Reserved, *b.s.Left)
		}
	}
	hash := "nothing archived yet"
	if s.Audit.Hash != nil {
		hash = fmt.Sprintf("entry %d at %s, hash %s", s.Audit.Sequence, stamp(*s.Audit.At), *s.Audit.Hash)
	}
	a.say("  record        %s; %d of at most %d waiting\n", hash, s.Audit.Backlog, s.Audit.Limit)
	for i, e := range s.Next {
		if i == 3 {
			break
		}
		at := time.Time(e.At)
		a.say("  next %-8s %s (%s)\n", e.Action, at.In(r.Schedule.Location()).Format("Mon 2006-01-02 15:04 MST"), e.At)
	}
}
