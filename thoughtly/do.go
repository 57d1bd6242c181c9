package thoughtly

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxBody is the longest reply that is read, in bytes.
const maxBody = 4 << 20

// maxRetryAfter bounds what a reply may ask for.
const maxRetryAfter = time.Hour

// op is what a request does, as far as its failure is concerned.
type op struct {
	name  string
	class string // who pays unless As says otherwise
	rings bool   // it places a call
	safe  bool   // done twice is as good as done once
}

var opCall = op{name: "call", class: ClassCall, rings: true}

// request is one operation ready to be sent.
type request struct {
	op     op
	method string
	path   string // escaped
	query  url.Values
	body   any      // sent as JSON unless nil
	page   Page     // for a list
	lists  []string // names that the list may go by in the reply
	secret string   // beside the token, what no error may show
	refuse string   // why it cannot be sent as it is, empty if it can
}

// do takes a slot and sends r on it.
func (c *Client) do(ctx context.Context, r request) (reply, error) {
	if r.refuse != "" {
		return reply{}, c.refused(r)
	}
	p, err := c.acquire(ctx, r.op, r.op.class)
	if err != nil {
		return reply{}, err
	}
	return p.do(ctx, r, time.Time{})
}

// refused is the error of a request that is wrong before it is sent.
func (c *Client) refused(r request) error {
	return &Error{Op: r.op.name, Kind: KindRejected, Message: c.clean(r.refuse, r.secret), fault: FaultOurs, own: true, rings: r.op.rings, safe: r.op.safe}
}

// do is the one place that sends: each request of the package passes here once, on a slot of its own, which it settles.
// Deadline is the shared clock's; zero means the permit's life alone.
func (p *Permit) do(ctx context.Context, r request, deadline time.Time) (reply, error) {
	c := p.c
	if !p.used.CompareAndSwap(false, true) {
		return reply{}, &Error{Op: r.op.name, Kind: KindNotSent, Message: "the permit is spent: one permit, one request", fault: FaultOurs}
	}
	var became Reply
	defer func() { p.done(became) }()

	if r.refuse != "" {
		return reply{}, c.refused(r)
	}
	now := c.Now()
	left := p.left(now, deadline)
	if left <= 0 {
		return reply{}, &Error{Op: r.op.name, Kind: KindNotSent, Message: "the deadline has passed before the request was sent", fault: FaultOurs, cause: errDeadline}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, left, errDeadline)
	defer cancel()
	if ctx.Err() != nil {
		return reply{}, c.unanswered(r, attempt{err: context.Cause(ctx)})
	}
	req, err := c.build(ctx, r)
	if err != nil {
		r.refuse = err.Error()
		return reply{}, c.refused(r)
	}

	became = Reply{Sent: true} // should anything below panic, the slot counts as used
	a := c.send(ctx, req, now.Add(left))
	became.Sent, became.Answered = a.sent, a.status != 0
	became.Throttled, became.RetryAfter = a.status == http.StatusTooManyRequests, a.retryAfter
	c.log().DebugContext(ctx, "thoughtly request", "op", r.op.name, "class", p.class, "status", a.status, "sent", a.sent, "took_ms", c.Now().Sub(now).Milliseconds())
	if a.status == 0 {
		return reply{}, c.unanswered(r, a)
	}
	return c.read(r, a)
}

// build makes the HTTP request. Its body can be read once and its GetBody is nil, GET included: so the transport cannot send it again
// on another connection when the one it chose turns out to be closed.
func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	body := []byte(nil)
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
	}
	target := strings.TrimRight(c.BaseURL, "/") + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return nil, errors.New("address: base_url and the id do not make a URL")
	}
	req.GetBody = nil
	req.ContentLength = int64(len(body))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("x-api-token", c.Token)
	req.Header.Set("User-Agent", "dialerd")
	if c.TeamID != "" {
		req.Header.Set("team_id", c.TeamID)
	}
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// attempt is what happened on the wire.
type attempt struct {
	status     int // 0: no reply
	location   string
	retryAfter time.Duration
	body       []byte
	sent       bool  // a byte may have left
	err        error // no reply, or its body could not be read
}

