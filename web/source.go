package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

const (
	fresh     = time.Second      // a status is not read again before this
	openFresh = 10 * time.Second // nor are the attempts without an outcome, which cost a look at each
	readTime  = 2 * time.Second  // longest time that reading may take
)

// Team is a team of the settings.
type Team struct {
	Name        string
	Limiter     *store.Limiter // nil = its use is not known
	Unresolved  time.Duration  // an attempt without an outcome is unresolved after this; 0 = one hour
	Plan        campaign.Tariff
	MaxInFlight int // 0 = no limit
	Budget      campaign.TeamBudget
}

// Depth is how many tasks of a queue are in each state.
type Depth struct{ Pending, Active, Retry, Archived int64 }

// Hooks counts what came to the listener for events since the process started.
type Hooks struct {
	Received, Bytes, Kept, Spooled, Drained, Unreadable, Refused, Overloaded, Unarchived int64
}

// Source is where the view is read from. Fill it, then use it from any number of goroutines: they share what was read within the
// last second. Only Store and Now are needed.
type Source struct {
	Store *store.Store
	Now   func() time.Time
	Teams []Team
	// ID is that of the daemon that shows it.
	ID string
	// Queues counts tasks by queue.
	Queues func(context.Context) (map[string]Depth, error)
	// Hooks counts events.
	Hooks func() Hooks
	// Clock is how far this machine's clock is ahead of Redis'.
	Clock func(context.Context) (time.Duration, error)

	mu     sync.Mutex
	at     time.Time
	last   *reading
	lastOK *reading
	err    error
	opens  map[string]openAttempts
	plans  map[string]*placed
	book   *campaign.Rulebook // the rules as they were read last; nil before that
}

// reading is all that was read at one time.
type reading struct {
	Status
	queues  map[string]Depth
	hooks   *Hooks
	damaged []store.Damage
}

// openAttempts are a team's attempts without an outcome.
type openAttempts struct {
	at     time.Time
	known  bool
	oldest time.Time // zero = there is none
	late   int
}

// Status reads what the fleet does; it is at most a second old. The caller may not change it.
func (s *Source) Status(ctx context.Context) (*Status, error) {
	r, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return &r.Status, nil
}

// read is Status with what only metrics want.
func (s *Source) read(ctx context.Context) (*reading, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if age := now.Sub(s.at); !s.at.IsZero() && age >= 0 && age < fresh {
		return s.last, s.err
	}
	// What is read is for everybody: that the first who asked goes away does not end it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	s.last, s.err = s.readAll(ctx, now)
	s.at = s.Now()
	if s.err == nil {
		s.lastOK = s.last
	}
	return s.last, s.err
}

// known is the last status that could be read, nil if there was none.
func (s *Source) known() *Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastOK == nil {
		return nil
	}
	return &s.lastOK.Status
}

// rules names the rules that are in force, as far as known.
func (s *Source) rules() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.book == nil {
		return campaign.BuiltIn().Name()
	}
	return s.book.Name()
}

func (s *Source) readAll(ctx context.Context, now time.Time) (*reading, error) {
	r := &reading{Status: Status{At: now.UTC().Truncate(time.Millisecond), Teams: []TeamStatus{}, Campaigns: []*CampaignStatus{}, Daemons: []DaemonStatus{}}}
	records, err := s.Store.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	if s.book, err = s.Store.Rulebook(ctx); err != nil {
		return nil, err
	}
	if r.Teams, err = s.readTeams(ctx, now, records); err != nil {
		return nil, err
	}
	if err := s.readDaemons(ctx, &r.Status, now); err != nil {
		return nil, err
	}
	for _, rec := range records {
		c, err := s.campaign(ctx, &r.Status, rec, now)
		if err != nil {
			return nil, err
		}
		r.Campaigns = append(r.Campaigns, c)
	}
	slices.SortStableFunc(r.Campaigns, func(a, b *CampaignStatus) int { return rank(a) - rank(b) })
	if r.Replicas, err = s.replicas(ctx, r.Teams, r.daemons, now); err != nil {
		return nil, err
	}
	if s.Queues != nil {
		if r.queues, err = s.Queues(ctx); err != nil {
			return nil, fmt.Errorf("count tasks: %w", err)
		}
	}
	if s.Hooks != nil {
		h := s.Hooks()
		r.hooks = &h
	}
	r.damaged = s.Store.Damaged("")
	r.Attention = s.attention(r)
	return r, nil
}

// readDaemons reads who is in the fleet, and compares this machine's clock. When it cannot, nothing is known of it; the rest is worth
// showing all the same.
func (s *Source) readDaemons(ctx context.Context, st *Status, now time.Time) error {
	var err error
	if st.daemons, err = s.Store.Daemons(ctx, now); err != nil {
		return err
	}
	for _, d := range st.daemons {
		st.Daemons = append(st.Daemons, DaemonStatus{
			ID: d.ID, Host: d.Host, Version: d.Version, Roles: list(d.Roles), Teams: list(d.Teams), Started: d.Started.UTC(), Seen: d.Seen.UTC(),
			ClockOffset: d.Clock,
		})
	}
	if s.Clock == nil {
		return nil
	}
	if ahead, err := s.Clock(ctx); err == nil {
		st.ClockOffset = new(ahead.Seconds())
	}
	return nil
}

