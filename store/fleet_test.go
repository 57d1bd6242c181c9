package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// Eight daemons race for few phones in five campaigns, import, hold, suppress and sweep at the same time. Afterwards the record is
// sound, and no phone was called more often, or sooner again, than it may.
func TestManyDaemonsAtOnce(t *testing.T) {
	const daemons, phonesShared, perDay = 8, 6, 2
	const gap = 10 * time.Minute
	rounds := 120
	if testing.Short() {
		rounds = 30
	}
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		d := newDesk(t, client)
		names := []string{testName, "b", "c", "d", "e"}
		for _, name := range names[1:] {
			d.apply(testTeam, name)
		}
		var clock atomic.Int64 // seconds since start
		var begun atomic.Int64
		var all sync.WaitGroup
		failed := make(chan error, daemons)
		for i := range daemons {
			all.Go(func() {
				w := &racer{
					s: New(client, Options{}), rng: rand.New(rand.NewPCG(uint64(i), 1)), names: names, clock: &clock, begun: &begun,
					phones: phonesShared, perDay: perDay, gap: gap, tokens: map[string]string{},
				}
				for range rounds {
					if err := w.round(t.Context()); err != nil {
						failed <- err
						return
					}
				}
			})
		}
		all.Wait()
		close(failed)
		for err := range failed {
			t.Error(err)
		}
		d.sound()
		calls := map[campaign.Phone][]time.Time{}
		for _, name := range names {
			d.must(d.EachLead(t.Context(), name, func(l *campaign.Lead) error {
				for _, a := range l.Attempts {
					if a.State != campaign.Refused {
						calls[a.Phone] = append(calls[a.Phone], a.At)
					}
				}
				return nil
			}))
		}
		n := 0
		for phone, times := range calls {
			n += len(times)
			for i, at := range times {
				inDay := 0
				for j, other := range times {
					if age := at.Sub(other); age >= 0 && age < 24*time.Hour {
						inDay++
						if i != j && age < gap {
							t.Errorf("%s was called twice within %s", phone, age)
						}
					}
				}
				if inDay > perDay {
					t.Errorf("%s was called %d times in a day", phone, inDay)
				}
			}
		}
		if n == 0 || int64(n) > begun.Load() {
			t.Errorf("%d calls, %d begun", n, begun.Load())
		}
	})
}

// racer is one daemon.
type racer struct {
	s            *Store
	rng          *rand.Rand
	names        []string
	clock, begun *atomic.Int64
	phones       int
	perDay       int
	gap          time.Duration
	claims       []*Claim
	open         []string
	tokens       map[string]string // of the claims that began them
}

func (w *racer) now() time.Time {
	return start.Add(time.Duration(w.clock.Add(w.rng.Int64N(300))) * time.Second)
}

// late lets pass what the record may answer to one who comes too late.
func late(err error) error {
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (w *racer) round(ctx context.Context) error {
	name, now := w.names[w.rng.IntN(len(w.names))], w.now()
	lanes := []string{testLane, "west"}
	switch w.rng.IntN(12) {
	case 0:
		l := newLead(w.rng.IntN(w.phones))
		l.Row[3] = fmt.Sprint(w.rng.IntN(3))
		_, err := w.s.AddLeads(ctx, name, []NewLead{l})
		return err
	case 1, 2:
		claims, err := w.s.Stageable(ctx, StageRequest{Campaign: name, Lanes: lanes, N: 3, Now: now, Lease: time.Hour})
		for _, c := range claims {
			if _, err := w.s.Staged(ctx, c, contactOf(c.Lead.Phone)); late(err) != nil {
				return err
			}
		}
		return err
	case 3, 4, 5, 6:
		return w.dial(ctx, name, now)
	case 7, 8, 9:
		return w.end(ctx, now)
	case 10:
		if w.rng.IntN(3) == 0 {
			hold := []campaign.Hold{campaign.HoldNone, campaign.HoldNone, campaign.HoldPaused}[w.rng.IntN(3)]
			_, err := w.s.SetHold(ctx, name, hold, now)
			return err
		}
		q := Suppression{Scope: campaign.ScopeTeam, Team: testTeam, Phones: []campaign.Phone{phoneNumber(w.rng.IntN(w.phones))}, Reason: "x", By: "y"}
		if _, err := w.s.Suppress(ctx, q, now); err != nil {
			return err
		}
		if _, err := w.s.Unsuppress(ctx, q, now); err != nil {
			return err
		}
		leads, err := w.s.LeadsByPhone(ctx, q.Phones[0], "")
		for _, l := range leads {
			if err := w.s.ReopenLead(ctx, l.Campaign, l.ID, time.Time{}, ""); late(err) != nil {
				return err
			}
		}
		return err
	default:
		_, err := w.s.Sweep(ctx, testTeam, now)
		return err
	}
}

func (w *racer) dial(ctx context.Context, name string, now time.Time) error {
	c, err := w.s.Pick(ctx, PickRequest{Campaign: name, Lanes: []string{testLane, "west"}, Now: now, Lease: time.Hour})
	if err != nil {
		return err
	}
	if c != nil {
		w.claims = append(w.claims, c)
	}
	if len(w.claims) == 0 {
		return nil
	}
	c = w.claims[max(0, len(w.claims)-1-w.rng.IntN(3))] // one that is old now and then
	f, err := w.s.Facts(ctx, c.Lead, now.Format(time.DateOnly), now)
	if err != nil {
		return err
	}
	id, refusal, err := w.s.Begin(ctx, BeginRequest{
		Claim: c, Agent: "a", Now: now, Deadline: now.Add(time.Minute), Day: now.Format(time.DateOnly), Gap: w.gap,
		Caps: []Cap{{w.perDay, 24 * time.Hour, campaign.ReasonCap24h}}, TeamEpoch: f.TeamEpoch, CampaignEpoch: f.CampaignEpoch,
	})
	switch {
	case err != nil:
		return late(err)
	case refusal != nil && w.rng.IntN(2) == 0:
		return late(w.s.Defer(ctx, c, now.Add(time.Hour), refusal.Reason))
	case refusal != nil:
		return late(w.s.Return(ctx, c))
	}
	w.begun.Add(1)
	w.open, w.tokens[id] = append(w.open, id), c.Token
	return nil
}

// end reports on one of the attempts, perhaps again.
func (w *racer) end(ctx context.Context, now time.Time) (err error) {
	if len(w.open) == 0 {
		return nil
	}
	id := w.open[w.rng.IntN(len(w.open))]
	switch w.rng.IntN(5) {
	case 0:
		_, err = w.s.Accepted(ctx, id, "call "+id, now, now)
	case 1:
		_, err = w.s.Refused(ctx, id, Denial{Token: w.tokens[id], Next: StepAgain})
	case 2:
		_, err = w.s.InDoubt(ctx, id, "timeout", now)
	default:
		_, err = w.s.Settle(ctx, Settlement{
			AttemptID: id, Disposition: campaign.NoAnswer, Next: Next{State: campaign.LeadWaiting, Due: now.Add(time.Minute)},
		}, now)
	}
	return late(err)
}
