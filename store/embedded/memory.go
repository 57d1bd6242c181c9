package embedded

import (
	"crypto/rand"
	"fmt"
	"net/url"

	"github.com/alicebob/miniredis/v2"
)

// InProcess returns a Redis in this process' memory (miniredis), for a demo where no redis-server is installed: it keeps
// nothing, and it is slow beyond a few thousand leads. It listens on loopback, with a password.
func InProcess() (*Server, error) {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	secret := rand.Text()
	m.RequireAuth(secret)
	if err := m.Start(); err != nil {
		return nil, fmt.Errorf("start the redis in memory: %w", err)
	}
	u := url.URL{Scheme: "redis", User: url.UserPassword("", secret), Host: m.Addr()}
	return &Server{url: u.String(), close: m.Close}, nil
}
