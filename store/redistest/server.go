package redistest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// upWithin is how long a private redis-server may take to answer its first PING; 20 ms are usual.
const upWithin = 20 * time.Second

// Options says how a private redis-server is run; the zero value keeps nothing on disk.
type Options struct {
	// AppendOnly keeps every write on disk before it is answered (appendfsync always), so that the data survive Kill.
	AppendOnly bool
	// Args are more settings in the command-line form of redis-server, such as "--maxmemory", "4mb".
	Args []string
}

// Server is a private redis-server process on a unix socket in a folder of its own.
type Server struct {
	// Socket is the path of its unix socket; it stays the same over restarts.
	Socket string

	dir  string
	args []string

	mu   sync.Mutex
	cmd  *exec.Cmd
	gone chan struct{} // closed when cmd has ended
	out  *bytes.Buffer
}

// StartServer starts a redis-server from PATH and waits until it answers. It ends with the test, and with this
// process if that is killed. Without a redis-server the test is skipped, or fails if the environment says CI=true.
func StartServer(t testing.TB, o Options) *Server {
	t.Helper()
	bin := Binary(t)
	dir, err := os.MkdirTemp("", "rt") //nolint:usetesting // t.TempDir carries the test's name: too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{Socket: filepath.Join(dir, "s"), dir: dir}
	s.args = []string{
		bin, "--port", "0", "--unixsocket", s.Socket, "--unixsocketperm", "700", "--dir", dir,
		"--save", "", "--daemonize", "no", "--maxmemory-policy", "noeviction",
	}
	if o.AppendOnly {
		s.args = append(s.args, "--appendonly", "yes", "--appendfsync", "always")
	}
	s.args = append(s.args, o.Args...)
	s.start(t)
	t.Cleanup(func() { s.end(syscall.SIGKILL) })
	return s
}

// Binary is the path of the redis-server on PATH. Without one the test is skipped with a loud line, or fails if the
// environment says CI=true.
func Binary(t testing.TB) string {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err == nil {
		return bin
	}
	const what = "NO REDIS-SERVER on PATH: install it (Debian: apt-get install redis-server)"
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED, THE REAL REDIS IS NOT TESTED: " + what)
	return ""
}

// URL is the form that a settings file takes.
func (s *Server) URL() string { return "unix://" + s.Socket }

// Options returns the settings of a client of this server.
func (s *Server) Options() *redis.Options {
	return &redis.Options{Network: "unix", Addr: s.Socket, MaxRetries: -1, DisableIdentity: true}
}

// Client returns a new client of this server, closed at the end of the test.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	client := redis.NewClient(s.Options())
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Kill ends the server as a power cut ends a process: SIGKILL. It returns once it is gone.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.end(syscall.SIGKILL)
}

// Stop ends the server in order: SIGTERM. It returns once it is gone.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.end(syscall.SIGTERM)
}

// Restart starts the server again on the same socket and data, after ending it if it still runs, and waits until it
// answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.end(syscall.SIGTERM)
	s.start(t)
}

// Freeze stops the server's process without ending it (SIGSTOP): connections stay, nothing answers. Thaw undoes it.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	s.signal(t, sigStop)
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	s.signal(t, sigCont)
}

// Log returns what the server has written so far.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.gone:
		return s.out.String()
	default:
		return "(still running)"
	}
}

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal %v to redis-server: %v", sig, err)
	}
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	s.out = &bytes.Buffer{}
	s.cmd = exec.Command(s.args[0], s.args[1:]...) //nolint:gosec,noctx // the binary found on PATH, ended by Cleanup
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, s.out, s.out
	dieWithParent(s.cmd)
	gone := make(chan struct{})
	s.gone = gone
	started := make(chan error)
	go func(cmd *exec.Cmd) {
		// The death signal belongs to the thread that started the child: keep that thread as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(gone)
	}(s.cmd)
	err := <-started
	s.mu.Unlock()
	if err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
	s.await(t)
}

func (s *Server) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), upWithin)
	defer cancel()
	client := redis.NewClient(s.Options())
	defer func() { _ = client.Close() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var err error
	for {
		if _, statErr := os.Stat(s.Socket); statErr != nil {
			err = statErr
		} else if err = client.Ping(ctx).Err(); err == nil {
			return
		}
		select {
		case <-s.gone:
			t.Fatalf("redis-server ended at once: %s", s.Log())
		case <-ctx.Done():
			t.Fatalf("redis-server does not answer after %v: %v", upWithin, err)
		case <-tick.C:
		}
	}
}

func (s *Server) end(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(sigCont) // a frozen server would not see SIGTERM
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.gone:
	case <-time.After(upWithin): //nolint:forbidigo // a bound on a child's end, in test code
		_ = s.cmd.Process.Kill()
		<-s.gone
	}
}

// String tells servers apart in a test's output.
func (s *Server) String() string { return fmt.Sprintf("redis-server on %s", s.Socket) }
