package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Place is what a lane stands for: everywhere that its leads may be.
type Place struct {
	Zones   []string `json:"zones,omitempty"`   // IANA names
	Regions []string `json:"regions,omitempty"` // as package region names them
}

// LaneState is a lane and how many leads wait in it. Urgent leads and promised callbacks wait outside the lanes.
type LaneState struct {
	Place
	New     int       // to be staged
	Again   int       // of them, those whose contact could not be made before: they go behind the others
	Ready   int       // may be called when the lane is open
	Wait    int       // put off until a time, which may have come
	NextDue time.Time // when the first of those that wait is due; zero = none waits
}

// behindUntried is what the scripts add to the place in its lane of a lead whose contact could not be made.
const behindUntried = 1 << 51

// PutLanes makes lanes known to a campaign. Leads can be added to known lanes only. A lane that is there already is given the
// new place.
func (s *Store) PutLanes(ctx context.Context, name string, lanes map[string]Place) error {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	args := make([]any, 0, 2*len(lanes))
	for id, place := range lanes {
		if id == "" {
			return fmt.Errorf("put lanes of %q: a lane without an id", name)
		}
		raw, err := json.Marshal(place)
		if err != nil {
			return fmt.Errorf("put lane %q of %q: %w", id, name, err)
		}
		args = append(args, id, raw)
	}
	if _, err := s.runCampaign(ctx, scriptPutLanes, r, args...); err != nil {
		return fmt.Errorf("put lanes of %q: %w", name, err)
	}
	return nil
}

// Place reads what one lane of a campaign stands for; nowhere when there is no such lane.
func (s *Store) Place(ctx context.Context, name, lane string) (Place, error) {
	var p Place
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return p, err
	}
	raw, err := s.client.HGet(ctx, r.key("lanes"), lane).Bytes()
	if errors.Is(err, redis.Nil) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil {
		return Place{}, fmt.Errorf("read lane %q of %q: %w", lane, name, err)
	}
	return p, nil
}

// Lanes reads the lanes of a campaign. What it costs follows the number of lanes, not of leads.
func (s *Store) Lanes(ctx context.Context, name string) (map[string]LaneState, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	raws, err := s.client.HGetAll(ctx, r.key("lanes")).Result()
	if err != nil {
		return nil, fmt.Errorf("read lanes of %q: %w", name, err)
	}
	type query struct {
		fresh, again, ready, wait *redis.IntCmd
		next                      *redis.ZSliceCmd
	}
	ids := slices.Collect(maps.Keys(raws))
	queries := make([]query, len(ids))
	err = s.inParts(ctx, 5*len(ids), func(pipe redis.Pipeliner, i int) {
		q, id := &queries[i/5], ids[i/5]
		switch i % 5 {
		case 0:
			q.fresh = pipe.ZCard(ctx, r.key("new:"+id))
		case 1:
			q.again = pipe.ZCount(ctx, r.key("new:"+id), strconv.FormatInt(behindUntried/2, 10), "+inf")
		case 2:
			q.ready = pipe.ZCard(ctx, r.key("ready:"+id))
		case 3:
			q.wait = pipe.ZCard(ctx, r.key("wait:"+id))
		default:
			q.next = pipe.ZRangeWithScores(ctx, r.key("wait:"+id), 0, 0)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read lanes of %q: %w", name, err)
	}
	lanes := make(map[string]LaneState, len(raws))
	for i, id := range ids {
		q := queries[i]
		lane := LaneState{New: int(q.fresh.Val()), Again: int(q.again.Val()), Ready: int(q.ready.Val()), Wait: int(q.wait.Val())}
		if err := json.Unmarshal([]byte(raws[id]), &lane.Place); err != nil {
			return nil, fmt.Errorf("read lane %q of %q: %w", id, name, err)
		}
		if first := q.next.Val(); len(first) > 0 {
			lane.NextDue = timeOf(int64(first[0].Score))
		}
		lanes[id] = lane
	}
	return lanes, nil
}

// LanePlace reads what one lane of a campaign stands for. ErrNotFound: there is no such lane.
func (s *Store) LanePlace(ctx context.Context, name, lane string) (Place, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return Place{}, err
	}
	raw, err := s.client.HGet(ctx, r.key("lanes"), lane).Bytes()
	if errors.Is(err, redis.Nil) {
		return Place{}, fmt.Errorf("lane %q of %q: %w", lane, name, ErrNotFound)
	}
	if err != nil {
		return Place{}, fmt.Errorf("read lane %q of %q: %w", lane, name, err)
	}
	var place Place
	if err := json.Unmarshal(raw, &place); err != nil {
		return Place{}, fmt.Errorf("lane %q of %q %w: %w", lane, name, ErrDamaged, err)
	}
	return place, nil
}

// Urgent says how many leads of a campaign go before all lanes (urgent ones and promised callbacks) and when the first of
// them is due: the zero time when there is none, and the unix epoch when it may be called at once.
func (s *Store) Urgent(ctx context.Context, name string) (n int, next time.Time, err error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return 0, time.Time{}, err
	}
	pipe := s.client.Pipeline()
	card := pipe.ZCard(ctx, r.key("urgent"))
	first := pipe.ZRangeWithScores(ctx, r.key("urgent"), 0, 0)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return 0, time.Time{}, fmt.Errorf("read urgent leads of %q: %w", name, err)
	}
	if z := first.Val(); len(z) > 0 {
		next = time.UnixMilli(int64(z[0].Score)).UTC()
	}
	return int(card.Val()), next, nil
}
