package store

import (
	"errors"
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
	d.staged(5)
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
	lead := func(i int) string { return campaign.LeadID(testTeam, testName, string(phoneNumber(i))) }
	narrower := testCampaign(testTeam, testName)
	narrower.Attempts.Per24h = 1
	for name, promise := range map[string]func() error{
		"suppress": func() error {
			_, err := d.Suppress(t.Context(), Suppression{Scope: campaign.ScopeTeam, Team: testTeam, Phones: []campaign.Phone{phoneNumber(9)}, By: "test"}, d.now)
			return err
		},
		"hold":       func() error { _, err := d.SetHold(t.Context(), testName, campaign.HoldNone, d.now); return err },
		"pause team": func() error { _, err := d.PauseTeam(t.Context(), testTeam, "401"); return err },
		"apply":      func() error { _, err := d.Apply(t.Context(), narrower, d.now); return err },
		"rules":      func() error { _, _, err := d.ApplyRules(t.Context(), campaign.Amendment{}, d.now); return err },
		"national": func() error {
			_, err := d.ReplaceNational(t.Context(), NationalList{Country: "US", Date: d.now.Add(-time.Hour)}, []uint64{12125550001}, d.now)
			return err
		},
		"hold lead":  func() error { return d.HoldLead(t.Context(), testName, lead(3), "", "a letter first") },
		"close lead": func() error { return d.CloseLead(t.Context(), testName, lead(4), campaign.Completed, "") },
	} {
		if err := promise(); !errors.Is(err, ErrUnacknowledged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := New(d.client, Options{}).Refused(t.Context(), id, Denial{Token: c.Token, Next: StepAgain, Reason: campaign.ReasonLimit}); err != nil {
		t.Error(err)
	}
	d.wantState(c.Lead.ID, campaign.LeadStaged)
	d.sound()

	replica.Thaw(t)
	_, err = d.ResumeTeam(t.Context(), testTeam)
	d.must(err)
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
	if _, err := d.refuse(refused, Denial{Next: StepAgain, Reason: campaign.ReasonLimit}); err != nil {
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

// A worker froze over the API's refusal. When it wakes its record is lost, and another one has begun the attempt of that number: that call
// may ring, and is not the late worker's to take back. What was written down anew for it is its own, until a sweep has taken it for lost.
func TestALateRefusalTakesBackNothingOfAnother(t *testing.T) {
	t.Parallel()
	d, server, client := lossy(t)
	ids := d.staged(2)
	d.must(client.Save(t.Context()).Err())
	frozen := d.pickOne()
	id := d.begin(frozen)
	server.Kill(t)
	server.Restart(t)
	other := &desk{T: t, Store: New(client, Options{}), now: d.now.Add(time.Minute)}
	if again := other.begin(other.pickOne()); again != id {
		t.Fatalf("the other one began %s, not %s", again, id)
	}
	late := Denial{Token: frozen.Token, Next: StepAgain, Reason: campaign.ReasonLimit}
	_, err := d.Refused(t.Context(), id, late)
	d.wants(err, ErrFenced)
	if l := other.wantState(ids[0], campaign.LeadCalling); l.Attempts[0].State != campaign.Sending {
		t.Errorf("the other one's attempt is %s", l.Attempts[0].State)
	}
	f, err := other.Facts(t.Context(), other.leadOf(ids[0]), other.day(), other.now)
	d.must(err)
	if f.OpenAttempt != id || len(f.Calls) != 1 {
		t.Errorf("the phone's history was taken back: %+v", f)
	}
	other.sound()

	// Nothing of the late worker's is left to be written down anew, over the head of the one who calls now.
	other.settle(id, campaign.NoAnswer, closedNext)
	if n, err := d.Reassert(t.Context(), testTeam, other.now); n != 0 || err != nil {
		t.Errorf("%d attempts were written down anew, %v", n, err)
	}

	// What a process wrote down anew it may take back, and only once.
	d.now = other.now
	d.must(client.Save(t.Context()).Err())
	mine := d.pickOne()
	id = d.begin(mine)
	server.Kill(t)
	server.Restart(t)
	if n, err := d.Reassert(t.Context(), testTeam, d.now.Add(5*time.Second)); n != 1 || err != nil {
		t.Fatalf("%d attempts were written down anew, %v", n, err)
	}
	_, err = other.Refused(t.Context(), id, Denial{Token: "another", Next: StepAgain})
	d.wants(err, ErrFenced)
	late.Token = mine.Token
	for _, want := range []bool{true, false} {
		if applied, err := d.Refused(t.Context(), id, late); applied != want || err != nil {
			t.Errorf("applied %t, want %t, %v", applied, want, err)
		}
	}
	d.sound()

	// Nor may it once the sweep has decided.
	mine = d.pickOne()
	id = d.begin(mine)
	swept, err := d.Sweep(t.Context(), testTeam, d.now.Add(time.Minute))
	d.must(err)
	late.Token = mine.Token
	if applied, err := d.Refused(t.Context(), id, late); applied || err != nil || len(swept.Doubted) != 1 {
		t.Errorf("applied %t, %v, %d doubted", applied, err, len(swept.Doubted))
	}
	d.sound()
}
