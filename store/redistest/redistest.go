// Package redistest gives tests a Redis of their own: miniredis in memory, or a private redis-server process.
package redistest

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Each runs fn twice, as the subtests "miniredis" and "redis-server", each time on an empty Redis that nobody else
// uses, so fn may call t.Parallel, FLUSHALL or CONFIG. Where no redis-server is installed its subtest is skipped,
// or fails if the environment says CI=true.
func Each(t *testing.T, fn func(t *testing.T, client redis.UniversalClient)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) { fn(t, Mini(t)) })
	t.Run("redis-server", func(t *testing.T) { fn(t, Real(t)) })
}

// miniPatience is how long Mini's client waits for a reply. On a busy machine the longest script, which looks into 16384 sets, takes miniredis
// seconds with the race detector; redis-server tens of milliseconds.
const miniPatience = time.Minute

// Mini returns a client of an empty miniredis, closed at the end of the test. TTLs run with the clock.
func Mini(t testing.TB) redis.UniversalClient {
	t.Helper()
	o := NewMemory(t).Options()
	o.ReadTimeout = miniPatience
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Bubble is Mini for a test that runs inside testing/synctest: time and TTLs are the bubble's, and no goroutine of
// client or server keeps the bubble's clock from moving. For several clients, or for moving the server by hand, use
// NewMemory.
func Bubble(t testing.TB) redis.UniversalClient {
	t.Helper()
	return NewMemory(t).Client(t)
}

// Real returns a client of an empty private redis-server without persistence, stopped at the end of the test.
func Real(t testing.TB) redis.UniversalClient {
	t.Helper()
	return StartServer(t, Options{}).Client(t)
}
