package redistest

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Memory is a miniredis that is reached through in-memory pipes: no socket, no port, fit for a synctest bubble.
type Memory struct {
	*miniredis.Miniredis
	once    sync.Once
	scripts *scripts
	err     error // why there are none
}

// NewMemory starts an empty miniredis and closes it at the end of the test. Called inside a synctest bubble, its TIME
// and TTLs are the bubble's.
func NewMemory(t testing.TB) *Memory {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	t.Cleanup(m.Close)
	return &Memory{Miniredis: m}
}

// Dial returns a new connection to this server, which it starts.
func (m *Memory) Dial() (net.Conn, error) {
	conn, err := m.Miniredis.Dial()
	if err != nil {
		return nil, err
	}
	m.once.Do(func() { m.scripts, m.err = runScripts(m.Miniredis) })
	return conn, m.err
}

// Options returns the settings of a client of this server, for tests that change them (retries, a dialer of their
// own around m.Dial).
func (m *Memory) Options() *redis.Options {
	return &redis.Options{
		Addr:            "127.0.0.1:6379", // an IP literal: a name would be resolved, outside the bubble
		MaxRetries:      -1,
		DisableIdentity: true,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			return m.Dial()
		},
	}
}

// Client returns a new client of this server, closed at the end of the test.
func (m *Memory) Client(t testing.TB) *redis.Client {
	t.Helper()
	client := redis.NewClient(m.Options())
	t.Cleanup(func() { _ = client.Close() })
	return client
}
