package simulator

import (
	"net/http"
	"strconv"
	"time"
)

// call is one call of an agent with a person. Its times are guarded by the server's mutex, the rest never changes.
type call struct {
	id       string
	team     *team
	agent    Agent
	contact  *contact
	metadata map[string]any
	meeting  meeting
	inbound  bool

	created   time.Time
	connected time.Time // zero: nobody and nothing answered yet
	ended     time.Time // zero: not over
}

func (s *Server) callContact(x *exchange) reply {
	f := x.fields("contact_id", "interview_id", "metadata")
	contactID, agentID := f.text("contact_id", true), f.text("interview_id", true)
	metadata := f.dict("metadata", true)
	if _, reserved := metadata["system"]; reserved {
		f.fail("metadata.system is Thoughtly's own")
	}
	if f.err != nil {
		return refuse(http.StatusBadRequest, f.err.Error())
	}
	s.mu.Lock()
	who, agent := x.team.contacts.byID[contactID], x.team.agent(agentID)
	if who == nil || who.Archived || agent == nil || agent.Status != AgentActive {
		s.mu.Unlock()
		switch {
		case who == nil:
			return refuse(http.StatusNotFound, "contact not found")
		case who.Archived:
			return refuse(http.StatusBadRequest, "contact is archived")
		case agent == nil:
			return refuse(http.StatusNotFound, "interview not found")
		default:
			return refuse(http.StatusBadRequest, "interview is archived")
		}
	}
	c := &call{team: x.team, agent: *agent, contact: who, metadata: metadata}
	refused := s.ring(c, x.fault)
	s.mu.Unlock()
	if refused {
		return refuse(http.StatusBadRequest, "contact is suppressed")
	}
	s.begin(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok(s.callReply(c))
}

// ring rings the contact's phone, unless Thoughtly blocks it; refused says that there is not even a call. The mutex is held.
func (s *Server) ring(c *call, fault *Fault) (refused bool) {
	phone, n := c.contact.Phone, s.rung[c.contact.Phone]+1
	c.created = s.now()
	c.meeting = s.profile.People.meet(s.cfg.Seed, phone, n)
	if s.suppressed[phone] {
		c.meeting.outcome, c.meeting.ring, c.meeting.talk = Suppressed, 0, 0
	}
	if c.meeting.outcome == Suppressed {
		if s.profile.API.Blocked == BlockedRefuse {
			return true
		}
		s.facts.blocked++
		c.id = roll(s.cfg.Seed, "blocked call", phone, strconv.Itoa(s.facts.blocked)).uuid()
		c.team.calls[c.agent.ID] = append(c.team.calls[c.agent.ID], c)
		return false
	}
	s.rung[phone] = n
	c.id = roll(s.cfg.Seed, "call", phone, strconv.Itoa(n)).uuid()
	c.team.calls[c.agent.ID] = append(c.team.calls[c.agent.ID], c)
	r := Ring{
		At: c.created, Team: c.team.ID, Phone: phone, Contact: c.contact.id, Agent: c.agent.ID, CallID: c.id,
		N: n, Outcome: c.meeting.outcome, Metadata: c.metadata,
	}
	if fault != nil {
		r.Fault = fault.Kind
	}
	s.logRing(r)
	s.facts.begin(phone)
	return false
}

// begin lets the call happen. Webhooks that come before the POST's reply have been delivered when it returns.
func (s *Server) begin(c *call) {
	s.mu.Lock()
	d := roll(s.cfg.Seed, "begin", c.id)
	hooks := s.profile.Webhooks
	s.mu.Unlock()
	early, first := d.hit(hooks.Early), d.hit(hooks.BeforeReply)
	if early || first {
		s.emit(c, EventResponse, first)
	}
	switch o := c.meeting.outcome; {
	case o == Suppressed, first && (o == Busy || o == Failed):
		s.end(c, first)
	default:
		s.timers.after(s.hurried(c.meeting.ring), func() { s.connect(c) })
	}
}

// connect is the moment when someone or something answers, or when the phone stops ringing.
func (s *Server) connect(c *call) {
	if c.meeting.talk == 0 {
		s.end(c, false)
		return
	}
	s.mu.Lock()
	c.connected = s.now()
	s.mu.Unlock()
	talk := s.hurried(c.meeting.talk)
	switch c.meeting.outcome { //nolint:exhaustive // the others just talk
	case Stuck:
		return
	case Transferred:
		s.timers.after(talk*2/3, func() { s.emit(c, EventTransfer, false) })
	}
	s.timers.after(talk, func() { s.end(c, false) })
}

// end is when the line goes dead. With at once, the webhook is out when it returns.
func (s *Server) end(c *call, atOnce bool) {
	s.mu.Lock()
	c.ended = s.now()
	if c.meeting.outcome != Suppressed && !c.inbound {
		s.facts.end(c.contact.Phone)
	}
	if c.meeting.outcome == OptOut {
		s.facts.optOut(c.contact.Phone)
		if s.profile.People.SuppressAfterOptOut {
			s.suppressed[c.contact.Phone] = true
		}
	}
	stray := s.profile.Webhooks.Stray
	s.mu.Unlock()
	s.emit(c, EventResponse, atOnce)
	if d := roll(s.cfg.Seed, "stray", c.id); !c.inbound && d.hit(stray) {
		who := "+1646555" + strconv.Itoa(1000+d.below(9000))
		s.timers.after(s.hurried(5*time.Second), func() { s.Inbound(c.team.ID, c.agent.ID, who) })
	}
}

// Inbound is a call that a person makes to an agent: it is over at once, listed, and raises events like any other. It says whether team
// and agent are known.
func (s *Server) Inbound(teamID, agentID, phone string) bool {
	s.mu.Lock()
	t := s.teamByID(teamID)
	if t == nil || t.agent(agentID) == nil {
		s.mu.Unlock()
		return false
	}
	s.facts.inbound++
	id := strconv.Itoa(s.facts.inbound)
	now := s.now()
	c := &call{
		id: roll(s.cfg.Seed, "inbound", phone, id).uuid(), team: t, agent: *t.agent(agentID), inbound: true,
		contact: &contact{Contact: Contact{Phone: phone}, id: roll(s.cfg.Seed, "caller", phone, id).uuid(), created: now},
		meeting: meeting{outcome: Completed, talk: 30 * time.Second},
		created: now, connected: now,
	}
	t.calls[agentID] = append(t.calls[agentID], c)
	s.mu.Unlock()
	s.end(c, false)
	return true
}

// callReply is the data of a reply to POST /contact/call; the mutex is held.
func (s *Server) callReply(c *call) any {
	flat := map[string]any{
		"call_id": c.id, "status": "queued", "interview_id": c.agent.ID, "contact_id": c.contact.id,
	}
	d := roll(s.cfg.Seed, "call reply", c.id)
	switch s.profile.API.CallReply {
	case ReplyRecord:
		return s.listed(c)
	case ReplyCallID:
		return flat
	case ReplyForeignID:
		return map[string]any{"id": d.uuid()}
	case ReplyMixed:
		only := map[string]any{"id": c.id}
		return pick[any](d, map[string]any{}, s.listed(c), flat, map[string]any{"response_id": c.id},
			map[string]any{"response": only}, map[string]any{"call": only})
	case ReplyEmpty:
		fallthrough
	default:
		return map[string]any{}
	}
}
