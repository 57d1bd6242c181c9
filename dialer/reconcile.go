package dialer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	pageSize = 50 // the most that the API gives
	// maxPages bounds one round's pages of one agent. The order of the API's lists is not documented, so every page may be needed.
	maxPages = 20
	// maxLook bounds the attempts of one round.
	maxLook = 200
	// searchAfter is how many rounds of pages may pass an attempt by before it is searched for by itself.
	giveUp = 24 * time.Hour
)

// Reconcile looks up the calls of a team that should have had an outcome by now: webhooks get lost.
func (d *Dialer) Reconcile(ctx context.Context, t queue.Reconcile) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return nil
	}
	now := d.Now()
	due, err := d.Store.Unsettled(ctx, team.Name, now, maxLook)
	if err != nil {
		return fmt.Errorf("read the unsettled calls of team %s: %w", team.Name, err)
	}
	byAgent := make(map[string]map[string]campaign.Attempt)
	for _, a := range due {
		if byAgent[a.Agent] == nil {
			byAgent[a.Agent] = make(map[string]campaign.Attempt)
		}
		byAgent[a.Agent][a.ID] = a
	}
	for _, agent := range sortedKeys(byAgent) {
		if err := d.reconcileAgent(ctx, team, agent, byAgent[agent]); err != nil {
			return err
		}
	}
	return nil
}

// reconcileAgent looks for an agent's open attempts page by page, then for each that no page had by itself.
func (d *Dialer) reconcileAgent(ctx context.Context, team *Team, agent string, open map[string]campaign.Attempt) error {
	pages := min(maxPages, len(open)) // from there on a search for each is cheaper
	for page := range pages {
		found, err := team.API.SearchCalls(ctx, thoughtly.SearchCallsRequest{AgentID: agent, Page: thoughtly.Page{Page: page, Limit: pageSize}})
		if err != nil {
			return fmt.Errorf("look up the calls of agent %s: %w", agent, err)
		}
		if err := d.applyAll(ctx, team, found.Items, open); err != nil {
			return err
		}
		if len(open) == 0 || !found.More {
			break
		}
	}
	for _, id := range sortedKeys(open) {
		a := open[id]
		found, err := team.API.SearchCalls(ctx, thoughtly.SearchCallsRequest{AgentID: agent, Search: string(a.Phone), Page: thoughtly.Page{Limit: pageSize}})
		if err != nil {
			return fmt.Errorf("search for a call of agent %s: %w", agent, err)
		}
		if err := d.applyAll(ctx, team, found.Items, open); err != nil {
			return err
		}
		if _, still := open[id]; still {
			if err := d.unfound(ctx, team, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// applyAll brings records to their attempts and takes what was found out of open.
func (d *Dialer) applyAll(ctx context.Context, team *Team, responses []thoughtly.Response, open map[string]campaign.Attempt) error {
	for i := range responses {
		id := belongs(&responses[i], open)
		if id == "" {
			continue
		}
		if responses[i].Metadata == nil {
			responses[i].Metadata = make(map[string]string, 1)
		}
		responses[i].Metadata[MetaAttempt] = id
		what, err := d.apply(ctx, team, &responses[i], false)
		if err != nil {
			return err
		}
		if what == "in_progress" {
			if err := d.Store.Touch(ctx, id, d.next(team, open[id])); err != nil {
				return fmt.Errorf("note the look-up of attempt %s: %w", id, err)
			}
		}
		delete(open, id)
	}
	return nil
}

// callSlack is how far the API's clock and ours may be apart when a call without metadata is told by its time.
const callSlack = 2 * time.Minute

// belongs finds the open attempt that a record is about: by our own metadata, by the call's id, or, where the API echoes
// neither, by phone and time. Of two records that could be the same attempt the metadata decide.
func belongs(r *thoughtly.Response, open map[string]campaign.Attempt) string {
	if id := r.Metadata[MetaAttempt]; id != "" {
		if _, ok := open[id]; ok {
			return id
		}
		return "" // somebody else's
	}
	for id, a := range open {
		if r.ID != "" && a.CallID == r.ID {
			return id
		}
	}
	for id, a := range open {
		if a.CallID == "" && samePhone(r.Phone, a.Phone) && !r.StartedAt.IsZero() &&
			!r.StartedAt.Before(a.At.Add(-callSlack)) && r.StartedAt.Before(a.At.Add(callSlack+time.Hour)) {
			return id
		}
	}
	return ""
}

// unfound deals with an attempt that the API's records do not show. One that may never have been placed is taken for
// unknown once its time is over; one that was accepted stays listed as unresolved, and is given up after a day.
func (d *Dialer) unfound(ctx context.Context, team *Team, a campaign.Attempt) error {
	now := d.Now()
	age := now.Sub(a.At)
	if (a.State != campaign.Accepted && age >= team.Unresolved) || age >= giveUp {
		record, err := d.Store.Campaign(ctx, a.Campaign)
		if err != nil {
			return fmt.Errorf("read campaign %s: %w", a.Campaign, err)
		}
		attempt, lead, err := d.Store.FindAttempt(ctx, team.Name, store.Clue{AttemptID: a.ID})
		if err != nil {
			return fmt.Errorf("read attempt %s: %w", a.ID, err)
		}
		d.Log.Warn("call was never found; it counts as an attempt", "team", team.Name, "campaign", a.Campaign, "attempt", a.ID)
		return d.settle(ctx, team, &record.Campaign, attempt, lead, &thoughtly.Response{ID: a.CallID},
			campaign.Ended{Disposition: campaign.Unknown, At: now})
	}
	if err := d.Store.Touch(ctx, a.ID, d.next(team, a)); err != nil {
		return fmt.Errorf("note the look-up of attempt %s: %w", a.ID, err)
	}
	return nil
}

// next is when an attempt is looked up again: ever more rarely, the older it is.
func (d *Dialer) next(team *Team, a campaign.Attempt) time.Time {
	now := d.Now()
	return now.Add(max(min(now.Sub(a.At)/2, 30*time.Minute), team.LookAfter/2, time.Second))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
