// Package dialer takes a lead from due to closed: stage, feed, dial, settle, reconcile.
//
// A dial task is a ticket that says "this team has work". Its handler waits for a request slot, takes the best lead that is due,
// decides with the time that it is then, writes the attempt down, and sends. Nothing slow stands between the decision and
// the request, so pauses, opt-outs and windows hold to the last instant.
package dialer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// Team is one API key's work.
type Team struct {
	Name        string
	API         *thoughtly.Client
	Access      string        // names the API and the credentials without telling them
	Requests    int           // the limit: so many requests …
	Per         time.Duration // … in any stretch of this
	Timeout     time.Duration // of one request
	LookAfter   time.Duration // look an accepted call up when it has no outcome after this
	Unresolved  time.Duration // list it as unresolved after this
	MaxInFlight int           // 0 = no limit
	PerMinute   float64       // price of a minute; 0 = not known
	Budget      campaign.TeamBudget
}

// spacing is the time between two slots of the limit.
func (t *Team) spacing() time.Duration { return t.Per / time.Duration(max(t.Requests, 1)) }

// lookAt is when an attempt is looked up if nothing was heard of it.
func (t *Team) lookAt(now time.Time) time.Time { return now.Add(t.LookAfter) }

// Dialer does the work of all teams in a daemon's settings. Fill it, then use it from any number of goroutines.
type Dialer struct {
	Store     *store.Store
	Queue     *queue.Client
	Teams     map[string]*Team
	Now       func() time.Time // with its monotonic reading
	Log       *slog.Logger
	FeedEvery time.Duration // between two rounds of Feed; 0 = 500 ms
	// Import reads a campaign's lists. It is given, because reading lists is another package's work.
	Import func(ctx context.Context, campaign string) error
	// Imports is how many scheduled imports may go on at a time; 0 = 2.
	Imports int
	// Heard reports whether an agent's webhooks are subscribed; nil = somebody else sees to that. A campaign with an agent that is
	// not heard waits for it, hearWait at most.
	Heard func(team, agent string) bool
	// ID names this daemon in the fleet.
	ID string
	// Forbidden says what is wrong between this daemon's settings and a campaign of its record: such a campaign it does not call; "" =
	// nothing. It is given, because settings are another package's work; nil = the settings of a campaign are not this daemon's to check.
	Forbidden func(*campaign.Campaign) string
	// Observe is told what happened, for metrics; nil means nobody listens.
	Observe func(Event)

	mu      sync.Mutex
	cache   map[string]*teamView     // what is known of a team's campaigns, refreshed every viewAge
	strides map[string]*stride       // whose turn it is, by kind of work and team
	rounds  map[string]int64         // the last round of regular work, and the last slot that was offered
	places  map[string]chan struct{} // who may be in some part of the code at once
	paced   map[string]time.Time     // when the next call of a paced campaign is free, as far as known
	adopts  map[string]time.Time     // until when no page of a team's contacts is worth its request
	pages   map[string]int           // where the walk through an agent's calls goes on
	waking  []queue.Settle           // wake-ups of events that wait for company
}

// Event is something that was done, for metrics.
type Event struct {
	What     string // "call", "refusal", "stage", "settle", "event"
	Team     string
	Campaign string
	Reason   campaign.Reason
	State    campaign.AttemptState
	Outcome  campaign.Disposition
	Result   string // of an event: settled, in_progress, unmatched, unreadable
}

func (d *Dialer) observe(e Event) {
	if d.Observe != nil {
		d.Observe(e)
	}
}

// Handlers are what the queue's server runs.
func (d *Dialer) Handlers() queue.Handlers {
	return queue.Handlers{
		Dial: d.Dial, Stage: d.Stage, Settle: d.Settle, Reconcile: d.Reconcile, Follow: d.Follow, Sweep: d.Sweep,
		Import: d.importLists,
	}
}

// foreign puts a task of a team that is not in this daemon's settings back for a daemon that has it.
func foreign() error { return queue.Elsewhere() }

// usualLookAfter is Team.LookAfter unless the settings say otherwise.
const usualLookAfter = 5 * time.Minute

// anyTeam is a team for work that needs no credentials, which is done for all: an opt-out must not wait for a daemon that has them.
func (d *Dialer) anyTeam(name string) *Team {
	if team, ok := d.Teams[name]; ok {
		return team
	}
	return &Team{Name: name, LookAfter: usualLookAfter}
}

// everyTeam does something for one team after the other, every so often, until ctx ends. The first time is after the first wait.
func (d *Dialer) everyTeam(ctx context.Context, often time.Duration, do func(name string)) {
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, name := range sortedKeys(d.Teams) {
			do(name)
		}
	}
}

// door is a semaphore by name. It is a channel, since one who waits at a mutex would hold virtual time in tests.
func (d *Dialer) door(name string, wide int) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.places == nil {
		d.places = make(map[string]chan struct{})
	}
	if d.places[name] == nil {
		d.places[name] = make(chan struct{}, wide)
	}
	return d.places[name]
}

// sleep waits for d, or less if ctx ends; then it returns false.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
