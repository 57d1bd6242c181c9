package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

func TestFsckEndsWithThreeWhenTheRecordContradictsItself(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	if got := c.json("fsck").(map[string]any); got["ok"] != true || got["leads"] != 3.0 {
		t.Fatalf("of a sound record: %v", got)
	}
	if err := c.store.Client().HIncrBy(t.Context(), "dialerd:{default}:c:1:count", "s:new", 1).Err(); err != nil {
		t.Fatal(err)
	}
	code, out, errs := c.run("fsck")
	if code != exitBroken || !strings.Contains(out, "counter s:new") || !strings.Contains(errs, "contradicts itself") {
		t.Errorf("exit code %d, want %d\n%s%s", code, exitBroken, out, errs)
	}
}

// damaged is a record with a counter, a queue and a phone's history wrong, and one lead being called.
func damaged(t *testing.T) (*cli, string) {
	t.Helper()
	c := newCLI(t)
	c.always()
	attempt, phone := c.begin("always", c.now().Add(time.Minute))
	const team = "dialerd:{default}:"
	r, ctx := c.store.Client(), t.Context()
	lanes, err := c.store.Lanes(ctx, "always")
	if err != nil {
		t.Fatal(err)
	}
	pipe := r.Pipeline()
	pipe.HIncrBy(ctx, team+"c:1:count", "s:new", 7)
	pipe.HDel(ctx, team+"phones", string(phone)) // as if nobody were on the line
	pipe.Del(ctx, team+"sending", team+"flight")
	for lane := range lanes {
		pipe.Del(ctx, team+"c:1:ready:"+lane)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	return c, attempt
}

func TestFsckRepairMendsSaysSoAndIsInTheRecord(t *testing.T) {
	t.Parallel()
	c, attempt := damaged(t)
	if code, _, errs := c.run("fsck"); code != exitBroken || !strings.Contains(errs, "fsck --repair") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	got := c.json("fsck", "--repair").(map[string]any)
	changes := fmt.Sprint(got["changes"])
	for _, want := range []string{"its open attempt", "is sending", "into ready:", "c:1:count s:new: 7, 0", "flight team: 0, 1"} {
		if !strings.Contains(changes, want) {
			t.Errorf("nothing about %q in %s", want, changes)
		}
	}
	if got["ok"] != true {
		t.Errorf("left: %v", got["differences"])
	}
	c.must("fsck")
	if got := c.json("fsck", "--repair").(map[string]any); len(got["changes"].([]any)) != 0 {
		t.Errorf("a second repair changed %v", got["changes"])
	}
	if _, told := c.json("fsck").(map[string]any)["changes"]; told {
		t.Error("a check without --repair speaks of changes")
	}
	// Nobody else may ring the phone that may be ringing.
	a, _, err := c.store.FindAttempt(t.Context(), "default", store.Clue{AttemptID: attempt})
	if err != nil || a.State != campaign.Sending {
		t.Errorf("attempt %s: %+v, %v", attempt, a, err)
	}
	entries, err := c.store.AuditEntries(t.Context(), "default", "", 1000)
	if err != nil || !slices.ContainsFunc(entries, func(e store.AuditEntry) bool { return e.Kind == "repair" && e.By != "" }) {
		t.Errorf("the record of decisions does not tell of the repair: %v", err)
	}
}

func TestFsckRepairEndsWithThreeWhenSomethingIsLeft(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	r := c.store.Client()
	ids := r.HKeys(t.Context(), "dialerd:{default}:c:1:leads").Val()
	if err := r.HSet(t.Context(), "dialerd:{default}:c:1:leads", ids[0], "{}").Err(); err != nil {
		t.Fatal(err)
	}
	code, out, errs := c.run("fsck", "--repair")
	if code != exitBroken || !strings.Contains(out, "mended: ") || !strings.Contains(out, "without a row") || strings.Contains(errs, "--repair") {
		t.Errorf("exit code %d, want %d\n%s%s", code, exitBroken, out, errs)
	}
}
