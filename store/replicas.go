package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// serverAge is how long what a server said of itself is believed.
	serverAge = time.Second
	// replicaMemory is how long a replica that has gone still counts as one that could be promoted: those who watch over the servers
	// (Sentinel, a provider) need about as long to find out too.
	replicaMemory = time.Minute
	// ackWithin is how long replicas are waited for. They answer within a round trip, or something is the matter.
	ackWithin = time.Second
)

// ErrUnacknowledged says that a change is in the record of the server that was asked, but not in that of every replica which could take
// its place. Nothing may rest upon it: after a change of servers it may never have been.
var ErrUnacknowledged = errors.New("not every replica has acknowledged")

// serverView is what was last heard of the server that holds a team's record.
type serverView struct {
	at       time.Time
	run      string     // its run id; "" when it does not say
	replicas []sighting // how many it had, over the last replicaMemory; the newest first
	silent   int        // of those that it has, the ones that do not answer
}

type sighting struct {
	at time.Time
	n  int
}

// expected is how many replicas could be promoted.
func (v *serverView) expected() int {
	n := 0
	for _, s := range v.replicas {
		n = max(n, s.n)
	}
	return n
}

// node is the server that holds a team's record.
func (s *Store) node(ctx context.Context, team string) (redis.UniversalClient, error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return s.client, nil
	}
	node, err := cluster.MasterForKey(ctx, teamKey(team, "team"))
	if err != nil {
		return nil, fmt.Errorf("find the server of team %q: %w", team, err)
	}
	return node, nil
}

// serverOf names what is known of the server that holds a team's record. Without a cluster it is one for all teams, however many.
func (s *Store) serverOf(team string) string {
	if _, ok := s.client.(*redis.ClusterClient); ok {
		return team
	}
	return ""
}

// server is what is known of the server that holds a team's record, at most serverAge old.
func (s *Store) server(ctx context.Context, team string, now time.Time) (redis.UniversalClient, serverView, error) {
	node, err := s.node(ctx, team)
	if err != nil {
		return nil, serverView{}, err
	}
	of := s.serverOf(team)
	s.mu.RLock()
	v := s.servers[of]
	s.mu.RUnlock()
	known := serverAge
	if v.run == "" {
		known = replicaMemory // one that does not say will not say a second later
	}
	if age := now.Sub(v.at); age >= 0 && age < known {
		return node, v, nil
	}
	pipe := node.Pipeline()
	server, replication := pipe.Info(ctx, "server"), pipe.Info(ctx, "replication")
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, cmd := range []*redis.StringCmd{server, replication} {
		if err := cmd.Err(); err != nil && !isReply(err) {
			return nil, serverView{}, fmt.Errorf("ask the server of team %q for its replicas: %w", team, err)
		}
	}
	run := infoField(server.Val(), "run_id")
	n, err := strconv.Atoi(infoField(replication.Val(), "connected_slaves"))
	if err != nil {
		n = 0 // it does not say
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v = s.servers[of]
	kept := []sighting{{now, n}}
	for _, old := range v.replicas {
		if v.run == run && now.Sub(old.at) < replicaMemory && old.n > n {
			kept = append(kept, old)
		}
	}
	v = serverView{at: now, run: run, replicas: kept, silent: silent(replication.Val())}
	s.most = max(s.most, n)
	s.servers[of] = v
	return node, v, nil
}

// infoField reads one line of INFO.
func infoField(text, name string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && k == name {
			return v
		}
	}
	return ""
}

// runAcknowledged is runCampaign for a change that must not be lost with its server: script and WAIT go in one pipeline, on one
// connection. ErrUnacknowledged comes with the script's reply.
func (s *Store) runAcknowledged(ctx context.Context, sc *script, r ref, now time.Time, args ...any) (reply, error) {
	node, v, err := s.server(ctx, r.team, now)
	if err != nil {
		return nil, err
	}
	want := v.expected()
	if want == 0 {
		return s.runCampaign(ctx, sc, r, args...)
	}
	keys := []string{teamKey(r.team, "team")}
	args = append([]any{r.n, r.name}, args...)
	send := func(run func(ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd) (script, ack *redis.Cmd) {
		pipe := node.Pipeline()
		script = run(ctx, pipe, keys, args...)
		// WAIT asks for the last write of its own connection; the script may find that another one has made the change.
		pipe.Set(ctx, teamKey(r.team, "acked"), ms(now), replicaMemory)
		ack = pipe.Do(ctx, "WAIT", want, ackWithin.Milliseconds())
		_, _ = pipe.Exec(ctx) // each command has its own error
		return script, ack
	}
	cmd, ack := send(sc.src().EvalSha)
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		cmd, ack = send(sc.src().Eval)
	}
	words, err := sc.reply(cmd)
	if errors.Is(err, errGone) {
		s.forget(r)
	}
	if err != nil || words[0] == "no" {
		return words, err
	}
	return words, enough(ack, want)
}

// acknowledged waits until every replica that could be promoted has what was written so far: what a person was promised (not to be called,
// a stop) must not be lost with its server. ErrUnacknowledged: it is written, and to write it again is to wait again.
func (s *Store) acknowledged(ctx context.Context, team string, now time.Time) error {
	node, v, err := s.server(ctx, team, now)
	if err != nil {
		return err
	}
	want := v.expected()
	if want == 0 {
		return nil
	}
	pipe := node.Pipeline()
	pipe.Set(ctx, teamKey(team, "acked"), ms(now), replicaMemory) // replicas take writes in order: who has this one has those before it
	ack := pipe.Do(ctx, "WAIT", want, ackWithin.Milliseconds())
	_, _ = pipe.Exec(ctx) // the command has its own error
	return enough(ack, want)
}

// kept is acknowledged for a change that came without a time.
func (s *Store) kept(ctx context.Context, team string) error {
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	return s.acknowledged(ctx, team, now)
}

// enough reads the answer to WAIT.
func enough(ack *redis.Cmd, want int) error {
	got, err := ack.Int()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnacknowledged, err)
	}
	if got < want {
		return fmt.Errorf("%w: %d of %d have", ErrUnacknowledged, got, want)
	}
	return nil
}
