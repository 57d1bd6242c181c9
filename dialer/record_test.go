package dialer

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// Every ring has an entry with the decision that it rests on, every settled attempt its end; refusals say why and are not repeated.
func TestEveryRingIsInTheRecordOfDecisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 3, Profile: simulator.Messy()})
		c := spring()
		f.load(c, 20)
		also := always("also") // of the same people: it has to wait for them, and then, by a new version, once more
		also.Attempts.Gap = 5 * time.Minute
		f.load(also, 20)
		f.add()
		f.subscribe()
		time.Sleep(4 * time.Minute)
		also.Attempts.Gap = 2 * time.Hour
		if _, err := f.store.Apply(context.Background(), also, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		f.close()
		synctest.Wait()

		rings := simulator.RingsByAttempt(f.sim.Rings(), MetaAttempt)
		if len(rings) < 10 {
			t.Fatalf("only %d rings", len(rings))
		}
		began, ended := map[string]bool{}, map[string]int{}
		refused, told := 0, map[string]string{} // why the lead was last put off since its last call
		next := int64(1)
		f.entries(func(e store.AuditEntry) {
			if e.Number != next {
				t.Errorf("entry %d has the number %d", next, e.Number)
			}
			next++
			switch e.Kind {
			case "begin":
				began[e.Attempt] = true
				delete(told, e.Lead)
				checkDecision(t, e)
			case "end":
				ended[e.Attempt]++
				delete(told, e.Lead)
			case "refusal":
				refused++
				if told[e.Lead] == e.Reason {
					t.Errorf("lead %s was put off twice in a row for %q", e.Lead, e.Reason)
				}
				told[e.Lead] = e.Reason
			}
		})
		for id := range rings {
			if !began[id] {
				t.Errorf("attempt %s rang without an entry", id)
			}
		}
		for id, n := range ended {
			if n > 1 || !began[id] {
				t.Errorf("attempt %s ended %d times, began %t", id, n, began[id])
			}
		}
		if len(ended) == 0 {
			t.Error("no end is told of")
		}
		if refused == 0 {
			t.Error("no refusal is told of")
		}
		t.Logf("%d entries: %d begun, %d ended, %d refused", next-1, len(began), len(ended), refused)
	})
}

// checkDecision holds what was decided against what 16 CFR 310.5 and the rules want to know later.
func checkDecision(t *testing.T, e store.AuditEntry) {
	t.Helper()
	var d decided
	if err := json.Unmarshal([]byte(e.Detail), &d); err != nil {
		t.Fatal(err)
	}
	if d.Verdict != "allow" || len(d.Regions) == 0 || len(d.Zones) == 0 || len(d.Local) != len(d.Zones) || d.Rules == "" || d.TZData == "" ||
		d.Version != 1 || len(d.Caps) < 3 || len(d.Rows) == 0 || d.Until == "" || d.Deadline == "" || len(d.Person.Trace) < 15 {
		t.Errorf("decision %s", e.Detail)
	}
	for _, step := range d.Person.Trace {
		if !step.Pass {
			t.Errorf("called although rule %s said %s", step.Rule, step.Detail)
		}
	}
	if e.Phone == "" || e.Lead == "" || e.Agent == "" || e.Campaign == "" || e.At.IsZero() {
		t.Errorf("entry %+v", e)
	}
}

// entries calls fn for what waits of the team's record.
func (f *fleet) entries(fn func(store.AuditEntry)) {
	f.t.Helper()
	after := ""
	for {
		all, err := f.store.AuditEntries(context.Background(), teamName, after, 1000)
		if err != nil {
			f.t.Fatal(err)
		}
		if len(all) == 0 {
			return
		}
		for _, e := range all {
			fn(e)
			after = e.StreamID
		}
	}
}
