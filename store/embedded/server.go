package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is the redis-server that a supervisor runs.
type server struct {
	bin    string
	at     place
	socket string
	data   *lock // inherited by the redis-server

	beforeStop func(ctx context.Context, client redis.UniversalClient) error

	cmd  *exec.Cmd
	gone chan struct{} // closed when cmd has ended
	up   *atomic.Bool  // it has answered since its start
}

// start starts the redis-server; s.gone closes when it has ended.
func (s *server) start(ctx context.Context) error {
	// The log of one life: Redis would let it grow for ever.
	out, err := os.OpenFile(s.at.path("redis.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(s.bin, //nolint:gosec,noctx // the redis-server on PATH; stopped in order by stop
		"--port", "0", "--unixsocket", s.socket, "--unixsocketperm", "700",
		"--dir", s.at.path("data"), "--save", "", "--appendonly", "yes", "--appendfsync", "always",
		"--maxmemory", "0", "--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", "")
	cmd.Dir = s.at.path("data")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.ExtraFiles = s.data.files()
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.bin, err)
	}
	gone, up := make(chan struct{}), &atomic.Bool{}
	s.cmd, s.gone, s.up = cmd, gone, up
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	go s.listen(ctx, gone, up)
	return nil
}

// listen notes when the server answers, also that it is loading.
func (s *server) listen(ctx context.Context, gone <-chan struct{}, up *atomic.Bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-gone:
			return
		case <-tick.C:
		}
		if ping(ctx, s.socket) == nil {
			up.Store(true)
			return
		}
	}
}

// answered says whether the server was up in its last life.
func (s *server) answered() bool { return s.up.Load() }

// stop stops the server in order, as SHUTDOWN does, and kills it if that takes too long.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	limit := time.NewTimer(stopWithin)
	defer limit.Stop()
	select {
	case <-s.gone:
		_ = os.Remove(s.socket)
		if dir := filepath.Dir(s.socket); dir != s.at.dir {
			_ = os.Remove(dir)
		}
		return nil
	case <-limit.C:
		_ = s.cmd.Process.Kill()
		<-s.gone
		return fmt.Errorf("redis-server did not stop within %v and was killed", stopWithin)
	}
}

// failure says why the server does not come up: the end of its log.
func (s *server) failure() error {
	lines := strings.Split(s.at.read("redis.log"), "\n")
	if len(lines) > 5 {
		lines = lines[len(lines)-5:]
	}
	return fmt.Errorf("redis-server ends before it answers, %d times in a row; the last lines of %s:\n%s",
		fewestFailures, s.at.path("redis.log"), strings.Join(lines, "\n"))
}
