package dialer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	pageSize = 50 // the most that the API gives
	// maxPages bounds one round's pages of one agent, and maxSearches the calls that it looks for singly: while calls are placed, one
	// slot in ten is for looking up, and a round has to end within its task's time.
	maxPages    = 20
	maxSearches = 20
	// maxLook bounds the attempts of one round.
	maxLook = 200
	// giveUp is when an attempt whose outcome nobody can tell is settled as unknown.
	giveUp = 24 * time.Hour
	// longestCall is how long a call may go on when its agent's max_call does not say, and lapseMargin what is added to either: the
	// API keeps a call in its own queue for a while before it begins.
	longestCall = time.Hour
	lapseMargin = 5 * time.Minute
	// roundTime bounds one round.
	roundTime = 90 * time.Second
)

// Reconcile looks up the calls of a team that should have had an outcome by now: webhooks get lost.
func (d *Dialer) Reconcile(ctx context.Context, t queue.Reconcile) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return foreign()
	}
	return d.alone(ctx, "reconcile:"+team.Name, strconv.FormatInt(t.Round, 10), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, roundTime)
		defer cancel()
		return d.reconcile(ctx, team)
	})
}

func (d *Dialer) reconcile(ctx context.Context, team *Team) error {
	now, err := d.Store.Now(ctx)
	if err != nil {
		return fmt.Errorf("look up the calls of team %s: %w", team.Name, err)
	}
	due, err := d.Store.Unsettled(ctx, team.Name, now, maxLook)
	if err != nil {
		return fmt.Errorf("read the unsettled calls of team %s: %w", team.Name, err)
	}
	if due, err = d.readable(ctx, team, due, now); err != nil {
		return err
	}
	byAgent := make(map[string]map[string]campaign.Attempt)
	for _, a := range due {
		if byAgent[a.Agent] == nil {
			byAgent[a.Agent] = make(map[string]campaign.Attempt)
		}
		byAgent[a.Agent][a.ID] = a
	}
	var errs []error
	for _, agent := range sortedKeys(byAgent) {
		l := &lookup{Dialer: d, team: team, agent: agent, now: now, open: byAgent[agent]}
		if err := l.agentCalls(ctx); err != nil {
			errs = append(errs, l.failed(context.WithoutCancel(ctx), err))
		}
	}
	return errors.Join(errs...)
}

// lookup is one round for the open attempts of one agent.
type lookup struct {
	*Dialer
	team     *Team
	agent    string
	now      time.Time                   // when the round began
	open     map[string]campaign.Attempt // those that have not been found yet
	contacts map[string]string           // contact → open attempt, once it is needed
}

