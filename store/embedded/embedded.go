// Package embedded runs a private redis-server for the processes of one data folder: the first that needs it starts
// it, the last one that leaves stops it, and whatever is killed, none stays behind.
//
// Each process that uses the server holds a shared lock on users.lock. A supervisor, this same executable in a process
// of its own, runs the redis-server as its child, starts it again when it dies, and stops it once users.lock is free. A
// process that finds the supervisor gone starts another. The folder DIR/redis holds:
//
//	users.lock       shared by all who use the server; exclusive while it is being stopped
//	supervisor.lock  held by the supervisor as long as it lives
//	data.lock        held by the redis-server as long as it lives, so that two never write the same data
//	spawn.lock       held by the process that is starting a supervisor
//	socket           where the server listens (the path of a unix socket may have 107 bytes only)
//	pid              the supervisor's process id
//	error            why the last supervisor gave up
//	data/            what Redis keeps, every write on disk before it is answered, and the file `dialerd` with the format
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// ErrNoServer says that no redis-server is installed.
var ErrNoServer = errors.New("no redis-server on PATH: install Redis 7 or newer " +
	"(Debian, Ubuntu: apt-get install redis-server; Fedora: dnf install redis; macOS: brew install redis), " +
	"or set redis (REDIS_URL) to the address of a running one")

const (
	// upWithin is how long a server that is not loading data may take to answer.
	upWithin = 30 * time.Second
	// lookEvery is how often a process looks whether the supervisor still lives.
	lookEvery = 500 * time.Millisecond
)

// Options says where the embedded Redis lives.
type Options struct {
	// Dir is the data folder (data_dir); the server's own things are in Dir/redis, readable by this user only.
	Dir string
	// Log gets a line when the server is slow to start or had to be started again; default none.
	Log *slog.Logger
}

// Server is this process' part in the embedded Redis. Close it at the end; if the process dies, the kernel does.
type Server struct {
	url   string
	place place
	log   *slog.Logger
	users *lock
	stop  context.CancelFunc
	ended sync.WaitGroup
	close func() // of an InProcess server
}

// Start attaches this process to the embedded Redis of o.Dir, starting it if need be, and returns once it answers. It
// waits while Redis loads its data. Errors: ErrNoServer; data of somebody else or of a newer version; ctx's.
func Start(ctx context.Context, o Options) (*Server, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, ErrNoServer
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	at, err := newPlace(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("embedded redis: %w", err)
	}
	// Waits while a supervisor is stopping the server: it holds this lock until all is over.
	users, err := at.lock(ctx, "users.lock", shared)
	if err != nil {
		return nil, fmt.Errorf("embedded redis: %w", err)
	}
	s := &Server{place: at, log: o.Log, users: users}
	if err := s.up(ctx); err != nil {
		users.release()
		return nil, fmt.Errorf("embedded redis: %w", err)
	}
	s.url = (&url.URL{Scheme: "unix", Path: at.socket()}).String()
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.ended.Go(func() { s.watch(watch) })
	return s, nil
}

// Running is the URL of the server of a data folder, if somebody has it running; it starts nothing and makes no folder.
func Running(dataDir string) (string, bool) {
	dir, err := filepath.Abs(filepath.Join(dataDir, "redis"))
	if err != nil {
		return "", false
	}
	at := place{dir}
	socket := at.socket()
	if socket == "" {
		return "", false
	}
	if _, err := os.Stat(socket); err != nil {
		return "", false
	}
	return (&url.URL{Scheme: "unix", Path: socket}).String(), true
}

// URL is where clients connect, in the form of the setting `redis`.
func (s *Server) URL() string { return s.url }

// Close gives up this process' part. If it was the last one, the server stops within about two seconds. Clients are to
// be closed before.
func (s *Server) Close() {
	if s.close != nil {
		s.close()
		return
	}
	s.stop()
	s.ended.Wait()
	s.users.release()
}

// up returns once the server answers and a supervisor looks after it.
func (s *Server) up(ctx context.Context) error {
	limit := time.NewTimer(upWithin)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var spawned *spawn
	defer func() { spawned.release() }()
	slow := false
	for {
		state, err := s.look(ctx)
		switch {
		case err == nil:
			return nil
		case state == loading:
			if !slow {
				s.log.Info("embedded redis is loading its data", "dir", s.place.dir)
			}
			slow = true
			limit.Reset(upWithin)
		case state == orphan && spawned == nil:
			if spawned, err = s.place.spawn(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w", ctx.Err())
		case <-limit.C:
			return fmt.Errorf("the server does not answer after %v (%w); see %s", upWithin, err, s.place.path("redis.log"))
		case code := <-spawned.exited():
			if code != 0 {
				return s.place.failure()
			}
			spawned.release() // another supervisor was there first, or has ended since
			spawned = nil
		case <-tick.C:
		}
	}
}

// The states of a server that cannot be used yet.
const (
	starting = iota
	loading
	orphan // no supervisor
)

// look finds out whether the server can be used: it answers, and a supervisor lives.
func (s *Server) look(ctx context.Context) (state int, err error) {
	free, err := s.place.free("supervisor.lock")
	if err != nil {
		return starting, err
	}
	if free {
		return orphan, errors.New("no supervisor")
	}
	socket := s.place.socket()
	if socket == "" {
		return starting, errors.New("no socket yet")
	}
	err = ping(ctx, socket)
	if errors.Is(err, errLoading) {
		return loading, err
	}
	return starting, err
}

// watch starts a supervisor again when there is none, until ctx ends.
func (s *Server) watch(ctx context.Context) {
	pause := lookEvery
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		pause = s.revive(ctx, pause)
		timer.Reset(pause)
	}
}

// revive looks once, and returns how long to wait before the next look.
func (s *Server) revive(ctx context.Context, pause time.Duration) time.Duration {
	if free, err := s.place.free("supervisor.lock"); err != nil || !free {
		return lookEvery
	}
	err := s.up(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.log.Error("embedded redis is down and does not start", "err", err)
		return min(2*pause, time.Minute)
	default:
		s.log.Warn("embedded redis was started again, its supervisor had gone", "dir", s.place.dir)
	}
	return lookEvery
}
