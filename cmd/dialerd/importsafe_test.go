package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dialerd/dialerd/store/redistest"
)

// importTest runs the program on a redis-server of its own.
type importTest struct {
	*testing.T
	dir string
	url string
}

func newImportTest(t *testing.T, rows int) *importTest {
	t.Helper()
	needRedis(t)
	m := &importTest{T: t, dir: t.TempDir(), url: redistest.StartServer(t, redistest.Options{AppendOnly: true}).URL()}
	m.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nleads: [{source: \"*.csv\", country: US}]\nconsent: {basis: \"our own customers\"}\n")
	var b strings.Builder
	b.WriteString("Phone,Name,Note\n")
	for i := range rows {
		fmt.Fprintf(&b, "212%03d%04d,Lead %d,\"a, b\"\n", 220+i/10_000, i%10_000, i)
	}
	m.write("leads.csv", b.String())
	if out, err := m.command(t.Context(), "campaign", "apply", "spring.yaml").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m
}

func (m *importTest) write(name, text string) {
	m.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
		m.Fatal(err)
	}
}

func (m *importTest) command(ctx context.Context, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		m.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Args[0], cmd.Dir = "dialerd", m.dir
	cmd.Env = append(os.Environ(), "REDIS_URL="+m.url, "THOUGHTLY_BASE_URL=http://127.0.0.1:1", "THOUGHTLY_API_TOKEN=t",
		"THOUGHTLY_TEAM_ID=5c1d7e64-0f0e-4a3b-9d55-2b6a1c0f7e11", "DIALERD_DATA_DIR="+filepath.Join(m.dir, "data"))
	return cmd
}

// counts runs an import and returns what it counted.
func (m *importTest) counts() map[string]int {
	var stdout, stderr bytes.Buffer
	cmd := m.command(m.Context(), "import", "leads.csv", "--campaign", "spring", "--json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		m.Errorf("%v: %s", err, stderr.String())
		return nil
	}
	all := map[string]any{}
	if err := json.Unmarshal(stdout.Bytes(), &all); err != nil {
		m.Error(err)
	}
	n := map[string]int{}
	for _, key := range []string{"rows", "added", "updated", "unchanged", "duplicate", "rejected"} {
		v, _ := all[key].(float64)
		n[key] = int(v)
	}
	if n["rows"] != n["added"]+n["updated"]+n["unchanged"]+n["duplicate"]+n["rejected"] {
		m.Errorf("rows do not add up: %v", n)
	}
	return n
}

// sound demands that the record's counters are what its leads say.
func (m *importTest) sound() {
	m.Helper()
	if out, err := m.command(m.Context(), "fsck").CombinedOutput(); err != nil {
		m.Errorf("fsck: %v: %s", err, out)
	}
}

func TestTwoImportsAtOnceAddEachLeadOnce(t *testing.T) {
	t.Parallel()
	const rows = 3000
	m := newImportTest(t, rows)
	var got [2]map[string]int
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() { got[i] = m.counts() })
	}
	wait.Wait()
	if n := got[0]["added"] + got[1]["added"]; n != rows {
		t.Errorf("%d leads added: %v", n, got)
	}
	if n := got[0]["unchanged"] + got[1]["unchanged"]; n != rows {
		t.Errorf("%d leads were there: %v", n, got)
	}
	m.sound()
}

func TestAKilledImportIsRepeatedWithoutHarm(t *testing.T) {
	t.Parallel()
	const rows = 20_000
	m := newImportTest(t, rows)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := m.command(ctx, "import", "leads.csv", "--campaign", "spring")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It is killed as soon as the first leads are in.
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		out, err := m.command(ctx, "campaign", "list", "--json").Output()
		if err == nil && !bytes.Contains(out, []byte(`"leads": 0`)) {
			break
		}
	}
	cancel()
	_ = cmd.Wait() // it was killed, or was faster
	m.sound()
	n := m.counts()
	if n["added"]+n["unchanged"] != rows || n["updated"]+n["duplicate"]+n["rejected"] != 0 {
		t.Errorf("got %v", n)
	}
	if again := m.counts(); again["unchanged"] != rows {
		t.Errorf("again: %v", again)
	}
	m.sound()
}

// TestASignalEndsAnImportAndNoPartOfTheListStaysOnDisk: an archive from a stream is unpacked from a file of its own.
func TestASignalEndsAnImportAndNoPartOfTheListStaysOnDisk(t *testing.T) {
	t.Parallel()
	const rows = 40_000
	m := newImportTest(t, rows)
	text, err := os.ReadFile(filepath.Join(m.dir, "leads.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var packed, stderr bytes.Buffer
	z := zip.NewWriter(&packed)
	part, err := z.Create("leads.csv")
	if err == nil {
		_, err = part.Write(text)
	}
	temp := t.TempDir()
	cmd := m.command(t.Context(), "import", "-", "--campaign", "spring", "--country", "US")
	cmd.Env = append(cmd.Env, "TMPDIR="+temp)
	cmd.Stderr = &stderr
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = &packed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	unpacked := false
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		out, err := m.command(t.Context(), "campaign", "list", "--json").Output()
		files, _ := os.ReadDir(temp) // now, as all the rows may come in while the list is asked for
		unpacked = unpacked || len(files) > 0
		if err == nil && !bytes.Contains(out, []byte(`"leads": 0`)) {
			break
		}
	}
	err = errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
	if cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(stderr.String(), "ended by a signal; what was read before is in the campaign") {
		t.Errorf("%v: %s", err, stderr.String())
	}
	if files, err := os.ReadDir(temp); err != nil || len(files) > 0 || !unpacked {
		t.Errorf("left behind: %v, %v; was anything there before: %v", files, err, unpacked)
	}
	m.sound()
	if n := m.counts(); n["added"] == 0 || n["updated"]+n["unchanged"] == 0 || n["duplicate"]+n["rejected"] > 0 || n["rows"] != rows {
		t.Errorf("again: %v", n)
	}
}

func TestAWatchedFolderIsReadListByList(t *testing.T) {
	t.Parallel()
	m := newImportTest(t, 10)
	in := filepath.Join(m.dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	m.write("in/notes.md", "no list")
	m.write("in/bad.csv", "Name\nAnn\n")
	m.write("in/good.csv", "Phone\n+12125550123\n+12125550124\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := m.command(ctx, "import", "--watch", "in", "--campaign", "spring")
	cmd.Args[0] = "dialerd-brisk"
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(in, name))
		return err == nil
	}
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end) && (!there("done/good.csv") || !there("failed/bad.csv")); {
		time.Sleep(20 * time.Millisecond)
	}
	if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
		t.Errorf("a signal ends it with %v", err)
	}
	if !there("done/good.csv") || !there("failed/bad.csv") || !there("notes.md") || there("good.csv") {
		t.Error("the lists are not where they belong")
	}
	if why, err := os.ReadFile(filepath.Join(in, "failed/bad.csv.why")); err != nil || !strings.Contains(string(why), "no column is for the phone") {
		t.Errorf("why: %s, %v", why, err)
	}
	if !strings.Contains(stdout.String(), "spring: 2 rows: 2 added") {
		t.Errorf("got %s", stdout.String())
	}
}
