package store

import (
	"strings"
	"testing"
	"time"
)

func TestAnOldRedisIsNamedWithWhatIsNeeded(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{
		"5.0.14": true, "6.0.16": true, "6.2.0": false, "7.0.15": false, "8": false, "10.1": false, "": false, "unknown": false,
	} {
		d := Durability{Version: version, AppendOnly: "yes", Fsync: "always", Role: "master", RunID: "x"}
		d.judge()
		if (d.Old != "") != old || old && (!strings.Contains(d.Old, version) || !strings.Contains(d.Old, "6.2")) {
			t.Errorf("%q: %q", version, d.Old)
		}
	}
}

func TestSilentReplicasAreThoseOutOfStepOrWithoutAWord(t *testing.T) {
	t.Parallel()
	for info, want := range map[string]int{
		"": 0, "role:master\r\nconnected_slaves:0\r\n": 0,
		"connected_slaves:1\r\nslave0:ip=127.0.0.1,port=1,state=online,offset=14,lag=1\r\n":                                                        0,
		"connected_slaves:1\r\nslave0:ip=127.0.0.1,port=1,state=online,offset=14,lag=4\r\n":                                                        1,
		"slave0:ip=a,port=1,state=wait_bgsave,offset=0,lag=0\r\nslave1:ip=b,port=1,state=online,offset=1,lag=0\r\n":                                1,
		"slave_read_only:1\r\nslave0:ip=a,port=1,state=online,offset=0,lag=9\r\nslave1:ip=b,port=1,state=online,offset=1,lag=60\r\nmaster_failo:x": 2,
	} {
		if got := silent(info); got != want {
			t.Errorf("%q: %d, want %d", info, got, want)
		}
	}
}

func TestWhatIsSaidOfReplicas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		r       Replication
		most    int
		want    string
		blocked bool
	}{
		{Replication{}, 0, "", false},
		{Replication{Connected: 2, Expected: 2, Most: 2}, 2, "", false},
		{Replication{Connected: 2, Silent: 1, Expected: 2, Most: 2}, 0, "1 of 2 replicas of redis answer, so no call begins", true},
		{Replication{Connected: 1, Expected: 2, Most: 2}, 0, "1 of 2 replicas of redis answer, so no call begins", true},
		{Replication{Connected: 1, Expected: 1, Most: 2}, 0, "1 of 2 replicas of redis answer: the record survives", false},
		{Replication{Connected: 1, Expected: 1, Most: 1}, 3, "1 of 3 replicas of redis answer: the record survives", false},
		{Replication{Expected: 0}, 1, "0 of 1 replicas of redis answer: the record survives", false},
	} {
		got := c.r.Word(c.most)
		if !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") || c.r.Blocked() != c.blocked {
			t.Errorf("%+v: %q, blocked %t", c.r, got, c.r.Blocked())
		}
	}
}

// A replica that is frozen is seen to say nothing, one that was killed to be missing: first in the way of calls, and after a minute as a loss
// that the whole fleet remembers.
func TestADeadReplicaIsSeen(t *testing.T) {
	t.Parallel()
	d, _, replica := withReplica(t)
	ctx := t.Context()
	at := func() Replication {
		t.Helper()
		d.now = d.now.Add(2 * serverAge)
		r, err := d.Replication(ctx, testTeam, d.now)
		d.must(err)
		return r
	}
	if r := at(); r != (Replication{Connected: 1, Expected: 1, Most: 1}) || r.Word(0) != "" {
		t.Fatalf("in step: %+v, %q", r, r.Word(0))
	}
	d.must(d.Heartbeat(ctx, Daemon{ID: "a"}, d.now))
	replica.Kill(t)
	until(t, "the server has noticed", func() bool { return at().Connected == 0 })
	if r := at(); !r.Blocked() {
		t.Errorf("calls go on: %+v", r)
	}
	d.now = d.now.Add(replicaMemory)
	if r := at(); r.Blocked() || !strings.Contains(r.Word(0), "0 of 1") {
		t.Errorf("after a minute: %+v, %q", r, r.Word(0))
	}
	// Another process, begun since, learns it from those that were there before.
	d.must(d.Heartbeat(ctx, Daemon{ID: "a"}, d.now))
	other := New(d.client, Options{})
	daemons, err := other.Daemons(ctx, d.now)
	d.must(err)
	r, err := other.Replication(ctx, testTeam, d.now)
	d.must(err)
	if !strings.Contains(r.Word(MostReplicas(daemons)), "0 of 1") {
		t.Errorf("another process says %q", r.Word(MostReplicas(daemons)))
	}
}

// until asks until it is so, ten seconds at most.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
