package dialer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	// maxCandidates is how many leads are looked at on one slot before it is given back.
	maxCandidates = 50
	// claimLease is how long a picked lead stays with the worker that picked it. Deciding takes milliseconds; a worker that takes
	// longer has died or was frozen, and the claim's token keeps it from beginning afterwards.
	claimLease = 10 * time.Second
	// slotWait is the longest that a ticket waits for a slot. The feed makes new tickets all the time.
	slotWait = 10 * time.Second
	// wireMargin lies between the deadline of a request and the moment from which it must not reach the API: what the kernel was
	// given can arrive some seconds after the connection was cut.
	wireMargin = 5 * time.Second
	// writeTime bounds what is written after the request: it must land although the task's own time is over.
	writeTime = 10 * time.Second
)

// Dial handles tickets: of each, wait for a slot, then place the best call that may be placed.
func (d *Dialer) Dial(ctx context.Context, t queue.Dial) error {
	tickets := t.Tickets()
	if len(tickets) == 1 {
		return d.dial(ctx, t.Team)
	}
	var all sync.WaitGroup
	for _, one := range tickets {
		all.Go(func() { d.dialBeside(ctx, one) })
	}
	all.Wait()
	return nil
}

// dialBeside handles one of several tickets of a task. What becomes of it is nothing to the others: one of a team that is not in this
// daemon's settings goes on by itself, and one that failed is over, as the feed makes new ones.
func (d *Dialer) dialBeside(ctx context.Context, t queue.Dial) {
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("handler panicked", "kind", "dial", "team", t.Team, "err", p, "stack", string(debug.Stack()))
		}
	}()
	var err error
	if _, ok := d.Teams[t.Team]; ok {
		err = d.dial(ctx, t.Team)
	} else {
		err = d.Queue.Enqueue(ctx, t)
	}
	if err != nil && ctx.Err() == nil {
		d.Log.Warn("ticket failed", "team", t.Team, "err", err)
	}
}

// dial handles one ticket.
func (d *Dialer) dial(ctx context.Context, name string) error {
	team, ok := d.Teams[name]
	if !ok {
		return foreign()
	}
	view, err := d.view(ctx, team.Name)
	if err != nil {
		return err
	}
	// No slot is taken for work that has gone: a second is given to the time between this look and the slot.
	if calls, _ := d.demand(team, view, d.Now(), time.Second); calls == 0 {
		return nil
	}
	permit, err := d.acquire(ctx, team, thoughtly.ClassCall)
	if err != nil || permit == nil {
		return err
	}
	defer permit.Release()
	return d.place(ctx, team, permit)
}

// acquire waits for a slot. It returns nothing when there is none to be had.
func (d *Dialer) acquire(ctx context.Context, team *Team, class thoughtly.Class) (*thoughtly.Permit, error) {
	wait, cancel := context.WithTimeout(ctx, slotWait)
	defer cancel()
	permit, err := team.API.Acquire(wait, class)
	if err != nil {
		if wait.Err() != nil || noSlot(err) {
			return nil, nil // the feed makes new tickets
		}
		return nil, fmt.Errorf("take a %s slot of team %s: %w", class, team.Name, err)
	}
	return permit, nil
}

// late reports whether nothing new is to be looked for on a permit: the request needs the time that is left of it.
func (t *Team) late(permit *thoughtly.Permit, now time.Time) bool {
	return now.Sub(permit.At()) > t.Timeout/4
}

// noSlot reports whether a request was not sent because the limit has no slot for it in time.
func noSlot(err error) bool {
	_, full := errors.AsType[*store.LimitError](err)
	return full
}

// place tries leads on one permit until a call was sent or nobody is left to try.
func (d *Dialer) place(ctx context.Context, team *Team, permit *thoughtly.Permit) error {
	view, err := d.view(ctx, team.Name)
	if err != nil {
		return err
	}
	skip := make(map[string]bool) // campaigns that cannot call now
	for range maxCandidates {
		now := permit.Now()
		if team.late(permit, now) {
			return nil
		}
		c, claim, err := d.pick(ctx, team, view, now, skip)
		if err != nil || claim == nil {
			return err
		}
		done, err := d.try(ctx, team, c, claim, permit, skip)
		if done || err != nil {
			return err
		}
	}
	return nil
}

// pick takes the best due lead of the campaign whose turn it is. It returns nothing when no campaign has one.
//
// Where a campaign has only leads without a contact it is given one of them: it has its turn with that. Else one that begins while
// another has the whole limit would wait for the few slots that contacts are sure of.
func (d *Dialer) pick(ctx context.Context, team *Team, v *teamView, now time.Time, skip map[string]bool) (*campaignView, *store.Claim, error) {
	for _, c := range d.turn(team, v, now) {
		if skip[c.name()] {
			continue
		}
		open := c.open(now)
		claim, err := d.pickFrom(ctx, team, c, now)
		if err != nil {
			return nil, nil, err
		}
		if claim == nil && c.untriedIn(open) > 0 {
			claims, err := d.Store.Stageable(ctx, store.StageRequest{Campaign: c.name(), Lanes: open, N: 1, Now: now, Lease: stageLease, Untried: true})
			if err != nil {
				return nil, nil, fmt.Errorf("pick a lead of campaign %s to stage: %w", c.name(), err)
			}
			if len(claims) > 0 {
				claim = claims[0]
			}
		}
		if claim != nil {
			return c, claim, nil
		}
		skip[c.name()] = true
	}
	return nil, nil, nil
}

