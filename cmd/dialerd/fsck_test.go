package main

import (
	"strings"
	"testing"
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
