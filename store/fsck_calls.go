package store

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"
)

// callIDs checks that the open attempts of a campaign are found by their calls' ids.
func (k *checker) callIDs(ctx context.Context, r ref) error {
	ids := slices.Sorted(maps.Keys(k.named))
	for part := range slices.Chunk(ids, 500) {
		got, err := k.s.client.HMGet(ctx, teamKey(k.team, "calls"), part...).Result()
		if err != nil {
			return err
		}
		for i, v := range got {
			if attempt := k.named[part[i]]; v == nil {
				k.differ("%q: the call of attempt %s is not found by its id", r.name, attempt)
				k.damage.lead(leadOfAttempt(attempt))
			}
		}
	}
	clear(k.named)
	return nil
}

// callAges checks that the ids of calls will be forgotten: each that is known is that of an open attempt, or has an age. What has an age
// and is not known costs memory only, until it is old.
func (k *checker) callAges(ctx context.Context) error {
	calls, ages := teamKey(k.team, "calls"), teamKey(k.team, "callsage")
	var members []string
	if err := k.eachScore(ctx, ages, func(member string, _ float64) { members = append(members, member) }); err != nil {
		return err
	}
	aged := make(map[string]bool, len(members))
	for part := range slices.Chunk(members, 500) {
		got, err := k.s.client.HMGet(ctx, calls, part...).Result()
		if err != nil {
			return err
		}
		for i, attempt := range got {
			aged[part[i]] = true
			if attempt == nil {
				k.differ("callsage holds call %s, which no attempt has", part[i])
				k.damage.entry("callsage", part[i])
			}
		}
	}
	var odd [][2]string // call, attempt
	err := k.scan(ctx, calls, func(pairs []string) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			if !aged[pairs[i]] && !k.calling[pairs[i+1]] {
				odd = append(odd, [2]string{pairs[i], pairs[i+1]})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, o := range odd { // most have begun, or ended, since they were read
		remembered, err := k.remembers(ctx, o[0], o[1])
		if err != nil {
			return err
		}
		if !remembered {
			k.differ("call %s of attempt %s would never be forgotten", o[0], o[1])
			k.damage.entry("calls", o[0])
		}
	}
	return nil
}

// remembers reports whether the id of a call has to be known now: its attempt is open, or it has got its age meanwhile.
func (k *checker) remembers(ctx context.Context, call, attempt string) (bool, error) {
	n, lead, number, ok := splitAttempt(attempt)
	if !ok {
		return false, nil
	}
	pipe := k.s.client.TxPipeline() // both at one moment
	raw, age := pipe.HGet(ctx, campaignKey(k.team, n, "leads"), lead), pipe.ZScore(ctx, teamKey(k.team, "callsage"), call)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return false, err
	}
	rec, _, err := parseRecord(raw.Val())
	if raw.Err() != nil || err != nil { // there is no such lead, or it cannot be read, which is said of it
		return age.Err() == nil || raw.Err() == nil, nil
	}
	i := slices.IndexFunc(rec.Attempts, func(a attemptRecord) bool { return a.Number == number })
	return age.Err() == nil || i >= 0 && rec.Attempts[i].State.Open(), nil
}
