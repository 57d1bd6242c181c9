package dialer

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dialerd/dialerd/queue"
)

// Hook is one event as it came in.
type Hook struct {
	Team   string
	Kind   string // NEW_RESPONSE, PHONE_TRANSFER, or automation for the second door
	Agent  string // whose URL it came to
	Digest string // the same for every delivery of the same event
	Body   []byte
}

// kept is an event as the inbox keeps it.
type kept struct {
	Kind  string `json:"kind"`
	Agent string `json:"agent"`
	Body  []byte `json:"body"`
}

// maxWaking bounds the wake-ups that are on their way to the queue after their events were answered.
const maxWaking = 64

// Receive keeps an event and wakes its settling. Once it returns nil the event cannot be lost: the sweep finds it in the inbox
// even if the wake-up is. So nobody waits for the wake-up, unless so many are on their way that the queue has to catch up.
func (d *Dialer) Receive(ctx context.Context, h Hook) error {
	raw, err := json.Marshal(kept{Kind: h.Kind, Agent: h.Agent, Body: h.Body})
	if err != nil {
		return fmt.Errorf("keep an event of team %s: %w", h.Team, err)
	}
	fresh, err := d.Store.Inbox(ctx, h.Team, h.Digest, raw, d.Now())
	if err != nil {
		return fmt.Errorf("keep an event of team %s: %w", h.Team, err)
	}
	if !fresh {
		return nil
	}
	door := d.door("wake", maxWaking)
	select {
	case door <- struct{}{}:
		go func() {
			defer func() { <-door }()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
			defer cancel()
			d.wake(ctx, h)
		}()
	default:
		d.wake(ctx, h)
	}
	return nil
}

// wake has an event settled soon.
func (d *Dialer) wake(ctx context.Context, h Hook) {
	if err := d.Queue.Enqueue(ctx, queue.Settle{Team: h.Team, Inbox: h.Digest}); err != nil {
		d.Log.Warn("wake-up of an event failed; the sweep will find it", "team", h.Team, "err", err)
	}
}
