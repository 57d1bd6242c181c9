package thoughtly

import (
	"context"
	"time"
)

// Class says who pays for a request. Classes share one limit; the limiter decides who waits.
type Class = string

// The classes, in the order in which the limiter should serve them.
const (
	ClassCall      Class = "call"      // placing a call
	ClassReconcile Class = "reconcile" // looking up what became of one
	ClassStage     Class = "stage"     // making and finding contacts ahead of time
	ClassControl   Class = "control"   // agents, webhooks, credentials, automations
)

// Limiter hands out request slots. The fleet's lives in Redis; LocalLimiter is for one process alone.
type Limiter interface {
	// Take waits for a request slot of the class. Slot.At is the shared clock's time at which the slot was granted.
	Take(ctx context.Context, class string) (Slot, error)
}

// Slot is the right to send one request now.
type Slot struct {
	// At is the shared clock's time at which the slot opened. Take has already waited for it, and gives back a slot that it woke up
	// for late: the client counts the time since At from the moment Take returns.
	At time.Time
	// Done is called exactly once and tells what became of the slot.
	Done func(Reply)
}

// Reply is what became of a slot.
type Reply struct {
	Sent       bool          // false: nothing was written, the slot is unused: give it back
	Answered   bool          // false with Sent: there was no reply, the permit comes back after timeout and window
	Throttled  bool          // the reply was a 429
	RetryAfter time.Duration // what the reply asked for; 0 if nothing
}
