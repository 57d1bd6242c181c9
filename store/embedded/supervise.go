package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// SupervisorCommand is the hidden first argument by which this executable is to call Supervise with the others.
const SupervisorCommand = "redis-supervisor"

const (
	// pollUsers is how often the supervisor looks whether anybody uses the server.
	pollUsers = 200 * time.Millisecond
	// linger is how long the server outlives its last user, so that a script of many commands does not start it anew for each.
	linger = time.Second
	// stopWithin is how long a server may take to stop before it is killed; its data are on disk already.
	stopWithin = 20 * time.Second
	// fewest starts in a row without an answer after which the supervisor gives up.
	fewestFailures = 3
)

// Supervise is the whole life of a supervisor process; args are the arguments after SupervisorCommand: the folder. It
// returns the exit code: 0 when nobody uses the server any more or another supervisor lives, 1 when the server cannot
// be run (the reason is in the file `error`), 2 on wrong arguments.
//
// Before the server is stopped in order, with no user left, it is handed to beforeStop (store.SealLimits), unless that
// is nil.
func Supervise(args []string, beforeStop func(ctx context.Context, client redis.UniversalClient) error) int {
	if len(args) != 1 {
		_, _ = fmt.Fprintln(os.Stderr, "usage: dialerd "+SupervisorCommand+" DIR (started by dialerd itself)")
		return 2
	}
	// The server dies with the thread that started it, so this one must live as long as the process.
	runtime.LockOSThread()
	// An operator who stops the daemon must not take Redis away from its last writes: only users.lock decides.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	at := place{args[0]}
	if err := supervise(context.Background(), at, beforeStop); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		_ = at.write("error", err.Error()+"\n")
		return 1
	}
	return 0
}

func supervise(ctx context.Context, at place, beforeStop func(context.Context, redis.UniversalClient) error) error {
	short, cancel := context.WithTimeout(ctx, 2*time.Second) // others look at the lock now and then
	defer cancel()
	own, err := at.lock(short, "supervisor.lock", exclusive)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if err != nil {
		return err
	}
	defer own.release()
	_ = os.Remove(at.path("error"))
	if err := at.write("pid", strconv.Itoa(os.Getpid())+"\n"); err != nil {
		return err
	}

	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return ErrNoServer
	}
	data, err := takeOver(ctx, at)
	if err != nil {
		return err
	}
	defer data.release()
	version, err := serverVersion(ctx, bin)
	if err != nil {
		return err
	}
	if err := at.checkData(version); err != nil {
		return err
	}
	socket, err := at.chooseSocket()
	if err != nil {
		return err
	}
	if err := at.write("socket", socket); err != nil {
		return err
	}
	return attend(ctx, &server{bin: bin, at: at, socket: socket, data: data, beforeStop: beforeStop})
}

// takeOver returns the lock on the data. A server whose supervisor was killed may still hold it, for the time that it
// takes to stop, or for ever where the kernel does not tell it.
func takeOver(ctx context.Context, at place) (*lock, error) {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	data, err := at.try("data.lock", exclusive)
	if data != nil || err != nil {
		return data, err
	}
	if socket := at.socket(); socket != "" {
		client := dial(socket)
		_ = client.Shutdown(ctx).Err()
		_ = client.Close()
	}
	if data, err = at.lock(ctx, "data.lock", exclusive); err != nil {
		return nil, fmt.Errorf("another redis-server has %s open and does not stop: %w", at.path("data"), err)
	}
	return data, nil
}

// attend keeps the server running as long as anybody uses it.
func attend(ctx context.Context, s *server) error {
	poll := time.NewTicker(pollUsers)
	defer poll.Stop()
	pause, failures, idle := 100*time.Millisecond, 0, time.Duration(0)
	if err := s.start(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-s.gone:
			if s.answered() {
				failures, pause = 0, 100*time.Millisecond
			} else if failures++; failures >= fewestFailures {
				return s.failure()
			}
			timer := time.NewTimer(pause)
			<-timer.C
			pause = min(2*pause, 5*time.Second)
			if err := s.start(ctx); err != nil {
				return err
			}
		case <-poll.C:
			users, err := s.at.try("users.lock", exclusive)
			if err != nil {
				return errors.Join(err, s.stop())
			}
			if users == nil {
				idle = 0
				continue
			}
			if idle += pollUsers; idle < linger {
				users.release()
				continue
			}
			// Held to the end: whoever comes now waits until the server has stopped, then starts it again.
			defer users.release()
			return s.finish(ctx)
		}
	}
}

// finish stops the server in order.
func (s *server) finish(ctx context.Context) error {
	var failed error
	if s.beforeStop != nil {
		ctx, cancel := context.WithTimeout(ctx, stopWithin)
		defer cancel()
		client := dial(s.socket)
		failed = s.beforeStop(ctx, client)
		_ = client.Close()
	}
	return errors.Join(failed, s.stop())
}

var versionPattern = regexp.MustCompile(`\bv=(\d+\.\d+[.\d]*)`)

// serverVersion asks the redis-server for its version; empty if it gives none that we can read.
func serverVersion(ctx context.Context, bin string) (string, error) {
	out, err := exec.CommandContext(ctx, bin, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w: %s", bin, err, out)
	}
	if m := versionPattern.FindSubmatch(out); m != nil {
		return string(m[1]), nil
	}
	return "", nil
}
