//go:build unix

package embedded

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/store/redistest"
)

// userDir makes the test binary a process that uses the embedded Redis of this folder until its stdin ends.
const userDir = "EMBEDDED_TEST_USER"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == SupervisorCommand {
		os.Exit(Supervise(os.Args[2:], func(ctx context.Context, client redis.UniversalClient) error {
			return client.Incr(ctx, "stopped in order").Err()
		}))
	}
	if dir := os.Getenv(userDir); dir != "" {
		os.Exit(use(dir))
	}
	os.Exit(m.Run())
}

// use attaches, says the server's run id, and stays until stdin ends.
func use(dir string) int {
	s, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "error:", err)
		return 1
	}
	_, _ = fmt.Fprintln(os.Stdout, "up", s.URL())
	_, _ = io.Copy(io.Discard, os.Stdin)
	s.Close()
	return 0
}

// user is a process that uses the embedded Redis.
type user struct {
	cmd  *exec.Cmd
	line chan string // its only line
	in   io.Closer
}

func startUser(t *testing.T, dir string) *user {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), userDir+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	u := &user{cmd: cmd, line: make(chan string, 1), in: in}
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		u.line <- strings.TrimSpace(line)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return u
}

func (u *user) kill() {
	_ = u.cmd.Process.Kill()
	_ = u.cmd.Wait()
}

func (u *user) leave(t *testing.T) {
	t.Helper()
	_ = u.in.Close()
	if err := u.cmd.Wait(); err != nil {
		t.Errorf("a user that leaves: %v", err)
	}
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	redistest.Binary(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Start(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); stopped(t, dir) })
	return s
}

func connect(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// eventually waits for ok, which must come within a bound.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// never watches for d that bad does not happen.
func never(t *testing.T, d time.Duration, what string, bad func() bool) {
	t.Helper()
	for deadline := time.Now().Add(d); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if bad() {
			t.Fatal(what)
		}
	}
}

// stopped waits until neither a supervisor nor a redis-server of the folder is left.
func stopped(t *testing.T, dir string) {
	t.Helper()
	p := place{filepath.Join(dir, "redis")}
	for _, name := range []string{"supervisor.lock", "data.lock"} {
		eventually(t, name+" is free", func() bool {
			free, err := p.free(name)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			return free || err != nil
		})
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func serverPID(t *testing.T, client *redis.Client) int {
	t.Helper()
	info := client.Info(t.Context(), "server").Val()
	_, rest, _ := strings.Cut(info, "process_id:")
	pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]))
	if err != nil {
		t.Fatalf("no process id in %q", info)
	}
	return pid
}

func supervisorPID(t *testing.T, dir string) int {
	t.Helper()
	pid, err := strconv.Atoi(place{filepath.Join(dir, "redis")}.read("pid"))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestDataOutliveTheLastUser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	client := connect(t, s.URL())
	ctx := t.Context()
	for name, want := range map[string]string{
		"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction", "port": "0",
	} {
		if got := client.ConfigGet(ctx, name).Val()[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for path, want := range map[string]os.FileMode{
		"redis": 0o700, "redis/data": 0o700, strings.TrimPrefix(s.URL(), "unix://"): 0o700,
	} {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
	if err := client.Set(ctx, "a", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	pid := serverPID(t, client)
	s.Close()
	stopped(t, dir)
	eventually(t, "the redis-server has ended", func() bool { return !alive(pid) })
	client = connect(t, start(t, dir).URL())
	if got := client.MGet(ctx, "a", "stopped in order").Val(); len(got) != 2 || got[0] != "1" || got[1] != "1" {
		t.Errorf("after the last user left and another came: %v, want its data, and those of the orderly stop", got)
	}
}

func TestTenProcessesAtOnceShareOneServer(t *testing.T) {
	t.Parallel()
	redistest.Binary(t)
	dir := t.TempDir()
	var users []*user
	for range 10 {
		users = append(users, startUser(t, dir))
	}
	urls := map[string]bool{}
	for _, u := range users {
		line := <-u.line
		if !strings.HasPrefix(line, "up ") {
			t.Fatalf("a user says %q", line)
		}
		urls[strings.TrimPrefix(line, "up ")] = true
	}
	if len(urls) != 1 {
		t.Fatalf("servers: %v, want one", urls)
	}
	var url string
	for url = range urls {
		break
	}
	client := connect(t, url)
	pid, guard := serverPID(t, client), supervisorPID(t, dir)
	users[0].leave(t)
	users[1].kill()
	never(t, 2*linger, "the server changed when the first users went", func() bool { return serverPID(t, client) != pid })
	for _, u := range users[2:] {
		u.kill()
	}
	eventually(t, "nothing is left once all users were killed", func() bool { return !alive(pid) && !alive(guard) })
	stopped(t, dir)
}

func TestServerComesBack(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(server, supervisor int) []int{
		"redis-server killed": func(server, _ int) []int { return []int{server} },
		"supervisor killed":   func(_, supervisor int) []int { return []int{supervisor} },
		"both killed":         func(server, supervisor int) []int { return []int{supervisor, server} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			client := connect(t, start(t, dir).URL())
			if err := client.Set(t.Context(), "a", "1", 0).Err(); err != nil {
				t.Fatal(err)
			}
			pid := serverPID(t, client)
			for _, p := range kill(pid, supervisorPID(t, dir)) {
				if err := syscall.Kill(p, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "another server answers, with the data", func() bool {
				return client.Get(t.Context(), "a").Val() == "1" && serverPID(t, client) != pid
			})
			eventually(t, "the old server has ended", func() bool { return !alive(pid) })
		})
	}
}

func TestStartAfterEverythingWasKilled(t *testing.T) {
	t.Parallel()
	redistest.Binary(t)
	dir := t.TempDir()
	u := startUser(t, dir)
	line := <-u.line
	client := connect(t, strings.TrimPrefix(line, "up "))
	if err := client.Set(t.Context(), "a", "1", 0).Err(); err != nil {
		t.Fatal(line, err)
	}
	pids := []int{supervisorPID(t, dir), serverPID(t, client)}
	u.kill()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if got := connect(t, start(t, dir).URL()).Get(t.Context(), "a").Val(); got != "1" {
		t.Errorf("a = %q, want 1", got)
	}
}

func TestSupervisorIgnoresSignalsWhileUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	client := connect(t, start(t, dir).URL())
	pid, guard := serverPID(t, client), supervisorPID(t, dir)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(guard, sig); err != nil {
			t.Fatal(err)
		}
	}
	never(t, 2*pollUsers, "a signal that a daemon is stopped with took Redis away", func() bool {
		return serverPID(t, client) != pid || !alive(guard)
	})
}

func TestRefusedData(t *testing.T) {
	t.Parallel()
	redistest.Binary(t)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"somebody else's": {map[string]string{"dump.rdb": "x"}, "did not write (dump.rdb): move it away"},
		"newer dialerd":   {map[string]string{"dialerd": `{"format": 99}`}, "newer dialerd (format 99"},
		"newer Redis":     {map[string]string{"dialerd": `{"format": 1, "redis": "99.1.0"}`}, "install Redis 99.1.0 or newer"},
		"damaged stamp":   {map[string]string{"dialerd": `{`}, "damaged"},
		"damaged log": {map[string]string{
			"dialerd":                               `{"format": 1}`,
			"appendonlydir/appendonly.aof.manifest": "file appendonly.aof.1.incr.aof seq 1 type i\n",
			"appendonlydir/appendonly.aof.1.incr.aof": "*1\r\n$7\r\nFLUSHDB\r\nrubbish" +
				strings.Repeat("x", 200) + "\r\n*1\r\n$7\r\nFLUSHDB\r\n",
		}, "Bad file format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for path, text := range c.files {
				path = filepath.Join(dir, "redis", "data", path)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			s, err := Start(ctx, Options{Dir: dir})
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			stopped(t, dir)
		})
	}
}

