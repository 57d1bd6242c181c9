package simulator

import (
	"maps"
	"strconv"
	"time"
)

// ref is an id inside an object.
type ref struct {
	ID string `json:"id"`
}

// realRecord is a call ("response") as public code received it from the real service.
type realRecord struct {
	ID           string         `json:"id"`
	Created      string         `json:"created"`
	Updated      string         `json:"updated"`
	Version      int            `json:"version"`
	Interview    ref            `json:"interview"`
	Contact      realContact    `json:"contact"`
	Team         struct{}       `json:"team"`
	Type         string         `json:"type"`
	Status       string         `json:"status"`
	StartTime    string         `json:"start_time"`
	EndTime      *string        `json:"end_time"`
	DurationMS   any            `json:"duration_ms"` // a string of a number; in the mixed shape also a number
	Conversation []realLine     `json:"conversation_history"`
	AIName       string         `json:"ai_name"`
	Phone        string         `json:"phone_number"`
	Recording    *string        `json:"recording_url"`
	Transcript   any            `json:"transcript"` // a string; in the mixed shape also an array of lines
	Summary      map[string]any `json:"summary_data"`
	Metadata     map[string]any `json:"metadata"`
	CustomFields map[string]any `json:"custom_fields,omitempty"` // mixed shape only
}

type realContact struct {
	ID         string         `json:"id"`
	Created    string         `json:"created"`
	Updated    string         `json:"updated"`
	Version    int            `json:"version"`
	TeamID     string         `json:"team_id"`
	Status     string         `json:"status"`
	Name       string         `json:"name"`
	CallerType *string        `json:"caller_type"`
	Phone      string         `json:"phone_number"`
	Email      string         `json:"email"`
	Attributes map[string]any `json:"attributes"`
	Tags       []string       `json:"tags"`
}

type realLine struct {
	Date     string `json:"date"`
	Text     string `json:"text"`
	Author   string `json:"author"`
	Audio    string `json:"audio_url"`
	Duration int64  `json:"cumulative_duration_ms"`
}

// documentedCall is a call as public schemas describe it.
type documentedCall struct {
	ID         string           `json:"id"`
	Interview  string           `json:"interview_id"`
	Contact    string           `json:"contact_id"`
	Direction  string           `json:"direction"`
	Status     string           `json:"status"`
	Outcome    string           `json:"outcome,omitempty"`
	Duration   int64            `json:"duration_seconds"`
	Recording  *string          `json:"recording_url"`
	Started    string           `json:"started_at"`
	Ended      *string          `json:"ended_at"`
	Transcript []documentedLine `json:"transcript,omitempty"` // listings only
	Tags       []string         `json:"tags,omitempty"`       // listings only
	Metadata   map[string]any   `json:"metadata,omitempty"`   // listings; in the mixed shape also webhooks
}

type documentedLine struct {
	Transcript string `json:"transcript"`
	Speaker    string `json:"speaker"`
	Created    string `json:"createdAt"`
	Step       int    `json:"step,omitempty"`
	Node       string `json:"node_id,omitempty"`
}

type documentedEvent struct {
	Event        string           `json:"event"`
	Call         documentedCall   `json:"call"`
	Agent        documentedAgent  `json:"agent"`
	Transcript   []documentedLine `json:"transcript"`
	CustomFields map[string]any   `json:"custom_fields"`
}

type documentedAgent struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Phone string `json:"phone_number"`
}

type documentedContact struct {
	ID         string         `json:"id"`
	Phone      string         `json:"phone_number"`
	Name       string         `json:"name"`
	Email      string         `json:"email"`
	Tags       []string       `json:"tags"`
	Attributes map[string]any `json:"attributes"`
	Created    string         `json:"created_at"`
}

func realContactOf(c *contact, t *team) realContact {
	return realContact{
		ID: c.id, Created: stamp(c.created), Updated: stamp(c.created), Version: 1, TeamID: t.ID, Status: c.status(),
		Name: c.Name, Phone: c.spelt(), Email: c.Email, Attributes: orNone(c.Attributes), Tags: orEmpty(c.Tags),
	}
}

// real lays a call out as the real service does.
func (c *call) real(d dress) realRecord {
	r := realRecord{
		ID: c.id, Created: stamp(c.created), Updated: stamp(c.latest()), Version: 1 + int(c.present()),
		Interview: ref{c.agent.ID}, Contact: realContactOf(c.contact, c.team), Type: "PHONE_CALL",
		Status: d.status, StartTime: stamp(c.created), EndTime: c.endTime(),
		DurationMS: strconv.FormatInt(c.lasted().Milliseconds(), 10), Conversation: []realLine{},
		AIName: "Maya", Phone: c.contact.Phone, Recording: d.recording, Metadata: d.metadata,
	}
	script := c.script(c.present())
	r.Transcript = plain(script)
	for _, l := range script {
		who := "user"
		if l.ai {
			who = "ai"
		}
		r.Conversation = append(r.Conversation, realLine{
			Date: stamp(c.answered().Add(l.at)), Text: l.text, Author: who,
			Audio: "https://audio.invalid/" + c.id + ".mp3", Duration: l.at.Milliseconds(),
		})
	}
	if c.present() == over && c.meeting.talk > 0 {
		r.Summary = map[string]any{"summary": c.words().summary}
		if d.outcome != "" {
			r.Summary["outcome"] = d.outcome
		}
		if len(d.points) > 0 {
			r.Summary["data_points"] = d.points
		}
	}
	if d.odd {
		r.DurationMS, r.Transcript = c.lasted().Milliseconds(), r.Conversation
		r.Metadata, r.CustomFields = nil, d.metadata
	}
	return r
}

// documented lays a call out as public schemas do, without what differs between webhooks and listings.
func (c *call) documented(d dress) documentedCall {
	direction := "outbound"
	if c.inbound {
		direction = "inbound"
	}
	return documentedCall{
		ID: c.id, Interview: c.agent.ID, Contact: c.contact.id, Direction: direction, Status: d.status, Outcome: d.outcome,
		Duration: int64(c.lasted().Round(time.Second).Seconds()), Recording: d.recording, Started: stamp(c.created), Ended: c.endTime(),
	}
}

func (c *call) documentedLines() []documentedLine {
	out, step := []documentedLine{}, 0
	for _, l := range c.script(c.present()) {
		n := documentedLine{Transcript: l.text, Speaker: "user", Created: stamp(c.answered().Add(l.at))}
		if l.ai {
			step++
			n.Speaker, n.Step, n.Node = "ai", step, "node_"+strconv.Itoa(step)
		}
		out = append(out, n)
	}
	return out
}

// lasted is the conversation's length, unhurried; 0 until it is over.
func (c *call) lasted() time.Duration {
	if c.ended.IsZero() {
		return 0
	}
	return c.meeting.talk
}

func (c *call) latest() time.Time {
	if !c.ended.IsZero() {
		return c.ended
	}
	if !c.connected.IsZero() {
		return c.connected
	}
	return c.created
}

// answered is when talk began; a record that is not that far counts from its creation.
func (c *call) answered() time.Time {
	if c.connected.IsZero() {
		return c.created
	}
	return c.connected
}

func (c *call) endTime() *string {
	if c.ended.IsZero() {
		return nil
	}
	t := stamp(c.ended)
	return &t
}

// stamp writes a time as the service does: UTC, milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func orNone(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func merged(a, b map[string]any) map[string]any {
	if len(b) == 0 {
		return a
	}
	out := map[string]any{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}
