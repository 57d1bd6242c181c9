package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// sendingMargin is how long after its deadline an attempt may still be `sending` before its sender is taken for lost: the time to
// write down a reply that came at the last moment.
const sendingMargin = 5 * time.Second

const _ = uint(sendingMargin - wireTail) // Sweep forgets deadlines, so not before Quiet has no more use for them

// callsRemembered is how long the id of a settled call is known.
const callsRemembered = 48 * time.Hour

// daysKept is how long it is known how many calls began on a day, and what was talked in a month. Budgets need the day that it is.
const daysKept = 400 * 24 * time.Hour

// Swept is what a sweep mended.
type Swept struct {
	Claims  int      // leads given back whose worker was lost
	Doubted []string // attempts that are unknown now because their sender was lost
	Strays  int      // entries without a record behind them; more than none is a fault of this program
	Calls   int      // ids of calls forgotten
	Events  int      // events forgotten
	Days    int      // counters of days that are long over, forgotten
}

// SweepDue reports whether Sweep has anything to do for a team, or an event of its inbox has waited for longer than wake.
func (s *Store) SweepDue(ctx context.Context, team string, now time.Time, wake time.Duration) (bool, error) {
	pipe := s.client.Pipeline()
	var first []*redis.StringSliceCmd
	for name, until := range map[string]time.Time{
		"claims": now, "sending": now.Add(-sendingMargin), "inboxdue": now.Add(-wake),
		"callsage": now.Add(-callsRemembered), "inboxseen": now.Add(-inboxRemembered),
	} {
		first = append(first, pipe.ZRangeByScore(ctx, teamKey(team, name), firstUntil(until)))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, fmt.Errorf("look for what is to be swept of team %q: %w", team, err)
	}
	return slices.ContainsFunc(first, func(cmd *redis.StringSliceCmd) bool { return len(cmd.Val()) > 0 }), nil
}

// Sweep mends what lost workers of a team left behind, and forgets what nobody will ask for. Any number of daemons may do it at
// once. A claim that has run out gives its lead back; an attempt still `sending` when its deadline and a margin have passed becomes
// unknown, to be looked up at once.
func (s *Store) Sweep(ctx context.Context, team string, now time.Time) (Swept, error) {
	const part, rounds = 200, 50
	var sum Swept
	for range rounds {
		r, err := s.run(ctx, scriptClaims, team, ms(now), part)
		if err != nil {
			return sum, fmt.Errorf("sweep claims of team %q: %w", team, err)
		}
		ended, strays := atoi(r[1]), atoi(r[2])
		sum.Claims, sum.Strays = sum.Claims+ended-strays, sum.Strays+strays
		if ended < part {
			break
		}
	}
	for range rounds {
		r, err := s.run(ctx, scriptSending, team, ms(now.Add(-sendingMargin)), part, ms(now))
		if err != nil {
			return sum, fmt.Errorf("sweep attempts of team %q: %w", team, err)
		}
		sum.Doubted, sum.Strays = append(sum.Doubted, r[3:]...), sum.Strays+atoi(r[2])
		if atoi(r[1]) < part {
			break
		}
	}
	for range rounds {
		r, err := s.run(ctx, scriptOld, team, ms(now.Add(-callsRemembered)), ms(now.Add(-inboxRemembered)), strconv.Itoa(part))
		if err != nil {
			return sum, fmt.Errorf("sweep old ids of team %q: %w", team, err)
		}
		calls, events := atoi(r[1]), atoi(r[2])
		sum.Calls, sum.Events = sum.Calls+calls, sum.Events+events
		if calls < part && events < part {
			break
		}
	}
	r, err := s.run(ctx, scriptDays, team, now.Add(-daysKept).UTC().Format("20060102"))
	if err != nil {
		return sum, fmt.Errorf("sweep the days of team %q: %w", team, err)
	}
	if !r.again() {
		sum.Days = atoi(r[1])
	}
	if sum.Strays > 0 {
		s.log.ErrorContext(ctx, "index entries without a record", "team", team, "entries", sum.Strays)
	}
	return sum, nil
}
