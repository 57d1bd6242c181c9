package store

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// The verbs that may come to an attempt, in any order, any number of times, from anybody.
const (
	verbBegin = iota
	verbAccepted
	verbDoubt
	verbRefused
	verbSettle
	verbSweep
	verbReassert
	verbs
)

// none is the state of a lead's attempt before its first one, and after one that has ended.
const none campaign.AttemptState = ""

// machine is the model: what each verb makes of an attempt, by its state. A state that a verb does not name stays as it is; conflict is
// an error that says so.
var machine = map[int]map[campaign.AttemptState]campaign.AttemptState{
	verbAccepted: {campaign.Sending: campaign.Accepted, campaign.InDoubt: campaign.Accepted, campaign.Refused: "conflict"},
	verbDoubt:    {campaign.Sending: campaign.InDoubt},
	verbRefused:  {campaign.Sending: campaign.Refused},
	verbSettle: {
		campaign.Sending: campaign.Settled, campaign.Accepted: campaign.Settled, campaign.InDoubt: campaign.Settled, campaign.Refused: campaign.Settled,
	},
	verbSweep: {campaign.Sending: campaign.InDoubt}, // its deadline has passed
}

// drive does what the bytes say to one lead, and holds the record against the model after each step.
func (d *desk) drive(script []byte) {
	d.Helper()
	lead := d.staged(1)[0]
	id, state, k := "", none, 0
	for i, b := range script {
		verb := int(b) % verbs
		if verb == verbBegin {
			if c := d.pick(); c != nil {
				if state.Open() {
					d.Fatalf("step %d: the lead can be called during attempt %s, which is %s", i, id, state)
				}
				id, state = d.begin(c), campaign.Sending
				if k++; id != c.AttemptID() || c.NextAttempt() != k {
					d.Fatalf("step %d: attempt %s, want number %d", i, id, k)
				}
			} else if !state.Open() {
				d.Fatalf("step %d: the lead waits for a call, but is not offered; its last attempt is %q", i, state)
			}
		} else if id != "" {
			next, changes := machine[verb][state]
			changed, err := d.verb(verb, id)
			if next == "conflict" {
				d.wants(err, ErrConflict)
			} else {
				d.must(err)
				if changed != changes {
					d.Fatalf("step %d: verb %d on a %s attempt changed something: %t, want %t", i, verb, state, changed, changes)
				}
				if changes {
					state = next
				}
			}
		}
		if l := d.leadOf(lead); id != "" && (len(l.Attempts) == 0 || l.Attempts[len(l.Attempts)-1].State != state || l.Attempts[len(l.Attempts)-1].ID != id) {
			d.Fatalf("step %d: the record has %+v, want %s as %s", i, l.Attempts, id, state)
		}
		d.now = d.now.Add(time.Second)
	}
	d.sound()
}

// verb does one thing to an attempt and reports whether it was news.
func (d *desk) verb(verb int, id string) (changed bool, err error) {
	d.Helper()
	ctx := d.Context()
	switch verb {
	case verbAccepted:
		return d.Accepted(ctx, id, "call-"+id, d.now.Add(time.Minute), d.now)
	case verbDoubt:
		return d.InDoubt(ctx, id, "test", d.now.Add(time.Minute))
	case verbRefused:
		return d.refuse(id, Denial{Next: StepAgain, Reason: campaign.ReasonLimit})
	case verbSettle:
		return d.Settle(ctx, Settlement{
			AttemptID: id, CallID: "call-" + id, Disposition: campaign.NoAnswer, Next: Next{State: campaign.LeadWaiting, Due: d.now},
		}, d.now)
	case verbSweep:
		d.now = d.now.Add(time.Minute)
		swept, err := d.Sweep(ctx, testTeam, d.now)
		return len(swept.Doubted) > 0, err
	default:
		d.mu.Lock()
		for i := range d.recent[testTeam] {
			d.recent[testTeam][i].run = "another" // as if the server had changed
		}
		d.mu.Unlock()
		n, err := d.Reassert(ctx, testTeam, d.now)
		return n > 0, err
	}
}

// TestAttemptMachine drives attempts at random and holds the record against the model. DIALERD_SEEDS=1000 makes it a long run.
func TestAttemptMachine(t *testing.T) {
	seeds := uint64(5)
	if n, err := strconv.ParseUint(os.Getenv("DIALERD_SEEDS"), 10, 32); err == nil {
		seeds = n
	}
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		for seed := range seeds {
			if err := client.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(seed, 7))
			script := make([]byte, 60)
			for i := range script {
				script[i] = byte(rng.IntN(verbs))
			}
			t.Logf("seed %d: %v", seed, script)
			newDesk(t, client).drive(script)
		}
	})
}

// FuzzAttemptMachine is TestAttemptMachine with the order of things from the fuzzer.
func FuzzAttemptMachine(f *testing.F) {
	f.Add([]byte{verbBegin, verbAccepted, verbSettle, verbBegin, verbDoubt, verbSettle, verbSettle, verbRefused})
	f.Add([]byte{verbBegin, verbRefused, verbBegin, verbSweep, verbReassert, verbAccepted, verbRefused, verbSettle, verbBegin})
	client := redistest.Mini(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 60 {
			return
		}
		if err := client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		newDesk(t, client).drive(script)
	})
}
