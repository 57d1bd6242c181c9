package redistest

import (
	"context"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Memory is a miniredis that is reached through in-memory pipes: no socket, no port, fit for a synctest bubble.
type Memory struct {
	*miniredis.Miniredis
}

// NewMemory starts an empty miniredis and closes it at the end of the test. Called inside a synctest bubble, its TIME
// and TTLs are the bubble's.
func NewMemory(t testing.TB) *Memory {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	t.Cleanup(m.Close)
	return &Memory{m}
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
