package campaign

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"
)

// LeadState is where a lead stands.
//
//	new ──► staged ──► calling ──► closed
//	 │         ▲        │   ▲        │
//	 │         │        ▼   │        │ (reopened by hand)
//	 │         │      waiting ◄──────┘
//	 └─────► held ◄────────┘    held: needs a person to say something; released to new, staged or waiting
type LeadState string

// The states of a lead.
const (
	LeadNew     LeadState = "new"     // imported; no contact at the API yet
	LeadStaged  LeadState = "staged"  // has a contact, has not been called
	LeadWaiting LeadState = "waiting" // between two attempts, or put off
	LeadCalling LeadState = "calling" // an attempt is open
	LeadClosed  LeadState = "closed"  // nothing follows
	LeadHeld    LeadState = "held"    // not called before somebody says more about it
)

// LeadStates lists the states in order.
func LeadStates() []LeadState {
	return []LeadState{LeadNew, LeadStaged, LeadWaiting, LeadCalling, LeadClosed, LeadHeld}
}

var leadSteps = map[LeadState][]LeadState{
	LeadNew:     {LeadStaged, LeadWaiting, LeadHeld, LeadClosed},
	LeadStaged:  {LeadCalling, LeadWaiting, LeadHeld, LeadClosed, LeadNew},
	LeadWaiting: {LeadCalling, LeadHeld, LeadClosed, LeadNew, LeadStaged},
	LeadCalling: {LeadWaiting, LeadClosed, LeadHeld, LeadStaged, LeadNew},
	LeadHeld:    {LeadNew, LeadStaged, LeadWaiting, LeadClosed},
	LeadClosed:  {LeadNew, LeadStaged, LeadWaiting, LeadHeld}, // reopened by hand only
}

// May reports whether a lead may go from s to next.
func (s LeadState) May(next LeadState) bool {
	return slices.Contains(leadSteps[s], next)
}

// Lead is one person on one list of one campaign.
type Lead struct {
	ID       string // LeadID(team, campaign, key)
	Campaign string
	Key      string // the mapped key column, else the phone
	Phone    Phone
	Fields

	List  string    // id of the list that it came from
	Row   []string  // the source row as it stood
	State LeadState // where it stands
	Lane  string    // leads with the same lane are under the same calling rules
	// Reason and Note say why it is held, waits or was closed. Note is free text for the operator.
	Reason Reason
	Note   string

	Due      time.Time // not before this; zero when it is not waiting for a time
	Promised bool      // Due was promised to the person (callback)
	Urgent   bool      // goes before all others
	Contact  string    // the API's contact id, when staged
	Restaged bool      // was staged again after the API did not know its contact

	Disposition Disposition // of the last settled attempt
	Attempts    []Attempt   // all attempts, oldest first
}

// Spent is the number of attempts that count: all but the refused ones, which cannot have rung.
func (l *Lead) Spent() int {
	n := 0
	for i := range l.Attempts {
		if l.Attempts[i].State != Refused {
			n++
		}
	}
	return n
}

// LeadID names a lead: the same team, campaign and key always give the same id, so importing twice is importing once.
// 72 bits of SHA-256: among five million leads two collide with a chance of 1 in 400 million.
func LeadID(team, campaign, key string) string {
	sum := sha256.Sum256([]byte(team + "\x00" + campaign + "\x00" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}
