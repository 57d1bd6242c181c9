package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What cannot be meant is wrong usage before anything is done, with the flag, its value and what to write instead.
func TestWrongUsageNamesTheFlagTheValueAndTheMend(t *testing.T) {
	t.Parallel()
	const noRedis = "redis://127.0.0.1:1"
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"serve", "--concurrency", "0"}, []string{"--concurrency 0", "write 1 or more"}},
		{[]string{"serve", "--concurrency", "-3"}, []string{"--concurrency -3", "write 1 or more"}},
		{[]string{"serve", "--roles", ""}, []string{`--roles ""`, "hooks, admin, feed, work"}},
		{[]string{"serve", "--roles", "feed,"}, []string{`--roles: ""`, "hooks, admin, feed, work"}},
		{[]string{"completion"}, []string{"SHELL is missing", "bash, fish, powershell, zsh"}},
		{[]string{"completion", "tcsh"}, []string{`"tcsh"`, "bash, fish, powershell, zsh"}},
		{[]string{"completion", "bash", "zsh"}, []string{`"zsh"`}},
		{[]string{"mock", "--listen", "nowhere"}, []string{`--listen "nowhere"`, "host:port", "127.0.0.1:8080"}},
		{[]string{"mock", "--listen", "127.0.0.1:99999"}, []string{`--listen "127.0.0.1:99999"`, "0 to 65535"}},
		{[]string{"why", "+12125550123", "--at", ""}, []string{`--at ""`, "leave it out"}},
		{[]string{"why", "+12125550123", "--campaign", ""}, []string{`--campaign ""`, "leave it out"}},
		{[]string{"rules", "show", "US-NY", "--at", ""}, []string{`--at ""`, "leave it out"}},
		{[]string{"rules", "check", "--at", ""}, []string{`--at ""`, "leave it out"}},
		{[]string{"dnc", "remove", "+12125550123", "--reason", "asked", "--campaign", ""}, []string{`--campaign ""`, "leave it out"}},
		{[]string{"fsck", "--team", ""}, []string{`--team ""`, "leave it out"}},
		{[]string{"audit", "export", "--phone", ""}, []string{`--phone ""`, "leave it out"}},
		{[]string{"audit", "export", "--from", ""}, []string{`--from ""`, "leave it out"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			c := &cli{t: t, dir: t.TempDir(), now: func() time.Time { return tuesday10 }}
			c.env = map[string]string{"REDIS_URL": noRedis, "DIALERD_DATA_DIR": filepath.Join(c.dir, "data")}
			code, out, errs := c.run(test.args...)
			if code != exitUsage || out != "" {
				t.Errorf("exit code %d, want %d\n%s%s", code, exitUsage, out, errs)
			}
			for _, want := range test.want {
				if !strings.Contains(errs, want) {
					t.Errorf("it says %q, want %q in it", errs, want)
				}
			}
		})
	}
}
