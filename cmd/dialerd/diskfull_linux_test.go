package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/audit"
	"github.com/dialerd/dialerd/webhook"
)

// smallDisk is a file system of so many bytes, and a way to fill what is left of it.
func smallDisk(t *testing.T, size int) (dir string, fill func() (free func())) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("SKIPPED: a full disk needs a file system of its own, and this user may not mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, func() func() {
		ballast := filepath.Join(dir, "ballast")
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []int{4096, 1} {
			for err = nil; err == nil; {
				_, err = f.Write(make([]byte, part))
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("the disk is to be full: %v", err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// On a full disk the spool takes nothing and says so, which the sender is told (429, come again); what it had taken it still has, and it
// takes again once there is room.
func TestAFullDiskLosesNoEventThatTheSpoolTook(t *testing.T) {
	t.Parallel()
	dir, fill := smallDisk(t, 256<<10)
	spool, err := webhook.OpenSpool(webhook.SpoolOptions{Dir: filepath.Join(dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := spool.Close(); err != nil {
			t.Error(err)
		}
	}()
	put := func(i int) error {
		return spool.Append(webhook.Event{Team: "default", Kind: "NEW_RESPONSE", Digest: fmt.Sprint(i), At: tuesday10, Body: bytes.Repeat([]byte("x"), 700)})
	}
	var want []string
	taken := func(i int) {
		t.Helper()
		if err := put(i); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint(i))
	}
	for i := range 10 {
		taken(i)
	}
	free := fill()
	refused := 0
	for i := 10; i < 20; i++ { // what is left of a page may take a few
		if err := put(i); err == nil {
			want = append(want, fmt.Sprint(i))
		} else if refused++; !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if refused == 0 {
		t.Error("a full disk took everything")
	}
	free()
	for i := 20; i < 25; i++ {
		taken(i)
	}
	var got []string
	if _, err := spool.Drain(t.Context(), func(_ context.Context, e webhook.Event) error {
		got = append(got, e.Digest)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("drained %v, want %v", got, want)
	}
	// The archive of raw events is no record: it says what happened, and a torn line is all that it leaves.
	free = fill()
	kept := &webhook.Archive{Dir: filepath.Join(dir, "webhooks")}
	if err := kept.Keep(webhook.Event{At: tuesday10, Body: bytes.Repeat([]byte("x"), 64<<10)}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the archive of raw events on a full disk: %v", err)
	}
	free()
}

// On a full disk the record of decisions waits in Redis, whole; once there is room it comes to disk and its chain verifies. Should Redis fill
// up with it meanwhile, no call begins.
func TestAFullDiskKeepsTheRecordOfDecisionsInRedis(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	dir, fill := smallDisk(t, 512<<10)
	c.env["DIALERD_DATA_DIR"] = dir
	c.always()
	const limit = 12
	st := store.New(c.store.Client(), store.Options{Backlog: limit})
	archiver := &audit.Archiver{Store: st, Team: "default", Dir: filepath.Join(dir, "audit"), Host: "here", Now: c.now}
	defer func() {
		if err := archiver.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := archiver.Once(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	free := fill()
	ids := c.store.Client().HKeys(t.Context(), "dialerd:{default}:c:1:leads").Val()
	for i := range limit {
		note := strings.Repeat(fmt.Sprint("note ", i, " "), 200) // more than what is left of a page
		if err := st.HoldLead(t.Context(), "always", ids[0], campaign.ReasonHold, note); err != nil {
			t.Fatal(err)
		}
	}
	_, err := archiver.Once(t.Context(), 0)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the archiver on a full disk: %v", err)
	}
	waiting, err := st.Audit(t.Context(), "default")
	if err != nil || waiting.Backlog < limit-4 { // what is left of a page may take a few
		t.Fatalf("%d entries wait, %v", waiting.Backlog, err)
	}
	for waiting.Backlog < limit {
		if err := st.HoldLead(t.Context(), "always", ids[0], campaign.ReasonHold, "more"); err != nil {
			t.Fatal(err)
		}
		waiting.Backlog++
	}
	c.store = st
	if refusal := c.tryBegin("always"); refusal == nil || refusal.Reason != campaign.ReasonHold {
		t.Errorf("a call begins whose decision cannot be kept: %+v", refusal)
	}
	free()
	if _, err := archiver.Once(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if st, err := st.Audit(t.Context(), "default"); err != nil || st.Backlog != 0 {
		t.Errorf("%d entries still wait, %v", st.Backlog, err)
	}
	v, err := audit.Verify(t.Context(), st, filepath.Join(dir, "audit", "default"), "default")
	if err != nil || !v.OK() {
		t.Errorf("the chain: %+v, %v", v, err)
	}
	if refusal := c.tryBegin("always"); refusal != nil {
		t.Errorf("calls do not go on: %+v", refusal)
	}
}

// tryBegin asks whether a call to the campaign's next lead may begin.
func (c *cli) tryBegin(name string) *store.Refusal {
	c.t.Helper()
	claim := c.claim(name)
	facts, err := c.store.Facts(c.t.Context(), claim.Lead, c.now().Format(time.DateOnly), c.now())
	if err != nil {
		c.t.Fatal(err)
	}
	_, refusal, err := c.store.Begin(c.t.Context(), store.BeginRequest{
		Claim: claim, Agent: "aB3dE9fG", Now: c.now(), Deadline: c.now().Add(time.Minute), Day: c.now().Format(time.DateOnly),
		TeamEpoch: facts.TeamEpoch, CampaignEpoch: facts.CampaignEpoch,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if refusal != nil {
		if err := c.store.Return(c.t.Context(), claim); err != nil {
			c.t.Fatal(err)
		}
	}
	return refusal
}