// rank puts campaigns in the order in which an operator looks for them.
func rank(c *CampaignStatus) int {
	order := []campaign.State{campaign.Running, campaign.Paused, campaign.Idle, campaign.Stopped, campaign.Done}
	if i := slices.Index(order, c.State); i >= 0 {
		return i
	}
	return len(order)
}

// readTeams reads the teams of the settings in their order, and after them the others that have campaigns.
func (s *Source) readTeams(ctx context.Context, now time.Time, records []*store.Record) ([]TeamStatus, error) {
	teams := slices.Clone(s.Teams)
	for _, rec := range records {
		if !slices.ContainsFunc(teams, func(t Team) bool { return t.Name == rec.Team }) {
			teams = append(teams, Team{Name: rec.Team})
		}
	}
	slices.SortStableFunc(teams[len(s.Teams):], func(a, b Team) int { return strings.Compare(a.Name, b.Name) })
	all := make([]TeamStatus, 0, len(teams))
	for _, t := range teams {
		one, err := s.readTeam(ctx, t, now)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// readTeam reads a team with its attempts without an outcome.
func (s *Source) readTeam(ctx context.Context, t Team, now time.Time) (TeamStatus, error) {
	one, err := s.readBounds(ctx, t, now)
	if err != nil {
		return TeamStatus{}, err
	}
	if open := s.openAttempts(ctx, t, now); open.known {
		one.Unresolved = new(open.late)
		if !open.oldest.IsZero() {
			one.Oldest = new(max(0, now.Sub(open.oldest)).Round(time.Millisecond).Seconds())
		}
	}
	return one, nil
}

// readBounds reads what bounds the calls of a team.
func (s *Source) readBounds(ctx context.Context, t Team, now time.Time) (TeamStatus, error) {
	state, err := s.Store.Team(ctx, t.Name)
	if err != nil {
		return TeamStatus{}, err
	}
	one := TeamStatus{Team: t.Name, InFlight: state.InFlight, Paused: absent(state.Paused)}
	if one.Limit, err = t.limit(ctx); err != nil {
		return TeamStatus{}, err
	}
	if one.Audit, err = s.audit(ctx, t.Name); err != nil {
		return TeamStatus{}, err
	}
	if one.Plan, err = s.plan(ctx, t, now); err != nil {
		return TeamStatus{}, err
	}
	return one, nil
}

// plan is what the team has talked this month; nil where its settings name no plan.
func (s *Source) plan(ctx context.Context, t Team, now time.Time) (*Plan, error) {
	if t.Plan == (campaign.Tariff{}) {
		return nil, nil //nolint:nilnil // null in the status
	}
	p := &Plan{Month: t.Budget.Month(now), Currency: absent(t.Plan.Currency)}
	talked, err := s.Store.TeamTalked(ctx, t.Name, p.Month)
	if err != nil {
		return nil, err
	}
	p.Minutes = talked.Minutes()
	if t.Plan.IncludedMinutes > 0 {
		p.Included = &t.Plan.IncludedMinutes
	}
	if t.Plan.PerMinute > 0 {
		p.Cost = new(cents(t.Plan.Cost(talked)))
	}
	return p, nil
}

// limit is how much of the team's limit is in use.
func (t *Team) limit(ctx context.Context) (*Limit, error) {
	if t.Limiter == nil {
		return nil, nil //nolint:nilnil // null in the status
	}
	u, err := t.Limiter.Usage(ctx)
	if err != nil {
		return nil, err
	}
	return &Limit{
		Requests: u.Requests, PerS: u.Per.Seconds(), Used: u.Used, Throttled: u.Throttled, Effective: u.Effective, BlockedUntil: instant(u.BlockedUntil),
	}, nil
}

// openAttempts looks at every attempt of a team without an outcome, not too often. After a long outage they may be too many to look
// at in time: then they are not known, and everything else is shown all the same.
func (s *Source) openAttempts(ctx context.Context, t Team, now time.Time) openAttempts {
	if open, ok := s.opens[t.Name]; ok && now.Sub(open.at).Abs() < openFresh {
		return open
	}
	ctx, cancel := context.WithTimeout(ctx, readTime/2)
	defer cancel()
	attempts, err := s.Store.Unresolved(ctx, t.Name, now)
	open := openAttempts{at: now, known: err == nil}
	late := t.Unresolved
	if late <= 0 {
		late = time.Hour
	}
	for _, a := range attempts {
		if open.oldest.IsZero() || a.At.Before(open.oldest) {
			open.oldest = a.At
		}
		if now.Sub(a.At) >= late {
			open.late++
		}
	}
	if s.opens == nil {
		s.opens = map[string]openAttempts{}
	}
	s.opens[t.Name] = open
	return open
}

// team is a team of the settings; one that they do not name has none.
func (s *Source) team(name string) Team {
	if i := slices.IndexFunc(s.Teams, func(t Team) bool { return t.Name == name }); i >= 0 {
		return s.Teams[i]
	}
	return Team{Name: name}
}

// absent is a text, or nil when there is none.
func absent[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}

// instant is a time in UTC, or nil when there is none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Truncate(time.Millisecond))
}

// list is a list that is written as [] when it is empty.
func list(items []string) []string {
	if items == nil {
		return []string{}
	}
	return items
}
