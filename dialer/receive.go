package dialer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
)

// Hook is one event as it came in.
type Hook struct {
	Team   string
	Kind   string // NEW_RESPONSE, PHONE_TRANSFER, or automation for the second door
	Agent  string // whose URL it came to
	Digest string // the same for every delivery of the same event
	Body   []byte
}

// kept is what the inbox keeps of an event, as JSON, before a newline and the body as it came.
type kept struct {
	Kind  string `json:"kind"`
	Agent string `json:"agent"`
}

// Receive keeps events of one team that came together, all of them or none, and wakes their settling. Once it returns nil none can be
// lost: the sweep finds it in the inbox even if the wake-up is. So nobody waits for the wake-up, unless so many are on their way
// that the queue has to catch up.
func (d *Dialer) Receive(ctx context.Context, hooks ...Hook) error {
	if len(hooks) == 0 {
		return nil
	}
	team, events := hooks[0].Team, make([]store.InboxEvent, len(hooks))
	for i, h := range hooks {
		raw, err := json.Marshal(kept{Kind: h.Kind, Agent: h.Agent})
		if err != nil {
			return fmt.Errorf("keep an event of team %s: %w", team, err)
		}
		events[i] = store.InboxEvent{ID: h.Digest, Body: slices.Concat(raw, []byte("\n"), h.Body)}
	}
	fresh, err := d.Store.Inbox(ctx, team, d.Now(), events...)
	if err != nil {
		return fmt.Errorf("keep an event of team %s: %w", team, err)
	}
	for i, e := range events {
		if fresh[i] {
			d.wakeSoon(ctx, queue.Settle{Team: team, Inbox: e.ID})
		}
	}
	return nil
}