func TestFolderWithALongName(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	s := start(t, dir)
	if err := connect(t, s.URL()).Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
	if n := len(strings.TrimPrefix(s.URL(), "unix://")); n > longestSocket {
		t.Errorf("the socket's path has %d bytes", n)
	}
}

func TestNoServerInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Start(t.Context(), Options{Dir: t.TempDir()}); !errors.Is(err, ErrNoServer) {
		t.Errorf("got %v, want ErrNoServer", err)
	}
}

func TestStartWaitsWhileDataAreLoading(t *testing.T) {
	bin := redistest.Binary(t)
	dir, path := t.TempDir(), t.TempDir()
	s := start(t, dir)
	pipe := connect(t, s.URL()).Pipeline()
	for i := range 1000 {
		pipe.Set(t.Context(), strconv.Itoa(i), strings.Repeat("x", 100), 0)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	stopped(t, dir)
	slow := "#!/bin/sh\nexec " + bin + ` "$@" --key-load-delay 1000 --loading-process-events-interval-bytes 1024` + "\n"
	if err := os.WriteFile(filepath.Join(path, "redis-server"), []byte(slow), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path+string(os.PathListSeparator)+os.Getenv("PATH"))
	began := time.Now()
	client := connect(t, start(t, dir).URL())
	if n, err := client.Exists(t.Context(), "0", "999").Result(); n != 2 || err != nil {
		t.Errorf("%d of the first and the last key, %v; want both", n, err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("Start took %v: the data were not loading, nothing was tested", took)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	redistest.Binary(t)
	dir := t.TempDir()
	p, err := newPlace(dir)
	if err != nil {
		t.Fatal(err)
	}
	held, err := p.try("users.lock", exclusive) // as while a supervisor stops a server
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestInProcess(t *testing.T) {
	t.Parallel()
	s, err := InProcess()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client := connect(t, s.URL())
	if err := client.Set(t.Context(), "a", "1", 50*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key has expired", func() bool { return client.Exists(t.Context(), "a").Val() == 0 })
	stranger := redis.NewClient(&redis.Options{Addr: client.Options().Addr, MaxRetries: -1})
	t.Cleanup(func() { _ = stranger.Close() })
	if err := stranger.Ping(t.Context()).Err(); err == nil {
		t.Error("a stranger on this machine gets in without the password")
	}
}

func TestSuperviseRefusesWrongArguments(t *testing.T) {
	t.Parallel()
	if code := Supervise(nil, nil); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	if !bytes.Contains([]byte(ErrNoServer.Error()), []byte("apt-get install redis-server")) {
		t.Error("the error does not say how to install Redis")
	}
}