// send writes the request once and reads the reply, until deadline (this process' clock).
func (c *Client) send(ctx context.Context, req *http.Request, deadline time.Time) (a attempt) {
	var (
		held  *lease
		asked bool
		early bool        // a foreign transport never had a connection
		wrote atomic.Bool // told by the goroutine that writes
	)
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if own, ok := info.Conn.(*conn); ok && !asked { // never twice: the guard lets nothing through on a second connection
				held = own.guard.arm(deadline)
			}
			asked = true
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				wrote.Store(true)
			}
		},
	}))
	var transport http.RoundTripper = c.wire().transport
	if c.Transport != nil {
		transport = c.Transport
	}
	done := false // the reply was read to its end
	defer func() {
		if done {
			held.end()
			return
		}
		written := held.abort() > 0
		a.sent = written || wrote.Load() || a.status != 0 || (c.Transport != nil && !early)
	}()

	resp, err := transport.RoundTrip(req) // no http.Client: it would follow redirects
	if err != nil {
		early = neverDialled(err)
		return attempt{err: c.cause(ctx, deadline, err)}
	}
	defer func() { _ = resp.Body.Close() }()
	a = attempt{status: resp.StatusCode, location: resp.Header.Get("Location"), retryAfter: retryAfter(resp.Header, c.Now()), sent: true}
	a.body, a.err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case a.err != nil:
		a.err = c.cause(ctx, deadline, a.err)
	case len(a.body) > maxBody:
		a.err = fmt.Errorf("the reply is longer than %d MiB", maxBody>>20)
	default:
		done = true
	}
	return a
}

// cause is why a request failed: that its time was over or that it was given up, if so, else err. The guard's timer may be
// ahead of the context's; err then only says that the connection was closed.
func (c *Client) cause(ctx context.Context, deadline time.Time, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if !c.Now().Before(deadline) {
		return errDeadline
	}
	return err
}

// unanswered is the error of a request without a reply.
func (c *Client) unanswered(r request, a attempt) error {
	e := &Error{Op: r.op.name, Kind: KindAmbiguous, Sent: a.sent, fault: FaultNetwork, rings: r.op.rings, safe: r.op.safe, cause: safeCause(a.err)}
	e.Message = c.clean(a.err.Error(), r.secret)
	if errors.Is(a.err, errDeadline) {
		e.Message = "no reply by the deadline"
	}
	if errors.Is(a.err, context.Canceled) {
		e.fault = FaultOurs
	}
	if !a.sent {
		e.Kind = KindNotSent
	}
	return e
}

// read turns a reply into its data or an error.
func (c *Client) read(r request, a attempt) (reply, error) {
	e := &Error{Op: r.op.name, Status: a.status, RetryAfter: a.retryAfter, Sent: true, rings: r.op.rings, safe: r.op.safe}
	if a.status < 200 || a.status > 299 {
		e.Kind, e.fault = classify(a.status)
		said, object := describe(a.body)
		e.own = object && a.err == nil && !alike(a.status)
		e.gateways = alike(a.status) || isPage(a.body)
		e.Code, e.exists = c.clean(said.code, r.secret), a.status < 500 && said.exists()
		e.Message = c.clean(said.text, r.secret)
		switch {
		case a.status/100 == 3:
			e.Message = c.clean("redirects are not followed; it points to " + host(a.location) + ", set base_url to the API itself")
		case e.Kind == KindUnauthorized && e.Message == "":
			e.Message = "check api_token and team_id against Settings, Developer"
		}
		return reply{}, e
	}
	e.Kind, e.fault = KindAmbiguous, FaultTheirs
	if a.err != nil {
		e.cause = safeCause(a.err)
		e.Message = c.clean("the reply broke off: "+a.err.Error(), r.secret)
		return reply{}, e
	}
	body, err := decodeReply(a.body)
	if err != nil {
		if said, ok := errors.AsType[*apiError](err); ok {
			e.Code, e.exists = c.clean(said.code, r.secret), said.exists()
		}
		e.Message = c.clean(err.Error(), r.secret)
		return reply{}, e
	}
	return body, nil
}

// illegible is the error of a reply that is well-formed but lacks what the operation is for.
func (c *Client) illegible(r request, err error) error {
	return &Error{
		Op: r.op.name, Kind: KindAmbiguous, Status: http.StatusOK, Message: c.clean(err.Error(), r.secret),
		Sent: true, fault: FaultTheirs, rings: r.op.rings, safe: r.op.safe,
	}
}

// retryAfter reads a Retry-After header, seconds or a date; a date counts from the server's own clock if it told it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// pathID escapes an id for a path; refuse says why it cannot be one.
func pathID(field, id string) (escaped, refuse string) {
	switch id {
	case "":
		return "", field + ": is empty"
	case ".", "..":
		return "", field + ": is not an id (got " + strconv.Quote(id) + ")"
	}
	return url.PathEscape(id), ""
}
