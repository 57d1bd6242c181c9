package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store/redistest"
)

// look is what doctor says about one check; "" when it says nothing.
func (c *cli) look(check string, args ...string) (state, detail string) {
	c.t.Helper()
	_, out, errs := c.run(append([]string{"doctor", "--offline", "--json"}, args...)...)
	var said struct{ Checks []finding }
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		c.t.Fatalf("%v: %s%s", err, out, errs)
	}
	for _, f := range said.Checks {
		if f.Check == check {
			return f.State, f.Detail
		}
	}
	return "", ""
}

func TestDoctorLooksAtDataDir(t *testing.T) {
	t.Parallel()
	c := newCLI(t) // its folder is one for temporary files
	if state, detail := c.look("data_dir"); state != findingWarning || !strings.Contains(detail, "DIALERD_DATA_DIR") {
		t.Errorf("a temporary folder: %s, %s", state, detail)
	}
	c.env["THOUGHTLY_BASE_URL"], c.env["DIALERD_PUBLIC_URL"] = "https://api.example.com", "https://d.example.com"
	if state, _ := c.look("data_dir"); state != findingFailed {
		t.Errorf("a temporary folder, and people are called: %s", state)
	}
	file := c.write("file", "x")
	c.env["DIALERD_DATA_DIR"] = filepath.Join(file, "data")
	if state, detail := c.look("data_dir"); state != findingFailed || !strings.Contains(detail, "nothing can be kept") {
		t.Errorf("no folder: %s, %s", state, detail)
	}
	for name, tt := range map[string]struct {
		dir  string
		at   storage
		real bool
		want string
		says string
	}{
		"lasting":              {"/var/lib/dialerd", storage{free: 1 << 40, known: true}, true, findingOK, "writable"},
		"unknown":              {"/var/lib/dialerd", storage{}, true, findingOK, "writable"},
		"nearly full":          {"/var/lib/dialerd", storage{free: 5 << 20, known: true}, true, findingWarning, "5 MiB left"},
		"in memory":            {"/srv/d", storage{passing: "in memory"}, true, findingFailed, "in memory"},
		"in memory, rehearsed": {"/srv/d", storage{passing: "in memory"}, false, findingWarning, "in memory"},
		"a container's":        {"/data", storage{passing: "in a container's own layer"}, true, findingFailed, "a volume"},
		"under tmp":            {"/tmp/dialerd", storage{}, true, findingFailed, "/tmp"},
		"tmp itself":           {"/var/tmp", storage{}, true, findingFailed, "/var/tmp"},
		"no tmp":               {"/tmpfiles/dialerd", storage{}, true, findingOK, ""},
	} {
		if got := judgeData(tt.dir, tt.at, tt.real); got.State != tt.want || !strings.Contains(got.Detail, tt.says) {
			t.Errorf("%s: %+v, want %s about %q", name, got, tt.want, tt.says)
		}
	}
	left, err := os.ReadDir(filepath.Join(c.dir, "data"))
	if err != nil || len(left) > 0 {
		t.Errorf("doctor left %v behind, %v", left, err)
	}
}

// A replica that has died is shown by doctor, by /readyz and in the metrics, and readiness goes only while no call can begin.
func TestADeadReplicaIsShownEverywhere(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	primary := redistest.StartServer(t, redistest.Options{AppendOnly: true, Args: []string{"--port", port, "--repl-diskless-sync-delay", "0"}})
	replica := redistest.StartServer(t, redistest.Options{Args: []string{"--replicaof", "127.0.0.1", port}})
	client := primary.Client(t)
	f := newFleetTest(t, simulator.Calm())
	f.until(20*time.Second, "the replica follows", func() bool { return client.Do(t.Context(), "WAIT", 1, 100).Val() == int64(1) })
	f.env = append(f.env, "REDIS_URL="+primary.URL())
	path, _ := f.config()
	f.run("campaign", "apply", "campaign.yaml", "--config", path)
	d := f.serve()
	ready := "http://" + d.admin + "/readyz"
	f.until(20*time.Second, "the daemon is ready", func() bool { return f.get(ready) == http.StatusOK })
	if text := f.text(ready); text != "ready\n" {
		t.Errorf("with its replica: %q", text)
	}
	if out := f.doctor(path); !strings.Contains(out, "1 replica in step") {
		t.Errorf("doctor, with its replica: %s", out)
	}
	replica.Kill(t)
	f.until(20*time.Second, "it is not ready", func() bool { return f.get(ready) == http.StatusServiceUnavailable })
	if text := f.text(ready); !strings.Contains(text, "0 of 1 replicas") || !strings.Contains(text, "no call begins") {
		t.Errorf("without its replica: %q", text)
	}
	metrics := f.text("http://" + d.admin + "/metrics")
	for _, want := range []string{`dialerd_redis_replicas{state="answering"} 0`, `dialerd_redis_replicas{state="most"} 1`, "dialerd_redis_replicas_blocked 1"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
	if out := f.doctor(path); !strings.Contains(out, "0 of 1 replicas of redis answer: the record survives") { // it has not seen the replica itself
		t.Errorf("doctor, without its replica: %s", out)
	}
}

// text is what an address of a daemon answers.
func (f *fleetTest) text(url string) string {
	f.t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(raw)
}

// doctor is what the command says, whatever it thinks of the rest.
func (f *fleetTest) doctor(path string) string {
	f.t.Helper()
	out, _ := f.command(f.t.Context(), "doctor", "--offline", "--config", path).CombinedOutput() // it ends with 1 when something failed
	return string(out)
}
