package webhook

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/dialerd/dialerd/thoughtly"
)

// ServeHTTP takes one event. It answers 200 once the event is kept, in the store or on disk; 404 to whoever has no key, whatever
// the reason; 405, 408 and 413 to what is no proper request; 429 when the event could be kept nowhere. Answers have no body.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d, secret, found := h.knock(r)
	if found && r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, http.StatusMethodNotAllowed)
		return
	}
	if !h.enters(d, secret) || !found {
		h.refuse(w, http.StatusNotFound)
		return
	}
	body, err := h.read(w, r)
	if err != nil {
		h.log().Warn("the body of an event did not arrive", "team", d.team, "kind", d.kind, "err", err)
		h.refuse(w, statusOf(err))
		return
	}
	h.Stats.Received.Add(1)
	h.Stats.Bytes.Add(int64(len(body)))
	if len(bytes.TrimSpace(body)) == 0 { // nothing that could be kept; somebody tries the address
		h.Stats.Unreadable.Add(1)
		answer(w, http.StatusOK)
		return
	}
	e := h.event(d, body)
	if !h.keep(context.WithoutCancel(r.Context()), e) { // the sender may hang up, the event stays
		h.Stats.Overloaded.Add(1)
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		answer(w, http.StatusTooManyRequests)
		return
	}
	answer(w, http.StatusOK)
}

func (h *Handler) refuse(w http.ResponseWriter, status int) {
	h.Stats.Refused.Add(1)
	answer(w, status)
}

// answer sends the status at once, so that what still follows keeps nobody waiting.
func answer(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
	_ = http.NewResponseController(w).Flush() // a writer that cannot flush sends when the handler returns
}

// errSlow says that a body took too long.
var errSlow = errors.New("the body took too long")

// read reads the body, no more of it than allowed and for no longer.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := or(h.MaxBody, DefaultMaxBody)
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // what follows is not read
		return nil, &http.MaxBytesError{Limit: limit}
	}
	stop := limitTime(w, or(h.ReadTimeout, DefaultReadTimeout))
	defer stop()
	var body bytes.Buffer
	body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errSlow
	case err != nil:
		return nil, err
	}
	return body.Bytes(), nil
}

// limitTime makes reading from the connection fail once limit is over. A timer sets a moment that is past by any clock: ours may be shifted.
func limitTime(w http.ResponseWriter, limit time.Duration) (stop func()) {
	var (
		mu      sync.Mutex
		stopped bool
	)
	timer := time.AfterFunc(limit, func() {
		mu.Lock()
		defer mu.Unlock()
		if !stopped { // a deadline after the body is read would end the request
			_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		stopped = true
	}
}

func statusOf(err error) int {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, errSlow) {
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest // it broke off, so nobody hears this
}

// event is what a body says, as far as the inbox needs to know.
func (h *Handler) event(d door, body []byte) Event {
	e := Event{Team: d.team, Kind: d.kind, Agent: d.agent, Body: body, At: h.Now()}
	response, err := thoughtly.DecodeEvent(body)
	if err != nil {
		e.Unreadable = true
	}
	e.Digest = digest(d, response, body)
	if id := response.AgentID; id != "" && len(id) <= maxAgent {
		e.Agent = id
	}
	if err != nil {
		h.Stats.Unreadable.Add(1)
		h.log().Warn("an event cannot be read; it is kept as it came", "event", e, "err", err)
	}
	return e
}

// keep brings an event to a safe place and says whether it did. While others wait in the spool it goes behind them, which keeps
// the order and spares the sender the time that Receive takes to fail.
func (h *Handler) keep(ctx context.Context, e Event) bool {
	var notReceived, notSpooled error
	waiting := h.Spool != nil && h.Spool.Pending() > 0
	if waiting {
		if notSpooled = h.spool(e); notSpooled == nil {
			return true
		}
	}
	if notReceived = h.hand(ctx, &member{event: e, archive: true, result: make(chan error, 1)}); notReceived == nil {
		h.Stats.Kept.Add(1)
		return true
	}
	if h.Spool != nil && !waiting {
		h.log().Warn("events cannot be handed on; they wait in the spool", "event", e, "err", notReceived)
		if notSpooled = h.spool(e); notSpooled == nil {
			return true
		}
	}
	h.log().Error("an event cannot be kept; its sender is asked to come again", "event", e, "err", errors.Join(notReceived, notSpooled))
	return false
}

func (h *Handler) spool(e Event) error {
	if err := h.Spool.Append(e); err != nil {
		return err
	}
	h.Stats.Spooled.Add(1)
	h.archive(e)
	return nil
}

// archive keeps raw bodies, as far as there is an archive.
func (h *Handler) archive(events ...Event) {
	if h.Archive == nil || len(events) == 0 {
		return
	}
	if err := h.Archive.Keep(events...); err != nil {
		h.Stats.Unarchived.Add(int64(len(events)))
		h.log().Warn("raw bodies are not in the archive", "event", events[0], "events", len(events), "err", err)
	}
}

// Wait waits for what still follows the answers. It is for the end, once no request is served.
func (h *Handler) Wait() { h.groups.work.Wait() }