// agentCalls looks for the agent's open attempts page by page, then for those that no page had one by one.
func (l *lookup) agentCalls(ctx context.Context) error {
	for page := range min(maxPages, len(l.open)) { // from there on a search for each is cheaper
		found, err := l.search(ctx, thoughtly.SearchCallsRequest{Page: thoughtly.Page{Page: page}})
		if err != nil {
			return err
		}
		if err := l.take(ctx, found.Items, ""); err != nil {
			return err
		}
		// The order of the API's lists is not documented. A page from another time says that the next one is no better.
		if len(l.open) == 0 || !found.More || !l.near(found.Items) {
			break
		}
	}
	ids := sortedKeys(l.open)
	slices.SortStableFunc(ids, func(a, b string) int { return l.open[a].At.Compare(l.open[b].At) })
	walked := false
	for _, id := range ids[:min(len(ids), maxSearches)] {
		a, still := l.open[id]
		if !still {
			continue // found beside another one
		}
		found, err := l.search(ctx, thoughtly.SearchCallsRequest{Search: string(a.Phone)})
		if err != nil {
			return err
		}
		if err := l.take(ctx, found.Items, id); err != nil {
			return err
		}
		if !walked && found.More && blind(found.Items, a.Phone) {
			walked = true
			if err := l.walk(ctx); err != nil {
				return err
			}
		}
		if _, still := l.open[id]; still {
			if err := l.unfound(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk goes through all the agent's calls, some pages a round, where searching has no effect.
func (l *lookup) walk(ctx context.Context) error {
	key := l.team.Name + " " + l.agent
	l.mu.Lock()
	page := l.pages[key]
	l.mu.Unlock()
	for range maxPages {
		if len(l.open) == 0 {
			break
		}
		found, err := l.search(ctx, thoughtly.SearchCallsRequest{Page: thoughtly.Page{Page: page}})
		if err != nil {
			return err
		}
		if err := l.take(ctx, found.Items, ""); err != nil {
			return err
		}
		if page++; !found.More {
			page = 0
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pages == nil {
		l.pages = make(map[string]int)
	}
	l.pages[key] = page
	return nil
}

func (l *lookup) search(ctx context.Context, q thoughtly.SearchCallsRequest) (thoughtly.List[thoughtly.Response], error) {
	q.AgentID, q.Limit = l.agent, pageSize
	found, err := l.team.API.SearchCalls(ctx, q)
	if err != nil {
		return found, fmt.Errorf("look up the calls of agent %s: %w", l.agent, err)
	}
	return found, nil
}

// take brings records to their attempts and takes what was found out of open. sought is the attempt that was searched for, if any.
func (l *lookup) take(ctx context.Context, records []thoughtly.Response, sought string) error {
	for i := range records {
		r := &records[i]
		id, err := l.owner(ctx, r, sought)
		if err != nil {
			return err
		}
		if id == "" {
			continue // opt-outs in others' calls are heeded once, when their webhook comes
		}
		if r.Metadata == nil {
			r.Metadata = make(map[string]string, 1)
		}
		r.Metadata[MetaAttempt] = id
		what, err := l.apply(ctx, l.team, news{Response: r})
		if errors.Is(err, store.ErrDamaged) {
			l.Log.Error("outcome of a call cannot be written down; run dialerd fsck --repair", "team", l.team.Name, "attempt", id, "err", err)
			what, err = "", l.skip(ctx, l.open[id])
		}
		if err != nil {
			return err
		}
		if what == resultInProgress {
			if err := l.again(ctx, l.open[id]); err != nil {
				return err
			}
		}
		delete(l.open, id)
	}
	return nil
}

// unfound deals with an attempt that the API's records do not show. One that may never have been placed is taken for
// unknown once its time is over; one that was accepted stays listed as unresolved, and is given up after a day.
func (l *lookup) unfound(ctx context.Context, a campaign.Attempt) error {
	age := l.now.Sub(a.At)
	if a.State != campaign.Accepted && age >= l.team.Unresolved {
		return l.abandon(ctx, a)
	}
	return l.again(ctx, a)
}

// again says when an attempt is looked up next: ever more rarely, the older it is. One that is a day old is given up, even if the
// API says that its call still goes on.
func (l *lookup) again(ctx context.Context, a campaign.Attempt) error {
	age := l.now.Sub(a.At)
	if age >= giveUp {
		return l.abandon(ctx, a)
	}
	if err := l.lapse(ctx, a, age); err != nil {
		return err
	}
	next := l.now.Add(max(min(age/2, 30*time.Minute), l.team.LookAfter/2, time.Second))
	return l.touch(ctx, a.ID, next)
}

// touch says when an attempt is looked up next, if it is still under way.
func (l *lookup) touch(ctx context.Context, id string, next time.Time) error {
	if err := l.Store.Touch(ctx, id, next); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("note the look-up of attempt %s: %w", id, err)
	}
	return nil
}

// lapse frees the place in flight of an attempt whose call cannot be going on any more, so that calls which are never found do not stop
// a campaign with few places.
func (l *lookup) lapse(ctx context.Context, a campaign.Attempt, age time.Duration) error {
	if age < lapseMargin {
		return nil
	}
	longest := longestCall
	c, err := l.Store.Definition(ctx, a.Campaign)
	switch {
	case err == nil:
		for _, agent := range c.Agents {
			if agent.ID == a.Agent && agent.MaxCall > 0 {
				longest = agent.MaxCall
			}
		}
	case !l.damaged(l.team.Name, a.Campaign):
		return fmt.Errorf("read campaign %s: %w", a.Campaign, err)
	}
	if age < longest+lapseMargin {
		return nil
	}
	if _, err := l.Store.Lapse(ctx, a.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("free the place of attempt %s: %w", a.ID, err)
	}
	return nil
}

// abandon settles an attempt as unknown; it counts as one.
func (l *lookup) abandon(ctx context.Context, a campaign.Attempt) error {
	c, err := l.Store.Definition(ctx, a.Campaign)
	if err != nil {
		return fmt.Errorf("read campaign %s: %w", a.Campaign, err)
	}
	attempt, lead, err := l.Store.FindAttempt(ctx, l.team.Name, store.Clue{AttemptID: a.ID})
	if err != nil {
		return fmt.Errorf("read attempt %s: %w", a.ID, err)
	}
	l.Log.Warn("outcome of a call was never found; it counts as an attempt", "team", l.team.Name, "campaign", a.Campaign, "attempt", a.ID)
	_, err = l.settle(ctx, l.team, c, attempt, lead, news{Response: &thoughtly.Response{ID: a.CallID}},
		campaign.Ended{Disposition: campaign.Unknown, At: l.now})
	return err
}

// failed says what follows when an agent's calls could not be looked up. Where the API says no, the agent's attempts wait like those
// that were not found, lest every round begins with the same request for ever; all else is tried again soon. An API that answers one request
// in fifty with an error would else put all of them off again and again.
func (l *lookup) failed(ctx context.Context, cause error) error {
	failure, told := errors.AsType[*thoughtly.Error](cause)
	if !told {
		return cause
	}
	l.Log.Warn("calls could not be looked up", "team", l.team.Name, "agent", l.agent, "err", cause)
	switch failure.Kind {
	case thoughtly.KindNotSent, thoughtly.KindThrottled:
		return nil // the next round
	case thoughtly.KindUnauthorized:
		state, err := l.Store.Team(ctx, l.team.Name)
		if err != nil {
			return fmt.Errorf("read the state of team %s: %w", l.team.Name, err)
		}
		if state.Paused == "" {
			if err := l.Pause(ctx, l.team, failure); err != nil {
				return err
			}
		}
	case thoughtly.KindAmbiguous:
		for _, id := range sortedKeys(l.open) {
			age := l.now.Sub(l.open[id].At)
			if age < giveUp {
				if err := l.lapse(ctx, l.open[id], age); err != nil {
					return err
				}
				delete(l.open, id)
			}
		}
	case thoughtly.KindRejected, thoughtly.KindNotFound:
	}
	for _, id := range sortedKeys(l.open) {
		if err := l.again(ctx, l.open[id]); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