// pickFrom takes the best due lead of a campaign; nothing when it has none. A look into a lane costs as much whether anybody is in it or not, and
// after a while most are empty: those that had somebody at the last look go before those that may have by now.
func (d *Dialer) pickFrom(ctx context.Context, team *Team, c *campaignView, now time.Time) (*store.Claim, error) {
	lanes, others := c.likely(now)
	if len(lanes) == 0 {
		lanes, others = others, nil
	}
	q := store.PickRequest{Team: team.Name, Campaign: c.name(), Lanes: lanes, Now: now, Lease: claimLease}
	claim, err := d.Store.Pick(ctx, q)
	if claim == nil && err == nil && len(others) > 0 {
		q.Lanes = others
		claim, err = d.Store.Pick(ctx, q)
	}
	if err != nil {
		return nil, fmt.Errorf("pick a lead of campaign %s: %w", c.name(), err)
	}
	return claim, nil
}

// try decides about one lead with the time that it is now, and sends if the answer is yes. A lead that is refused is put
// where the refusal says, and the permit stays for the next one. done says that the permit is used.
func (d *Dialer) try(ctx context.Context, team *Team, c *campaignView, claim *store.Claim, permit *thoughtly.Permit, skip map[string]bool) (done bool, err error) {
	back := func() (bool, error) { // untold: nothing was decided that binds
		d.forget(team.Name)
		skip[c.name()], claim.Decision = true, nil
		return false, d.returned(d.Store.Return(ctx, claim), claim)
	}
	if lane := claim.Lead.Lane; c.places[lane] == nil && lane != "" && !c.broken[lane] {
		return back() // the lane is newer than the view
	}
	if suspected(claim.Lead) {
		err := d.clear(ctx, team, c, claim, permit)
		return permit.Spent(), err
	}
	var (
		now      time.Time
		subject  campaign.Subject
		decision campaign.Decision
		refusal  *store.Refusal
	)
	no := func(v verdict) (bool, error) {
		claim.Decision = newDecided(c, subject, decision, now).refuse(v)
		return false, d.refuse(ctx, c, claim, v, skip)
	}
	for range 3 { // a decision can be out of date when it is to be bound; then it is made again
		now = permit.Now()
		if subject, err = d.subject(ctx, team, c, claim.Lead, now); err != nil {
			return false, d.unreadable(ctx, c, claim, err)
		}
		if f := subject.Facts; f.Version != c.record.Version || f.Rules != c.plan.Book().Number() {
			// The campaign, or the operator's rules, were applied anew since the view was read: another plan has to decide.
			return back()
		}
		decision = d.decide(subject, team, now)
		if decision.Verdict != campaign.Call {
			if subject.Facts.RecordFull && decision.Reason == campaign.ReasonHold {
				return back() // to tell of it would make the full record fuller
			}
			return no(judge(decision, now))
		}
		if claim.Lead.State == campaign.LeadNew && claim.Lead.Contact != "" { // another lead has brought it
			return false, d.staged(ctx, c, claim, claim.Lead.Contact)
		}
		if claim.Lead.Contact == "" { // not staged yet: this slot is for its contact, another ticket calls it
			_, err := d.stage(ctx, team, permit.Client(), c, claim)
			if permit.Spent() {
				d.called(team.Name, c)
			}
			return permit.Spent(), err
		}
		free, undo, err := d.take(ctx, team, c, claim, now)
		if err != nil {
			return false, err
		}
		if !free {
			return no(verdict{reason: campaign.ReasonLimit, scope: ofCampaign})
		}
		agent := c.plan.AgentFor(claim.Lead)
		deadline := permit.At().Add(team.Timeout)
		claim.Decision = newDecided(c, subject, decision, now).allow(deadline)
		var id string
		id, refusal, err = d.begin(ctx, d.beginRequest(team, c, claim, subject, agent, now, deadline))
		if err != nil || refusal != nil {
			undo()
		}
		switch {
		case errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrConflict):
			claim.Decision = nil
			return false, d.returned(d.Store.Return(ctx, claim), claim) // it has changed; mostly somebody else has it by now
		case errors.Is(err, store.ErrUnacknowledged):
			return true, d.takeBack(ctx, claim, id, permit.Now(), err)
		case err != nil:
			return false, fmt.Errorf("begin a call to lead %s of campaign %s: %w", claim.Lead.ID, c.name(), err)
		case refusal == nil:
			d.called(team.Name, c)
			return true, d.send(ctx, team, c, claim, permit, sending{id: id, agent: agent.ID, deadline: deadline})
		case !refusal.Until.IsZero():
			return no(verdict{reason: refusal.Reason, until: refusal.Until})
		}
	}
	if refusal.Reason == store.Stale {
		return back() // it is no reason of a lead: things change faster than they can be decided about
	}
	return no(verdict{reason: refusal.Reason, scope: ofCampaign})
}

// begin is Store.Begin, asked again when its reply was lost: the same request twice begins once.
func (d *Dialer) begin(ctx context.Context, q store.BeginRequest) (id string, refusal *store.Refusal, err error) {
	for pause := 50 * time.Millisecond; ; pause *= 4 {
		id, refusal, err = d.Store.Begin(ctx, q)
		if err == nil || errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
			return id, refusal, err
		}
		// What was begun and never sent the sweep takes for unknown, which is the careful reading.
		if pause > time.Second || !sleep(ctx, pause) {
			return id, refusal, err
		}
	}
}
