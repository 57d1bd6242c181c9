package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// silentAfter is how long a replica may say nothing before it counts as one that does not answer. They report once a second.
const silentAfter = 3 * time.Second

// Replication is what is known of the replicas of the server that holds a team's record.
type Replication struct {
	Connected int // that the server has
	Silent    int // of them, those that are not in step or do not answer
	Expected  int // that a call's record waits for: those of the last minute
	Most      int // at once, that this process has ever seen
}

// Blocked reports whether no call can begin, because a replica that could take the server's place does not answer.
func (r Replication) Blocked() bool { return r.Connected-r.Silent < r.Expected }

// Word says in a sentence what is the matter with the replicas, "" when nothing is. most is how many there were by what others have seen.
func (r Replication) Word(most int) string {
	most = max(most, r.Most)
	answer := r.Connected - r.Silent
	switch {
	case r.Blocked():
		return fmt.Sprintf("%d of %d replicas of redis answer, so no call begins; one that has gone is waited for %.0f s", answer, r.Expected, replicaMemory.Seconds())
	case answer < most:
		return fmt.Sprintf("%d of %d replicas of redis answer: the record survives the loss of fewer servers, and for a minute after one has gone no call begins", answer, most)
	}
	return ""
}

// Replication asks the server that holds a team's record for its replicas, at most once in a second.
func (s *Store) Replication(ctx context.Context, team string, now time.Time) (Replication, error) {
	_, v, err := s.server(ctx, team, now)
	if err != nil {
		return Replication{}, err
	}
	r := Replication{Silent: v.silent, Expected: v.expected(), Most: s.MostReplicas()}
	if len(v.replicas) > 0 {
		r.Connected = v.replicas[0].n // the newest sighting
	}
	return r, nil
}

// MostReplicas is how many replicas at once this process has ever seen a server of the record have.
func (s *Store) MostReplicas() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.most
}

// silent counts the replicas in INFO that are not in step, or that have not reported for a while.
func silent(info string) int {
	n := 0
	for line := range strings.SplitSeq(info, "\n") {
		name, about, _ := strings.Cut(strings.TrimSpace(line), ":")
		if _, err := strconv.Atoi(strings.TrimPrefix(name, "slave")); err != nil || !strings.HasPrefix(name, "slave") {
			continue
		}
		fields := map[string]string{}
		for part := range strings.SplitSeq(about, ",") {
			k, v, _ := strings.Cut(part, "=")
			fields[k] = v
		}
		lag, err := strconv.Atoi(fields["lag"])
		if fields["state"] != "online" || err == nil && time.Duration(lag)*time.Second > silentAfter {
			n++
		}
	}
	return n
}

// MostReplicas is how many replicas at once any of some daemons has ever seen.
func MostReplicas(daemons []Daemon) int {
	most := 0
	for _, d := range daemons {
		most = max(most, d.Replicas)
	}
	return most
}
