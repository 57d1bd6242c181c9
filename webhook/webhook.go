// Package webhook receives Thoughtly's events, checks them, and answers before any work is done.
//
// Events are not signed, come once, and are repeated only after a 429. So each team has an address that nobody can guess, every
// event that passes it is kept, readable or not, and there is no 5xx: what cannot be handed on waits in a [Spool] on disk, and
// only when that fails too does the sender hear 429.
//
// The doors are, below the path of public_url:
//
//	POST /hooks/{secret}/{team}/{type}/{agent}   subscriptions, one address per event type and agent
//	POST /automation/{team}                      the Send Webhook step of an Automation, with the header X-Dialerd-Secret
//
// An event proves that Thoughtly said something, not that a call has ended.
package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/dialerd/dialerd/thoughtly"
)

// The kinds of events.
const (
	KindResponse   = thoughtly.EventNewResponse
	KindTransfer   = thoughtly.EventPhoneTransfer
	KindAutomation = "automation" // came through the second door
)

// What a Handler does unless its fields say otherwise.
const (
	DefaultTimeout     = 2 * time.Second  // of Receive
	DefaultReadTimeout = 10 * time.Second // of a body
	DefaultMaxBody     = 1 << 20          // bytes
)

// retryAfter is what the sender is asked to wait when an event could not be kept. It comes back once, so it is given a while.
const retryAfter = 30 * time.Second

// Event is one thing that Thoughtly told us.
type Event struct {
	Team   string
	Kind   string // KindResponse, KindTransfer or KindAutomation
	Agent  string // the body's own agent id, else that of the address; empty if neither names one
	Digest string // 32 hex characters, the same for each delivery of the same news, see digest
	Body   []byte // as it came
	At     time.Time
	// Unreadable says that the body is no event of a call. It is kept all the same, since it will not come again.
	Unreadable bool
}

// LogValue shows neither body nor phone numbers.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("team", e.Team), slog.String("kind", e.Kind), slog.String("digest", e.Digest), slog.Int("bytes", len(e.Body)))
}

// Handler is the listener that the internet may reach. Fill it, then serve it; its fields do not change after that. The server
// around it should limit the time and size of headers.
type Handler struct {
	// Prefix is the path of public_url, such as "/dialerd". Requests are taken with and without it: some proxies cut it off.
	Prefix string
	// Teams holds the keys of each team by its name.
	Teams map[string]Keys
	// Receive keeps events of one team for good, all of them or none, and wakes whoever works on them. It may see an event again: the
	// digest tells. It gets Timeout, and is no longer waited for after that.
	Receive func(context.Context, ...Event) error
	// Spool takes what Receive did not; nil means that the sender is asked to come again.
	Spool *Spool
	// Archive keeps raw bodies for a while; nil means no.
	Archive *Archive
	// Now is the clock.
	Now func() time.Time
	// Log is for what somebody should look at; nil means none.
	Log *slog.Logger

	Timeout     time.Duration // of Receive; 0 means DefaultTimeout
	ReadTimeout time.Duration // of a body, from the end of the headers; 0 means DefaultReadTimeout
	MaxBody     int64         // bytes; 0 means DefaultMaxBody

	// Stats counts what happened.
	Stats Stats

	groups groups
}

// Stats counts requests and events since the process started. Received is Kept + Spooled + Overloaded + empty bodies.
type Stats struct {
	Received   atomic.Int64 // requests with the right secret and a whole body
	Bytes      atomic.Int64 // of those bodies
	Kept       atomic.Int64 // events that Receive took at once; whether they were new is for Receive to say
	Spooled    atomic.Int64 // events that went to the spool instead
	Drained    atomic.Int64 // events that Receive took from the spool
	Unreadable atomic.Int64 // bodies that are no event of a call, empty ones included
	Refused    atomic.Int64 // requests answered with 400, 404, 405, 408 or 413
	Overloaded atomic.Int64 // requests answered with 429: events that come back once, or are lost
	Unarchived atomic.Int64 // bodies that the archive could not write
}

var _ http.Handler = (*Handler)(nil)

func (h *Handler) log() *slog.Logger {
	if h.Log != nil {
		return h.Log
	}
	return slog.New(slog.DiscardHandler)
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
