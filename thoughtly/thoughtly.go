// Package thoughtly is a client of the Thoughtly API; every request passes one limiter, and every error says whether a phone may have rung.
//
// A request is sent once. There is no retry inside, no redirect is followed, nothing is replayed on a second connection,
// and no byte of it is written or retransmitted after its deadline (see guard). What is not known for sure is said to
// be unknown: an [Error] of kind [KindAmbiguous] means that the request may have done its work.
//
// The API's own documents, examples and observed bodies disagree, so decoding reads every spelling that has been seen and
// treats every id as an opaque string.
package thoughtly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
)

// DefaultTimeout is how long one request may take, from its first byte to the last byte of its reply, unless Client.Timeout says otherwise.
const DefaultTimeout = 15 * time.Second

// Client speaks to one Thoughtly team. Fill it, then use it from any number of goroutines; its fields do not change after that.
type Client struct {
	// BaseURL is where the API is, such as https://api.thoughtly.com. A path in it is kept as a prefix.
	BaseURL string
	// Token and TeamID come from Settings, Developer. A client without a token sends nothing.
	Token  string
	TeamID string
	// Limiter hands out the request slots. A client without one sends nothing.
	Limiter Limiter
	// Timeout is of one request, dialling included, waiting for a slot not; 0 means DefaultTimeout. A slot must be used within it.
	Timeout time.Duration
	// Now is the clock, with its monotonic reading. A client without one sends nothing.
	Now func() time.Time
	// Transport replaces the guarded connections, for tests and virtual time. It must end when the request's context does; without
	// the guard, an error of it counts as "not sent" only when it is a failure to dial.
	Transport http.RoundTripper
	// Log takes one debug line a request; nil means none.
	Log *slog.Logger
	// UserAgent is sent with each request; empty means "dialerd".
	UserAgent string

	class  string                 // set by As
	first  atomic.Pointer[Permit] // set by Permit.Client, until the first request
	once   sync.Once
	shared *wire // the connections, made at the first request; copies made by As use the same
}

// As returns a copy of the client whose requests are paid for by class, whatever their own default is. It shares the connections.
func (c *Client) As(class string) *Client {
	return &Client{
		BaseURL: c.BaseURL, Token: c.Token, TeamID: c.TeamID, Limiter: c.Limiter, Timeout: c.Timeout, Now: c.Now,
		Transport: c.Transport, Log: c.Log, UserAgent: c.UserAgent,
		class: class, shared: c.wire(),
	}
}

// Validate says everything that is wrong with the client's fields, one error a line. Every request checks it first.
func (c *Client) Validate() error {
	var errs []error
	if u, err := url.Parse(c.BaseURL); err != nil {
		errs = append(errs, errors.New("base_url: not a URL; set it to one like https://api.thoughtly.com")) // the cause would repeat it, user and password included
	} else if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		errs = append(errs, errors.New("base_url: must be http or https, with a host, and without user, query or fragment, like https://api.thoughtly.com"))
	}
	switch {
	case c.Token == "":
		errs = append(errs, errors.New("api_token: is empty; copy it from Settings, Developer"))
	case !headerSafe(c.Token):
		errs = append(errs, errors.New("api_token: holds a space or a control character; copy it again from Settings, Developer"))
	}
	if !headerSafe(c.TeamID) {
		errs = append(errs, errors.New("team_id: holds a space or a control character; copy it again from Settings, Developer"))
	}
	if c.Limiter == nil {
		errs = append(errs, errors.New("limiter: is nil, and no request may leave without a slot"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("now: is nil, and no deadline holds without a clock"))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout: must not be negative (got %s)", c.Timeout))
	}
	return errors.Join(errs...)
}

// Acquire waits for a request slot of the class and returns the right to send one call on it. The permit must be used or released.
// An error is an *Error of kind KindNotSent; it unwraps to the limiter's own.
func (c *Client) Acquire(ctx context.Context, class string) (*Permit, error) {
	return c.acquire(ctx, opCall, class)
}

// CloseIdleConnections closes the connections that no request is using.
func (c *Client) CloseIdleConnections() { c.wire().transport.CloseIdleConnections() }

// String names the client without its token.
func (c *Client) String() string { return "thoughtly client of " + host(c.BaseURL) }

// GoString is String, so that no formatting verb shows the token.
func (c *Client) GoString() string { return c.String() }

// LogValue is String, so that no log line shows the token.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

func (c *Client) wire() *wire {
	c.once.Do(func() {
		if c.shared == nil {
			c.shared = newWire(c.Now, c.timeout())
		}
	})
	return c.shared
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}

func (c *Client) log() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	return slog.New(slog.DiscardHandler)
}

// headerSafe says whether s can be sent as a header's value as it stands.
func headerSafe(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

// host is the host of a URL, for messages: nothing else of it is shown.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "an unknown host"
	}
	return u.Host
}
