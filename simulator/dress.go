package simulator

import "time"

// dress is how one record looks this time: what is left to chance by shape and echo.
type dress struct {
	documented bool
	odd        bool // mixed shape: fields under other names and of other types
	wrapped    bool // mixed shape: {"type": event, "data": record}
	status     string
	outcome    string         // the agent's word; empty when there is none
	points     map[string]any // what the agent noted
	metadata   map[string]any // of the call request, when it comes back
	recording  *string
}

// dress decides how a call looks in a webhook or in a listing; the mutex is held.
func (s *Server) dress(c *call, place string) dress {
	p := s.profile.Records
	d, always := roll(s.cfg.Seed, "dress", place, c.id), roll(s.cfg.Seed, "dress", c.id)
	words := c.words()
	out := dress{status: words.real, outcome: words.outcome, points: c.points(p.Shape, s.hurried(c.meeting.callback))}
	switch p.Shape {
	case ShapeDocumented:
		out.documented, out.status = true, words.documented
	case ShapeMixed:
		out.documented, out.odd, out.wrapped = d.hit(0.5), d.hit(0.3), d.hit(0.2)
		out.status = pick(d, append([]string{words.real, words.documented}, words.others...)...)
	case ShapeReal:
	}
	if always.hit(p.Unlabelled) {
		out.outcome = ""
	}
	echo := p.Echo == EchoAlways || p.Echo == EchoMixed && always.hit(0.5)
	if echo && len(c.metadata) > 0 {
		out.metadata = c.metadata
	}
	if always.hit(p.System) {
		system := map[string]any{"contact": map[string]any{"id": c.contact.id, "attributes": orNone(c.contact.Attributes)}}
		out.metadata = merged(out.metadata, map[string]any{"system": system})
	}
	late := always.hit(p.LateRecording)
	if c.meeting.talk > 0 && c.present() == over && (place != "webhook" || !late) {
		url := "https://recordings.invalid/" + c.id + ".mp3"
		out.recording = &url
	}
	return out
}

// points are the data that the agent took down: the time of a promised callback.
func (c *call) points(shape Shape, ahead time.Duration) map[string]any {
	if c.present() != over || c.meeting.callback == 0 {
		return nil
	}
	d := roll(c.meeting.voice, "callback")
	at := c.ended.Add(ahead).UTC().Truncate(time.Second)
	when := at.Format(time.RFC3339)
	switch {
	case c.meeting.vague:
		when = pick(d, "next week", "tomorrow afternoon", "some time in the evening")
	case shape == ShapeMixed && d.hit(0.5):
		when = at.In(time.FixedZone("", -5*3600)).Format(time.RFC3339)
	}
	return map[string]any{"callback_time": when}
}

// listed is a call as GET /interview/{id}/responses shows it; the mutex is held.
func (s *Server) listed(c *call) any {
	d := s.dress(c, "listing")
	if !d.documented {
		return c.real(d)
	}
	out := c.documented(d)
	out.Transcript, out.Tags = c.documentedLines(), c.contact.Tags
	out.Metadata = merged(d.metadata, d.points)
	return out
}

// posted is a call as a webhook shows it; the mutex is held.
func (s *Server) posted(c *call, event string) any {
	d := s.dress(c, "webhook")
	if !d.documented {
		if d.wrapped {
			return map[string]any{"type": event, "data": c.real(d)}
		}
		return c.real(d)
	}
	out := documentedEvent{
		Event: event, Call: c.documented(d), Transcript: c.documentedLines(),
		Agent: documentedAgent{ID: c.agent.ID, Title: c.agent.Title, Phone: c.agent.Phone},
	}
	if d.odd {
		out.Call.Metadata, out.CustomFields = d.metadata, d.points
		return out
	}
	out.CustomFields = orNone(merged(d.metadata, d.points))
	return out
}
