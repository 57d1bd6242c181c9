package store

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// withReplica is a desk on a server that has a replica.
func withReplica(t *testing.T) (d *desk, primary, replica *redistest.Server) {
	t.Helper()
	port := strconv.Itoa(freePort(t))
	primary = redistest.StartServer(t, redistest.Options{AppendOnly: true, Args: []string{"--port", port, "--repl-diskless-sync-delay", "0"}})
	replica = redistest.StartServer(t, redistest.Options{Args: []string{"--replicaof", "127.0.0.1", port}})
	client := primary.Client(t)
	for end := time.Now().Add(20 * time.Second); client.Do(t.Context(), "WAIT", 1, 100).Val() != int64(1); {
		if time.Now().After(end) {
			t.Fatal("the replica does not follow")
		}
	}
	return newDesk(t, client), primary, replica
}

// Nothing may be sent for an attempt that a replica does not have: that one could be the next primary.
func TestBeginWaitsForEveryReplica(t *testing.T) {
	t.Parallel()
	d, _, replica := withReplica(t)
	d.staged(4)
	id := d.begin(d.pickOne())
	if n := d.client.Exists(t.Context(), teamKey(testTeam, "acked")).Val(); n != 1 {
		t.Error("the replica was not asked")
	}
	other := New(replica.Client(t), Options{})
	if a, _, err := other.attempt(t.Context(), d.names[testName], id); err != nil || a.State != campaign.Sending {
		t.Errorf("the replica has %+v, %v", a, err)
	}

	replica.Freeze(t)
	c := d.pickOne()
	q := d.request(c)
	id, refusal, err := d.Begin(t.Context(), q)
	d.wants(err, ErrUnacknowledged)
	if id != c.AttemptID() || refusal != nil {
		t.Errorf("got %q, %v", id, refusal)
	}
	_, _, err = d.Begin(t.Context(), q) // it has begun; to ask again waits again, on whatever connection
	d.wants(err, ErrUnacknowledged)
	// What a person was promised must not be lost with its server either.
	_, err = d.Suppress(t.Context(), Suppression{Scope: campaign.ScopeTeam, Team: testTeam, Phones: []campaign.Phone{phoneNumber(9)}, By: "test"}, d.now)
	d.wants(err, ErrUnacknowledged)
	_, err = d.SetHold(t.Context(), testName, campaign.HoldNone, d.now)
	d.wants(err, ErrUnacknowledged)
	if _, err := New(d.client, Options{}).Refused(t.Context(), id, Denial{Next: StepAgain, Reason: campaign.ReasonLimit}); err != nil {
		t.Error(err)
	}
	d.wantState(c.Lead.ID, campaign.LeadStaged)
	d.sound()

	replica.Thaw(t)
	d.begin(d.pickOne())

	// One that is gone may come back and be promoted; after a minute those who would promote it know too.
	replica.Kill(t)
	d.now = d.now.Add(2 * time.Second)
	c = d.pickOne()
	q = d.request(c)
	_, _, err = d.Begin(t.Context(), q)
	d.wants(err, ErrUnacknowledged)
	q.Now, q.Deadline = d.now.Add(replicaMemory+time.Second), d.now.Add(2*replicaMemory)
	if _, _, err = d.Begin(t.Context(), q); err != nil {
		t.Errorf("a replica that is long gone is still waited for: %v", err)
	}
	d.sound()
}

// A server without replicas, or that does not say, is asked once in a while and waited for by nobody.
func TestBeginWithoutReplicasWaitsForNobody(t *testing.T) {
	each(t, func(d *desk) {
		d.staged(1)
		d.begin(d.pickOne())
		if n := d.client.Exists(d.Context(), teamKey(testTeam, "acked")).Val(); n != 0 {
			d.Error("replicas were waited for")
		}
	})
}

// lossy is a desk on a server that keeps a snapshot on demand, and nothing else.
func lossy(t *testing.T) (*desk, *redistest.Server, redis.UniversalClient) {
	t.Helper()
	server := redistest.StartServer(t, redistest.Options{})
	client := server.Client(t)
	return newDesk(t, client), server, client
}

// What a process began and its server forgot is written down anew: it counts, its phone is not free, and a sweep doubts it.
func TestReassertWritesLostAttemptsDown(t *testing.T) {
	t.Parallel()
	d, server, client := lossy(t)
	leads := d.staged(5)
	before := d.begin(d.pickOne())
	d.must(client.Save(t.Context()).Err())
	q := d.request(d.pickOne())
	q.Reserve, q.TalkTime = time.Minute, time.Hour
	lost, _, err := d.Begin(t.Context(), q)
	d.must(err)
	settled := d.begin(d.pickOne())
	d.settle(settled, campaign.Completed, closedNext)
	refused := d.begin(d.pickOne())
	if _, err := d.Refused(t.Context(), refused, Denial{Next: StepAgain, Reason: campaign.ReasonLimit}); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Reassert(t.Context(), testTeam, d.now.Add(2*time.Second)); n != 0 || err != nil {
		t.Fatalf("on the same server %d were written anew, %v", n, err)
	}
	server.Kill(t)
	server.Restart(t)
	d.wantState(leads[1], campaign.LeadStaged)

	d.now = d.now.Add(5 * time.Second)
	n, err := d.Reassert(t.Context(), testTeam, d.now)
	d.must(err)
	if n != 2 {
		t.Errorf("%d were written anew, want 2", n)
	}
	if n, err := d.Reassert(t.Context(), testTeam, d.now.Add(5*time.Second)); n != 0 || err != nil {
		t.Errorf("%d were written twice, %v", n, err)
	}
	for i, id := range []string{before, lost, settled} {
		if l := d.wantState(leads[i], campaign.LeadCalling); l.Attempts[0].ID != id || l.Attempts[0].State != campaign.Sending {
			t.Errorf("lead %d: %+v", i, l.Attempts)
		}
	}
	d.wantState(leads[3], campaign.LeadStaged)
	d.sound()
	d.now = d.now.Add(time.Minute)
	swept, err := d.Sweep(t.Context(), testTeam, d.now)
	d.must(err)
	if len(swept.Doubted) != 3 {
		t.Errorf("doubted %v", swept.Doubted)
	}
	d.settle(lost, campaign.NoAnswer, Next{State: campaign.LeadWaiting, Due: d.now})
	d.sound()
	c := d.pickOne()
	for c.Lead.ID != leads[1] {
		c = d.pickOne()
	}
	q = d.request(c)
	q.Caps = []Cap{{1, day, campaign.ReasonCap24h}}
	if _, refusal, err := d.Begin(t.Context(), q); err != nil || refusal == nil {
		t.Errorf("the lost attempt does not count: %v, %v", refusal, err)
	}
}

// A lead that has gone on without its lost attempt is left alone, and the log says so.
func TestReassertLeavesWhatHasGoneOn(t *testing.T) {
	t.Parallel()
	d, server, client := lossy(t)
	d.staged(1)
	d.must(client.Save(t.Context()).Err())
	d.begin(d.pickOne())
	server.Kill(t)
	server.Restart(t)
	other := &desk{T: t, Store: New(client, Options{}), now: d.now.Add(time.Minute)}
	id := other.begin(other.pickOne())
	n, err := d.Reassert(t.Context(), testTeam, other.now)
	d.must(err)
	if n != 0 {
		t.Error("an attempt was put beside another one")
	}
	other.settle(id, campaign.Completed, closedNext)
	other.sound()
}
