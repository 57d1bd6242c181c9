package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Daemon is one process of the fleet as it describes itself.
type Daemon struct {
	ID      string    `json:"id"`
	Host    string    `json:"host,omitempty"`
	PID     int       `json:"pid,omitempty"`
	Version string    `json:"version,omitempty"`
	Roles   []string  `json:"roles,omitempty"`
	Teams   []string  `json:"teams,omitempty"` // none = any
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"` // set by Heartbeat
	// Clock is how many seconds its clock is ahead of Redis'; nil = not known.
	Clock *float64 `json:"clock_offset_s,omitempty"`
	// Replicas is how many replicas of Redis at once the daemon has seen. Set by Heartbeat.
	Replicas int `json:"replicas,omitempty"`
}

// ClockOff reports whether a daemon begins no call because its clock is further from Redis' than may be.
func (d *Daemon) ClockOff() bool {
	return d.Clock != nil && math.Abs(*d.Clock) > ClockTolerance.Seconds()
}

// ClocksOff reports whether nobody calls for a team because the clock of each of the daemons that would is off; known says that there
// are such daemons at all.
func ClocksOff(daemons []Daemon, team string) (off, known bool) {
	off = true
	for i := range daemons {
		if d := &daemons[i]; slices.Contains(d.Roles, RoleWork) && (len(d.Teams) == 0 || slices.Contains(d.Teams, team)) {
			off, known = off && d.ClockOff(), true
		}
	}
	return off && known, known
}

// RoleWork is the role of the daemons that call.
const RoleWork = "work"

// daemonGone is how long after its last heartbeat a daemon is not listed any more.
const daemonGone = time.Minute

// Heartbeat says that a daemon lives. Once in a few seconds is enough.
func (s *Store) Heartbeat(ctx context.Context, d Daemon, now time.Time) error {
	d.Seen, d.Replicas = now.UTC(), s.MostReplicas()
	raw, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("heartbeat of %s: %w", d.ID, err)
	}
	if err := s.client.HSet(ctx, teamKey(globalTeam, "daemons"), d.ID, raw).Err(); err != nil {
		return fmt.Errorf("heartbeat of %s: %w", d.ID, err)
	}
	return nil
}

// Goodbye says that a daemon ends.
func (s *Store) Goodbye(ctx context.Context, id string) error {
	if err := s.client.HDel(ctx, teamKey(globalTeam, "daemons"), id).Err(); err != nil {
		return fmt.Errorf("goodbye of %s: %w", id, err)
	}
	return nil
}

// Daemons lists the daemons that were heard of within the last minute, by id, and forgets those that have been silent for a day.
func (s *Store) Daemons(ctx context.Context, now time.Time) ([]Daemon, error) {
	all, err := s.client.HGetAll(ctx, teamKey(globalTeam, "daemons")).Result()
	if err != nil {
		return nil, fmt.Errorf("list daemons: %w", err)
	}
	var live []Daemon
	for id, raw := range all {
		var d Daemon
		if err := json.Unmarshal([]byte(raw), &d); err != nil {
			return nil, fmt.Errorf("read daemon %s: %w", id, err)
		}
		switch silent := now.Sub(d.Seen); {
		case silent <= daemonGone:
			live = append(live, d)
		case silent > 24*time.Hour:
			if err := s.Goodbye(ctx, id); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(live, func(a, b Daemon) int { return strings.Compare(a.ID, b.ID) })
	return live, nil
}

// Lock takes, or renews, a lock that one owner at a time may have, until ttl has passed. It reports whether the lock is the
// owner's, and whose it is. It keeps daemons from doing the same work twice; nothing that must not happen twice may rest on it.
func (s *Store) Lock(ctx context.Context, name, owner string, ttl time.Duration, now time.Time) (ok bool, holder string, err error) {
	if ttl <= 0 {
		return false, "", fmt.Errorf("lock %s: no time to hold it", name)
	}
	r, err := s.run(ctx, scriptLock, globalTeam, name, owner, ms(now), ms(now.Add(ttl)))
	if err != nil {
		return false, "", fmt.Errorf("lock %s: %w", name, err)
	}
	if r[0] == "no" {
		return false, r[1], nil
	}
	return true, owner, nil
}

// Unlock gives a lock back, if it is the owner's.
func (s *Store) Unlock(ctx context.Context, name, owner string) error {
	if _, err := s.run(ctx, scriptLock, globalTeam, name, owner, 0, 0); err != nil {
		return fmt.Errorf("unlock %s: %w", name, err)
	}
	return nil
}
