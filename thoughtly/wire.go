package thoughtly

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// idleTimeout is how long an unused connection is kept: less than the 5 s after which common servers (Node.js) close theirs.
// A request that meets such a close half-way is a call of unknown outcome; a new handshake is cheap beside that.
const idleTimeout = 4 * time.Second

// wire makes the guarded connections of a client and keeps them for reuse.
type wire struct {
	now       func() time.Time
	timeout   time.Duration
	dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	tls       *tls.Config
	transport *http.Transport
}

func newWire(now func() time.Time, timeout time.Duration) *wire {
	dialer := net.Dialer{Timeout: timeout}
	dialer.SetMultipathTCP(false) // the guard knows one TCP connection, not subflows
	w := &wire{
		now: now, timeout: timeout, dial: dialer.DialContext,
		tls: &tls.Config{
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"},
			// A request then is one record and one write: all of it or nothing.
			DynamicRecordSizingDisabled: true,
			ClientSessionCache:          tls.NewLRUClientSessionCache(16),
		},
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // an HTTP/2 connection carries many requests and could not be cut for one
	w.transport = &http.Transport{
		Proxy:                  nil, // a proxy would go on sending after we have cut the connection
		DialContext:            w.dialPlain,
		DialTLSContext:         w.dialTLS,
		Protocols:              protocols,
		DisableCompression:     true, // what is read is what was sent: maxBody bounds both
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        32 << 10,
	}
	return w
}

// conn is what HTTP writes to: the guard itself, or TLS over it.
type conn struct {
	net.Conn
	guard *guard
}

// Close closes the TCP connection at once. TLS would first write a farewell, which the guard would count or refuse.
func (c *conn) Close() error { return c.guard.Close() }

func (w *wire) dialPlain(ctx context.Context, network, addr string) (net.Conn, error) {
	g, err := w.open(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	g.rest()
	return &conn{Conn: g, guard: g}, nil
}

func (w *wire) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	g, err := w.open(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	settings := w.tls.Clone()
	if settings.ServerName == "" {
		settings.ServerName = name
	}
	// The transport goes on dialling for the next request when this one gives up, so the handshake needs a bound of its own.
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	secured := tls.Client(g, settings)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = g.Close()
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	g.rest()
	return &conn{Conn: secured, guard: g}, nil
}

func (w *wire) open(ctx context.Context, network, addr string) (*guard, error) {
	c, err := w.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("dial %s: not a TCP connection", network)
	}
	return newGuard(tcp, w.now, w.now().Add(w.timeout))
}
