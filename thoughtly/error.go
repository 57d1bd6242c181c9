package thoughtly

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// Kind is what a failed request comes to for its caller.
type Kind string

// The kinds. Each failure has exactly one.
const (
	KindNotSent      Kind = "not_sent"     // no byte left: no slot, no connection, no time, wrong settings
	KindThrottled    Kind = "throttled"    // 429: refused before it was looked at
	KindRejected     Kind = "rejected"     // the request is wrong and will stay wrong: 400, 422, other 4xx
	KindNotFound     Kind = "not_found"    // 404, 410: the contact or agent is gone
	KindUnauthorized Kind = "unauthorized" // 401, 402, 403: this token, team or account may not; the next request will fare no better
	KindAmbiguous    Kind = "ambiguous"    // it may have been carried out: 408, 5xx, 200 with an error, no or no legible reply
)

// Fault is who can mend a failure.
type Fault string

// The faults.
const (
	FaultOurs        Fault = "ours"        // the request, the settings, or the caller gave up
	FaultTheirs      Fault = "theirs"      // the API
	FaultNetwork     Fault = "network"     // the way between
	FaultCredentials Fault = "credentials" // token, team or account
	FaultLimit       Fault = "limit"       // the request limit
)

// retryPause is how long to leave the network or the API alone when neither said.
const retryPause = 5 * time.Second

// Error is a failed request; every error of the package's requests is one. It never holds the token, the address of a
// webhook, or a whole phone number.
type Error struct {
	Op         string        // the operation, such as "call" or "create contact"
	Kind       Kind          // what it comes to
	Status     int           // HTTP status of the reply, 0 if there was none
	Code       string        // the API's own code, if it gave one
	Message    string        // what the API or the network said, at most 300 characters
	RetryAfter time.Duration // what the reply asked for, 0 if nothing
	Sent       bool          // a byte of the request may have left this machine

	fault    Fault
	exists   bool
	own      bool
	gateways bool
	rings    bool // Op places a call
	safe     bool // Op may be repeated
	cause    error
}

// Error says what failed, how, and what was said about it.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "thoughtly %s: %s", e.Op, strings.ReplaceAll(string(e.Kind), "_", " "))
	if e.Status != 0 {
		fmt.Fprintf(&b, " (status %d)", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": code %s", e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	return b.String()
}

// Unwrap gives the limiter's error, or a cause without text from outside: a context error, errno, DNS error, EOF.
func (e *Error) Unwrap() error { return e.cause }

// MayHaveRung says whether this was a call that may have reached a phone. If so it must not be placed again
// before a webhook or a search has told what became of it.
func (e *Error) MayHaveRung() bool { return e.rings && e.Kind == KindAmbiguous }

// Retry says whether the same request may be sent again as it is, and how long to wait at least. A wait of 0 means that the limiter's is enough.
func (e *Error) Retry() (allowed bool, after time.Duration) {
	switch e.Kind {
	case KindThrottled:
		return true, e.RetryAfter
	case KindNotSent:
		if e.fault == FaultNetwork {
			return true, retryPause
		}
		return e.cause != nil, 0 // without a cause it is the settings or a spent permit
	case KindAmbiguous:
		if e.safe {
			return true, max(e.RetryAfter, retryPause)
		}
	case KindRejected, KindNotFound, KindUnauthorized:
	}
	return false, 0
}

// Fault says who can mend it.
func (e *Error) Fault() Fault { return e.fault }

// Exists says whether the API refused because what was to be made is there already.
func (e *Error) Exists() bool { return e.exists }

// OwnWord says whether a refusal is the API's own word about this very request, which would be refused again as it is: a JSON object, in a
// status that speaks of what was asked for. A page of HTML is a gateway's, and a redirect, 405 or 415 would meet every request alike. What
// is refused here, before it is sent, is as sure.
func (e *Error) OwnWord() bool { return e.own }

// Gateways says whether a refusal is certainly not the API's own word, but that of what stands before it: a page of HTML, a redirect, or a
// status such as 405 that every request of its kind would meet. Between the two lie texts of unknown origin.
func (e *Error) Gateways() bool { return e.gateways }

// alike reports whether a status speaks of the way, the method or the headers of a request, which are the same for each of its kind.
func alike(status int) bool {
	switch status {
	case 405, 406, 407, 411, 415, 417, 421, 426, 431:
		return true
	}
	return status/100 == 3
}

// classify is the table from HTTP status to kind and fault. What is not listed as refused counts as possibly done.
func classify(status int) (Kind, Fault) {
	switch status {
	case 429:
		return KindThrottled, FaultLimit
	case 401, 402, 403: // 402: out of credit, so every further call would fail too
		return KindUnauthorized, FaultCredentials
	case 404, 410:
		return KindNotFound, FaultOurs
	case 408, 499: // given up on by the server or something before it, at an unknown point
		return KindAmbiguous, FaultTheirs
	case 301, 307, 308: // "not here": not carried out. 302 and 303 also follow a request that was
		return KindRejected, FaultOurs
	}
	if status >= 400 && status < 500 {
		return KindRejected, FaultOurs
	}
	return KindAmbiguous, FaultTheirs
}

// neverDialled says whether a foreign RoundTripper failed before it had a connection.
func neverDialled(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// safeCause keeps of err what callers test for and drops its text, which may quote what the server sent.
func safeCause(err error) error {
	for _, known := range []error{errDeadline, context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns
	}
	return nil
}
