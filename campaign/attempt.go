package campaign

import (
	"slices"
	"time"
)

// AttemptState is how far one attempt to ring a lead has come.
//
//	sending ──► accepted ──► settled
//	   │  └───► unknown ───►   ▲
//	   │           └───────────┘   (a webhook, a search, or its policy time)
//	   └──────► refused ──►settled (nothing can have rung: no attempt spent; but for an API whose own record says that it did)
type AttemptState string

// The states of an attempt.
const (
	Sending  AttemptState = "sending"  // written before the request leaves
	Accepted AttemptState = "accepted" // the API said yes: a phone rings or will
	Refused  AttemptState = "refused"  // the request never left, or the API said no: nothing rang, as far as anybody can tell
	InDoubt  AttemptState = "unknown"  // it may have rung: never dialled again before that is known or its time is over
	Settled  AttemptState = "settled"  // has a disposition
)

// attemptSteps is the table of the picture above.
var attemptSteps = map[AttemptState][]AttemptState{
	Sending:  {Accepted, Refused, InDoubt, Settled},
	Accepted: {Settled},
	InDoubt:  {Accepted, Settled},
	Refused:  {Settled},
	Settled:  {},
}

// May reports whether an attempt may go from s to next. A webhook can arrive before the request's own reply, so sending
// may settle at once.
func (s AttemptState) May(next AttemptState) bool {
	return slices.Contains(attemptSteps[s], next)
}

// Open reports whether the attempt still waits for its end.
func (s AttemptState) Open() bool { return s == Sending || s == Accepted || s == InDoubt }

// AttemptStates lists the states in order.
func AttemptStates() []AttemptState {
	return []AttemptState{Sending, Accepted, Refused, InDoubt, Settled}
}

// Attempt is one try to ring a lead's phone.
type Attempt struct {
	ID          string        `json:"id"`
	Lead        string        `json:"lead"`
	Campaign    string        `json:"campaign"`
	Phone       Phone         `json:"phone"`
	State       AttemptState  `json:"state"`
	At          time.Time     `json:"at"`       // when it began, on the shared clock
	Deadline    time.Time     `json:"deadline"` // after this no byte of its request can reach the API
	Agent       string        `json:"agent"`
	CallID      string        `json:"call_id,omitempty"` // the API's name for the call, once known
	Disposition Disposition   `json:"disposition,omitempty"`
	Status      string        `json:"status,omitempty"` // the API's own word
	Duration    time.Duration `json:"duration,omitempty"`
	Transferred bool          `json:"transferred,omitempty"` // a PHONE_TRANSFER was seen; it sticks
}
