package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Watched is a primary with replicas, and sentinels that put a replica in its place when it dies.
type Watched struct {
	Primary  *Server
	Replicas []*Server
	URL      string // in the form that a settings file takes
}

// watchedName is how the sentinels call the primary.
const watchedName = "dialerd"

// StartWatched starts a primary that keeps every write, as many replicas as asked for, and three sentinels that give up a silent
// primary after a second and a half. All listen on the loopback alone.
func StartWatched(t testing.TB, replicas int) *Watched {
	t.Helper()
	w := &Watched{}
	kept := []string{"--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"}
	port := freePort(t)
	w.Primary = StartServer(t, Options{AppendOnly: true, Args: append([]string{"--port", port}, kept...)})
	for range replicas {
		w.Replicas = append(w.Replicas, StartServer(t, Options{
			AppendOnly: true, Args: append([]string{"--port", freePort(t), "--replicaof", "127.0.0.1", port}, kept...),
		}))
	}
	client := w.Primary.Client(t)
	await(t, "the replicas follow", func(ctx context.Context) bool { return client.Do(ctx, "WAIT", replicas, 100).Val() == int64(replicas) })
	var hosts []string
	var sentinels []*Server
	for range 3 {
		own := freePort(t)
		hosts = append(hosts, "127.0.0.1:"+own)
		sentinels = append(sentinels, startSentinel(t, own, port))
	}
	for _, s := range sentinels {
		client := s.Client(t)
		await(t, "the sentinels know each other and the replicas", func(ctx context.Context) bool {
			others, err := client.Do(ctx, "SENTINEL", "SENTINELS", watchedName).Slice()
			if err != nil || len(others) != 2 {
				return false
			}
			known, err := client.Do(ctx, "SENTINEL", "REPLICAS", watchedName).Slice()
			return err == nil && len(known) == replicas
		})
	}
	w.URL = "redis+sentinel://" + strings.Join(hosts, ",") + "/" + watchedName
	return w
}

func startSentinel(t testing.TB, port, primary string) *Server {
	t.Helper()
	bin := Binary(t)
	dir, err := os.MkdirTemp("", "rt") //nolint:usetesting // t.TempDir carries the test's name: too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{Socket: filepath.Join(dir, "s"), dir: dir}
	conf := filepath.Join(dir, "sentinel.conf") // it writes there what it learns
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nunixsocket %s\ndir %s\nsentinel monitor %s 127.0.0.1 %s 2\n"+
		"sentinel down-after-milliseconds %[4]s 1500\nsentinel failover-timeout %[4]s 5000\n", port, s.Socket, dir, watchedName, primary)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = []string{bin, conf, "--sentinel"}
	s.start(t)
	t.Cleanup(func() { s.end(syscall.SIGKILL) })
	return s
}

// await waits for something that has to become true.
func await(t testing.TB, what string, is func(ctx context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), upWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("after %v it is not true that %s", upWithin, what)
		case <-tick.C:
		}
	}
}

// freePort is a port of the loopback that nobody listens on.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
