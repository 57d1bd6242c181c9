package webhook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestRawBodiesAreKeptByDayWithoutSecrets(t *testing.T) {
	t.Parallel()
	h, _ := newHandler()
	dir := filepath.Join(t.TempDir(), "webhooks")
	h.Archive = &Archive{Dir: dir}
	now := time.Date(2026, 3, 10, 20, 0, 0, 0, time.FixedZone("EDT", -4*3600)) // the 11th in UTC
	h.Now = func() time.Time { return now }
	at := serve(t, h)
	path := filepath.Join(dir, "2026-03-11.jsonl")
	lines := func(n int) func() bool {
		return func() bool { text, _ := os.ReadFile(path); return strings.Count(string(text), "\n") == n }
	}
	post(t, at+hookPath(KindResponse, agent), body)
	eventually(t, "the first line", lines(1)) // it is written after the answer, and the next one need not wait for it
	post(t, at+"/automation/default", "\xff broken")
	post(t, at+"/automation/nobody", "stranger")
	eventually(t, "both lines", lines(2))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{Secret(secretToken, team), AutomationSecret(secretToken, team), secretToken} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the archive holds %q", secret)
		}
	}
	var bodies []string
	for _, l := range strings.SplitAfter(string(text), "\n")[:2] {
		e, err := decodeLine([]byte(l))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(e.Body))
	}
	if diff := cmp.Diff([]string{body, "\xff broken"}, bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the folder %v, %v", info.Mode(), err)
	}
}

func TestTrimDeletesOldDaysAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"2026-02-07.jsonl", "2026-02-08.jsonl", "2026-03-10.jsonl", "2027-01-01.jsonl", "2020-01-01.txt", "notes.jsonl", "2026-02-31.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := &Archive{Dir: dir}
	if n, err := a.Trim(noon); n != 1 || err != nil {
		t.Errorf("removed %d: %v", n, err)
	}
	want := []string{"2020-01-01.txt", "2026-02-08.jsonl", "2026-02-31.jsonl", "2026-03-10.jsonl", "2027-01-01.jsonl", "notes.jsonl"}
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a.Days = 1
	if n, err := a.Trim(noon.AddDate(0, 0, 2)); n != 2 || err != nil {
		t.Errorf("removed %d: %v", n, err)
	}
	if n, err := (&Archive{Dir: filepath.Join(dir, "none")}).Trim(noon); n != 0 || err != nil {
		t.Errorf("of no folder removed %d: %v", n, err)
	}
}
