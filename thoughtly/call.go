package thoughtly

import (
	"context"
	"net/http"
	"time"
)

// CallRequest places a call.
type CallRequest struct {
	ContactID string
	AgentID   string
	// Metadata can be spoken by the agent's script and should come back with the call's record. The key "system" is the platform's own.
	Metadata map[string]string
}

// Call is what the API says of a call that it has accepted. All of it may be empty: the reply is not documented.
type Call struct {
	ID        string // the same as Response.ID, as far as is known
	ContactID string
	AgentID   string
	Status    Status
	RawStatus string
}

// Call sends the call request, once, on the permit's slot. No byte of it is written, retransmitted or answered after the deadline
// (on the clock of At and Now), nor after the permit's own life. Every error is an *Error; see its MayHaveRung.
func (p *Permit) Call(ctx context.Context, call CallRequest, deadline time.Time) (Call, error) {
	if deadline.IsZero() {
		deadline = p.slot.At // a forgotten deadline is over, not endless
	}
	r := call.request()
	got, err := p.do(ctx, r, deadline)
	if err != nil {
		return Call{}, err
	}
	return decodeCall(got, call), nil
}

func (call CallRequest) request() request {
	r := request{op: opCall, method: http.MethodPost, path: "/contact/call", body: struct {
		ContactID   string            `json:"contact_id"`
		InterviewID string            `json:"interview_id"`
		Metadata    map[string]string `json:"metadata,omitempty"`
	}{call.ContactID, call.AgentID, call.Metadata}}
	_, system := call.Metadata["system"]
	switch {
	case call.ContactID == "":
		r.refuse = "contact_id: is empty"
	case call.AgentID == "":
		r.refuse = "interview_id: is empty; name the agent"
	case system:
		r.refuse = `metadata: the key "system" belongs to the platform; use another`
	}
	return r
}

// decodeCall reads what a 2xx reply says of the call, which may be nothing. An id that is the contact's or the agent's is not the call's.
func decodeCall(got reply, asked CallRequest) Call {
	o := objectOf(got.data)
	at := layers{o}
	call := Call{ContactID: asked.ContactID, AgentID: asked.AgentID, RawStatus: o.text("status", "call_status")}
	for _, inside := range []string{"response", "call"} {
		if inner := o.object(inside); inner != nil {
			at = append(at, inner)
			call.RawStatus = firstOf(call.RawStatus, inner.text("status", "call_status"))
		}
	}
	for _, name := range []string{"call_id", "response_id", "id"} {
		for _, from := range at {
			if id := from.text(name); call.ID == "" && id != asked.ContactID && id != asked.AgentID {
				call.ID = id
			}
		}
	}
	call.Status = Normalize(call.RawStatus)
	return call
}
