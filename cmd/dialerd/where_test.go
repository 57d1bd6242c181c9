package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/store"
)

// buckets is what `where` says, as state/reason → count.
func buckets(t *testing.T, c *cli, name string) (map[string]int, int) {
	t.Helper()
	w := c.json("where", name).(map[string]any)
	counts, share := map[string]int{}, 0.0
	for _, b := range w["buckets"].([]any) {
		b := b.(map[string]any)
		key := fmt.Sprintf("%v/%v", b["state"], b["reason"])
		if _, twice := counts[key]; twice {
			t.Errorf("two buckets for %s", key)
		}
		counts[key] = int(b["count"].(float64))
		share += b["share"].(float64)
	}
	if math.Abs(share-1) > 1e-9 {
		t.Errorf("the shares sum to %v, want 1", share)
	}
	return counts, int(w["total"].(float64))
}

func TestWherePutsEveryLeadIntoOneBucket(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.must("lead", "add", "+18005550123", "--campaign", "always")
	c.must("lead", "add", "+12125550140", "--campaign", "always", "--not-before", "2027-03-10")
	c.must("lead", "add", "+12125550141", "--campaign", "always")
	c.must("lead", "close", "+12125550141", "--campaign", "always")
	c.must("lead", "add", "+12125550142", "--campaign", "always")
	c.must("lead", "hold", "+12125550142", "--campaign", "always")
	c.must("dnc", "add", "312-555-0124")
	c.begin("always", tuesday10.Add(15*time.Second))

	want := map[string]int{
		"calling/in_flight": 1, "staged/limit": 1, "staged/schedule": 1, "held/toll_free": 1, "held/hold": 1, "closed/suppressed": 1, "closed/<nil>": 1,
	}
	got, total := buckets(t, c, "always")
	if diff := cmp.Diff(want, got); diff != "" || total != 7 {
		t.Errorf("total %d, want 7:\n%s", total, diff)
	}
	// The same phone in another campaign of the team: what was called there counts here, and is seen here.
	c.must("campaign", "apply", c.write("other.yaml", "campaign: other\nagents: [{id: aB3dE9fG}]\nleads: [{source: leads.csv, country: US}]\n"+
		"calling: {rules: none}\n"))
	c.must("campaign", "start", "other")
	got, _ = buckets(t, c, "other")
	if diff := cmp.Diff(map[string]int{"new/gap": 1, "new/limit": 1, "closed/suppressed": 1}, got); diff != "" {
		t.Errorf("in the other campaign:\n%s", diff)
	}
	if _, err := c.store.SetHold(t.Context(), "always", campaign.HoldPaused, tuesday10); err != nil {
		t.Fatal(err)
	}
	got, _ = buckets(t, c, "always")
	if got["staged/hold"] != 2 {
		t.Errorf("paused: %v", got)
	}
}

func TestWhereSumsInALargeCampaign(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	var list strings.Builder
	list.WriteString("phone\n")
	for i := range 6000 {
		fmt.Fprintf(&list, "+1212%07d\n", 2000000+i)
	}
	c.must("import", c.write("many.csv", list.String()), "--campaign", "always")
	got, total := buckets(t, c, "always")
	if diff := cmp.Diff(map[string]int{"new/limit": 6003}, got); diff != "" || total != 6003 {
		t.Errorf("total %d:\n%s", total, diff)
	}
	out := c.must("export", "always")
	if n := strings.Count(out, "\n"); n != 6004 {
		t.Errorf("the export has %d lines, want 6004", n)
	}
}

func TestScheduledImportReadsWhatItCanAndReportsTheRest(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write("good.csv", "phone\n212-555-0123\n12\n")
	c.must("campaign", "apply", c.write("two.yaml", "campaign: two\nagents: [{id: aB3dE9fG}]\n"+
		"leads: [{source: missing.csv, country: US}, {source: good.csv, country: US}]\n"))
	if code, _, errs := c.run("import", "--campaign", "two"); code != exitFailed || !strings.Contains(errs, "missing.csv") {
		t.Errorf("import: exit code %d: %s", code, errs)
	}
	var stdout, stderr strings.Builder
	a := c.app(nil, nil)
	a.out, a.err = &stdout, &stderr
	defer func() { _ = a.close() }()
	err := a.importScheduled(t.Context(), "two")
	if err == nil || !strings.Contains(err.Error(), "missing.csv") {
		t.Errorf("error is %v, want one that names missing.csv", err)
	}
	if got := c.json("campaign", "list").(map[string]any)["campaigns"].([]any)[0].(map[string]any)["leads"]; got != 1.0 {
		t.Errorf("%v leads, want 1", got)
	}
	if stdout.String() != "" || !strings.Contains(stderr.String(), `"msg":"lists imported"`) || strings.Contains(stderr.String(), "5550123") {
		t.Errorf("stdout %q, log %q", stdout.String(), stderr.String())
	}
	if _, err := os.Stat(c.env["DIALERD_DATA_DIR"] + "/rejects/two-good.csv"); err != nil {
		t.Error(err)
	}
}

