package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program: under the name dialerd it is, in scripts and as the keeper of the embedded Redis.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dialerd": func() {
			code := mainCode()
			tellPeak()
			os.Exit(code)
		},
		// Watched folders are read without the wait.
		"dialerd-brisk": func() {
			a := &app{streams: streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}, lookup: os.LookupEnv, now: time.Now, settle: time.Nanosecond}
			os.Exit(a.run(context.Background(), os.Args[1:]))
		},
	})
}

// needRedis skips a test where no redis-server is installed; in CI it fails.
func needRedis(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no redis-server on PATH; install it (Debian: apt-get install redis-server)")
	}
	t.Skip("SKIPPED: no redis-server on PATH, so no command was tested (Debian: apt-get install redis-server)")
}

// TestScripts runs the program as a person would, each script on an embedded Redis of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	needRedis(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or the race detector adds a second to each of hundreds of commands
			env.Setenv("MOCK", freeAddress(t))
			url, sheet := newFakeSheets(t)
			env.Setenv("SHEETS", url)
			env.Values["sheet"] = sheet
			env.Setenv("THOUGHTLY_BASE_URL", "http://"+env.Getenv("MOCK"))
			env.Setenv("THOUGHTLY_API_TOKEN", "simulated-token")
			env.Setenv("THOUGHTLY_TEAM_ID", "5c1d7e64-0f0e-4a3b-9d55-2b6a1c0f7e11")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"sheet": scriptSheet, "code": scriptCode, "reachable": scriptReachable},
	})
}

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// scriptCode runs a command that must end with an exit code: code 2 dialerd import.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("run: %v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptReachable waits until something listens on an address.
func scriptReachable(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c, err := net.DialTimeout("tcp", args[0], time.Second)
		if err == nil {
			ts.Check(c.Close())
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("nothing listens on %s", args[0])
}
