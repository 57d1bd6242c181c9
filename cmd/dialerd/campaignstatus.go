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
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/web"
)

// statusJSON is what `campaign status` prints.
type statusJSON struct {
	Campaign     string           `json:"campaign"`
	Team         string           `json:"team"`
	State        string           `json:"state"`
	Hold         *campaign.Hold   `json:"hold"`
	LimitedBy    *campaign.Reason `json:"limited_by"`
	Leads        web.Leads        `json:"leads"`
	Attempts     web.Attempts     `json:"attempts"`
	Dispositions map[string]int   `json:"dispositions"`
	Limit        *limitJSON       `json:"limit"`
	InFlight     int              `json:"in_flight"`
	Budget       web.Budget       `json:"budget"`
	Plan         *web.Plan        `json:"plan"` // of the campaign's team, this month
	Next         []campaign.Event `json:"next"`
	Audit        web.Audit        `json:"audit"` // the record of decisions of the campaign's team
	Problem      string           `json:"problem,omitempty"`
	TeamPaused   string           `json:"team_paused,omitempty"` // why no campaign of the team is called
	NobodyDials  bool             `json:"-"`                     // it is running, and no daemon that calls for its team was heard of in the last minute
}

// limitJSON is the request limit of the campaign's team.
type limitJSON struct {
	Requests  int     `json:"requests"`
	PerS      float64 `json:"per_s"`
	Used      int     `json:"used"`
	Throttled int64   `json:"throttled"`
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

// status reads where a campaign stands: what the page shows.
func (a *app) status(ctx context.Context, r *store.Record, now time.Time) (*statusJSON, error) {
	settings, err := a.load()
	if err != nil {
		return nil, err
	}
	source := &web.Source{Store: a.store, Now: func() time.Time { return now }, Clock: a.clockOffset}
	if known, ok := settings.Team(r.Team); ok {
		var limiter *store.Limiter
		if known.APIToken.Reveal() != "" {
			if _, limiter, err = a.api(known, nil); err != nil {
				return nil, err
			}
		}
		source.Teams = []web.Team{shown(known, limiter)}
	}
	c, err := source.Campaign(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	team, err := a.store.Team(ctx, r.Team)
	if err != nil {
		return nil, err
	}
	record, err := a.store.Audit(ctx, r.Team)
	if err != nil {
		return nil, err
	}
	s := &statusJSON{
		Campaign: c.Campaign, Team: c.Team, State: string(c.State), Hold: c.Hold, LimitedBy: c.LimitedBy, Leads: c.Leads, Attempts: c.Attempts,
		Dispositions: map[string]int{}, InFlight: c.InFlight, Budget: c.Budget, Plan: c.Plan, Next: c.Next, Audit: web.NewAudit(record), Problem: r.Problem,
		TeamPaused: team.Paused,
	}
	daemons, err := a.store.Daemons(ctx, now)
	if err != nil {
		return nil, err
	}
	_, served := store.ClocksOff(daemons, r.Team)
	s.NobodyDials = c.State == campaign.Running && !served
	for d, n := range c.Dispositions {
		if n > 0 {
			s.Dispositions[string(d)] = n
		}
	}
	if l := c.Limit; l != nil {
		s.Limit = &limitJSON{Requests: l.Requests, PerS: l.PerS, Used: l.Used, Throttled: l.Throttled}
	}
	return s, nil
}

func (a *app) printStatus(r *store.Record, s *statusJSON) {
	a.say("campaign %s of team %s: %s", s.Campaign, s.Team, s.State)
	if s.LimitedBy != nil {
		a.say(", limited by %s", *s.LimitedBy)
	}
	a.say("\n")
	if s.Problem != "" {
		a.say("it cannot call: %s\n", s.Problem)
	}
	if s.TeamPaused != "" {
		a.say("%s\n", pausedText(s.TeamPaused, []*store.Record{r}))
	}
	if s.NobodyDials {
		a.say("nobody dials: no daemon that calls for team %s was heard of in the last minute; start one: dialerd serve\n", s.Team)
	}
	l, t := &s.Leads, &s.Attempts
	a.say("  leads         %d: %d new, %d staged, %d waiting, %d calling, %d closed, %d held\n", l.Total, l.New, l.Staged, l.Waiting, l.Calling,
		l.Closed, l.Held)
	if l.Held > 0 {
		a.say("                who is held and why: dialerd lead list --campaign %s --state held\n", s.Campaign)
	}
	a.say("  attempts      %d sending, %d accepted, %d refused, %d unknown, %d settled; %d in flight\n", t.Sending, t.Accepted, t.Refused, t.Unknown,
		t.Settled, s.InFlight)
	var parts []string
	for _, d := range slices.Sorted(maps.Keys(s.Dispositions)) {
		parts = append(parts, fmt.Sprintf("%d %s", s.Dispositions[d], d))
	}
	a.say("  dispositions  %s\n", dash(strings.Join(parts, ", ")))
	if s.Limit != nil {
		a.say("  limit         %d of %d requests per %gs used, %d times throttled\n", s.Limit.Used, s.Limit.Requests, s.Limit.PerS, s.Limit.Throttled)
	}
	for _, b := range []struct {
		name string
		is   web.Amount
	}{{"calls today", s.Budget.Calls}, {"minutes", s.Budget.Minutes}, {"cost", s.Budget.Cost}} {
		if b.is.Limit != nil {
			a.say("  %-13s %.4g of %.4g spent, %.4g reserved, %.4g left\n", b.name, *b.is.Spent, *b.is.Limit, *b.is.Reserved, *b.is.Left)
		}
	}
	if s.Plan != nil {
		a.say("  team's plan   %s\n", s.Plan)
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
		a.say("  next %-8s %s (%s)\n", e.Action, e.At.In(r.Schedule.Location()).Format("Mon 2006-01-02 15:04 MST"), stamp(e.At))
	}
}