// A fleet whose clocks are off calls nobody: status, where and why say so, and not that a slot is waited for.
func TestAFleetWhoseClocksAreOffIsNamedEverywhere(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	says := func(want bool) {
		t.Helper()
		for _, args := range [][]string{{"campaign", "status", "always"}, {"where", "always"}, {"why", "+12125550123"}} {
			out := c.must(args...)
			if strings.Contains(out, "clock") != want || strings.Contains(out, "can be called now") && want {
				t.Errorf("%v, clock %v:\n%s", args, want, out)
			}
		}
	}
	says(false)
	beat := func(id string, ahead float64) {
		t.Helper()
		if err := c.store.Heartbeat(t.Context(), store.Daemon{ID: id, Roles: allRoles, Teams: []string{"default"}, Clock: &ahead}, c.now()); err != nil {
			t.Fatal(err)
		}
	}
	beat("one", -2.5)
	says(true)
	beat("another", 0.1)
	says(false)
}

// A daemon tells the fleet how far its clock is off, on a clock that is not.
// A campaign that is running while its daemon is dead is the first thing that whoever killed it has to be told.
func TestStatusSaysThatNobodyDials(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	wants := func(want bool, when string) {
		t.Helper()
		out := c.must("campaign", "status", "always")
		told := strings.Contains(out, "nobody dials: no daemon that calls for team default was heard of in the last minute; start one: dialerd serve")
		if told != want {
			t.Errorf("%s: told %t, want %t\n%s", when, told, want, out)
		}
	}
	beat := func(d store.Daemon) {
		t.Helper()
		if err := c.store.Heartbeat(t.Context(), d, c.now()); err != nil {
			t.Fatal(err)
		}
	}
	wants(true, "no daemon")
	beat(store.Daemon{ID: "a", Roles: []string{roleHooks, roleAdmin}})
	beat(store.Daemon{ID: "b", Roles: allRoles, Teams: []string{"west"}})
	wants(true, "daemons that do not call for the team")
	beat(store.Daemon{ID: "c", Roles: allRoles, Teams: []string{"default"}})
	wants(false, "a daemon that calls")
	at := c.now()
	c.now = func() time.Time { return at.Add(61 * time.Second) }
	wants(true, "it was killed a minute ago")
	c.must("campaign", "pause", "always")
	wants(false, "a campaign that is not running")
}

func TestAHeartbeatTellsOfTheClock(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	var out, errs bytes.Buffer
	a := c.app(&out, &errs)
	defer func() { _ = a.close() }()
	a.now = func() time.Time { return time.Now().Add(-time.Hour) }
	st, err := a.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{a: a, dialer: &dialer.Dialer{Store: st}}
	if err := d.beat(t.Context(), store.Daemon{ID: "one"}); err != nil {
		t.Fatal(err)
	}
	all, err := st.Daemons(t.Context(), time.Now())
	if err != nil || len(all) != 1 || all[0].Clock == nil || math.Abs(*all[0].Clock) > 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

// The minutes of a month count for the team, against those that its plan includes.
func TestStatusSaysWhatIsUsedOfThePlan(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	settings := c.write("dialerd.yaml", "teams: [{name: default, plan: {included_minutes: 3, per_minute: 0.1, currency: EUR}}]\n")
	for i, want := range []string{"2 of 3 minutes in 2027-03, 0.00 EUR", "4 of 3 minutes in 2027-03, 0.10 EUR"} {
		id, _ := c.begin("always", tuesday10.Add(15*time.Second))
		if _, err := c.store.Settle(t.Context(), store.Settlement{
			AttemptID: id, Disposition: campaign.Completed, Duration: 61 * time.Second, Next: store.Next{State: campaign.LeadClosed},
		}, tuesday10); err != nil {
			t.Fatal(err)
		}
		if out := c.must("campaign", "status", "always", "--config", settings); !strings.Contains(out, want) {
			t.Errorf("after %d calls, want %q:\n%s", i+1, want, out)
		}
	}
	if got := c.json("fsck").(map[string]any); got["ok"] != true {
		t.Errorf("fsck: %v", got)
	}
}
