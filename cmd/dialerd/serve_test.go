package main

import (
	"strings"
	"testing"

	"github.com/dialerd/dialerd/store/redistest"
)

func TestServeRefusesARedisThatThrowsDataAwayForEveryAPI(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, redistest.Options{AppendOnly: true, Args: []string{"--maxmemory-policy", "allkeys-lru"}})
	c := newCLI(t)
	c.env["REDIS_URL"], c.env["DIALERD_PUBLIC_URL"] = server.URL(), "http://127.0.0.1:1"
	c.env["DIALERD_LISTEN"], c.env["DIALERD_ADMIN"] = "127.0.0.1:0", "127.0.0.1:0"
	code, _, errs := c.run("serve")
	if code != exitFailed || !strings.Contains(errs, "allkeys-lru") || !strings.Contains(errs, "set maxmemory-policy noeviction") {
		t.Errorf("exit %d, %s", code, errs)
	}
}
