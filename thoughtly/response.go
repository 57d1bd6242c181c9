package thoughtly

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// The events that a webhook can be subscribed to. Documents promise the last three only for unsubscribing.
const (
	EventNewResponse         = "NEW_RESPONSE"
	EventPhoneTransfer       = "PHONE_TRANSFER"
	EventFolderNewResponse   = "FOLDER_NEW_RESPONSE"
	EventFolderPhoneTransfer = "FOLDER_PHONE_TRANSFER"
	EventActionFailed        = "ACTION_FAILED"
)

var events = []string{EventNewResponse, EventPhoneTransfer, EventFolderNewResponse, EventFolderPhoneTransfer, EventActionFailed}

// Response is Thoughtly's record of one call: what webhooks carry and searches list. What the API left out is the zero value.
type Response struct {
	ID        string // the call
	AgentID   string // also "interview id"
	ContactID string
	JobID     string
	Phone     string // as the API spells it: the contact's, else the record's own
	// ContactPhone is the contact's alone, empty where the record does not show the contact.
	ContactPhone string

	// Event is the kind of event that the body itself claims to be, empty if it claims none, as real ones do. Who knows better,
	// such as the address that it was posted to, sets it before asking Ended.
	Event     string
	Status    Status
	RawStatus string // as the API spells it
	Outcome   string // the agent's own word for the result
	Direction string // inbound or outbound, mostly absent

	CreatedAt time.Time // UTC, as all times here
	UpdatedAt time.Time
	StartedAt time.Time
	EndedAt   time.Time // zero until the call is over
	Duration  time.Duration
	Timed     bool // the record says how long the call was, be it 0; otherwise Duration is 0 because nobody knows

	Recording string // URL; may come later than the rest
	Summary   string
	Turns     []Turn
	Tags      []string
	// Data is what the agent took down in the conversation (data points, summary_data): texts as they are, other values as JSON.
	Data map[string]string
	// Metadata is what was sent with the call and whatever the platform added: texts as they are, other values as JSON.
	Metadata map[string]string
}

// Ended says whether the call is over for certain. A status that nobody knows is believed when the record has an end, or when
// it came as a NEW_RESPONSE and people spoke; a webhook alone proves nothing.
func (r Response) Ended() bool {
	if r.Status.Terminal() {
		return true
	}
	if r.Status != StatusUnknown {
		return false
	}
	fresh := r.Event == EventNewResponse || r.Event == EventFolderNewResponse
	return !r.EndedAt.IsZero() || (fresh && r.Duration > 0)
}

// LogValue shows ids and status, never phone numbers or what was said.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", r.ID), slog.String("agent", r.AgentID), slog.String("contact", r.ContactID), slog.String("status", r.RawStatus))
}

// String shows what LogValue shows.
func (r Response) String() string {
	return fmt.Sprintf("response %s agent %s contact %s status %s", r.ID, r.AgentID, r.ContactID, r.RawStatus)
}

// ErrNotEvent says that a body is no event: no JSON object, or one that names no call, no contact and nothing of ours.
var ErrNotEvent = errors.New("not an event of a call")

// DecodeEvent reads the body of a webhook, in any of the shapes seen or documented, our own automation template's included.
// Its errors are ErrNotEvent; they quote nothing of the body.
func DecodeEvent(body []byte) (Response, error) {
	v, err := parse(body)
	if err != nil {
		return Response{}, fmt.Errorf("%w: %w", ErrNotEvent, err)
	}
	if items, ok := v.([]any); ok && len(items) == 1 {
		v = items[0]
	}
	m := mapOf(v)
	if m == nil {
		return Response{}, fmt.Errorf("%w: not one JSON object", ErrNotEvent)
	}
	r := decodeResponse(objectOf(m), m)
	if r.ID == "" && r.ContactID == "" && len(r.Metadata) == 0 {
		return Response{}, fmt.Errorf("%w: no id of a call, no contact, no metadata", ErrNotEvent)
	}
	return r, nil
}

// envelopes are names under which a body may keep the record itself.
var envelopes = []string{"data", "response", "interview_response", "payload"}

// unwrap finds the record in a body and the envelopes around it, record first.
func unwrap(root object) layers {
	found := layers{root}
	for range 3 {
		at := found[0]
		inner := at.object("call")
		if inner == nil && (at.text("status", "call_status") == "" || at.text("id", "call_id", "response_id") == "") {
			inner = at.object(envelopes...)
		}
		if inner == nil {
			break
		}
		found = append(layers{inner}, found...)
	}
	return found
}

// decodeResponse reads a record, bare or in an envelope. Each field is looked for under every name that some source uses.
func decodeResponse(root object, raw map[string]any) Response {
	at := unwrap(root)
	r := Response{
		ID:        callID(at),
		AgentID:   at.id("interview", "interview_id", "agent_id"),
		ContactID: at.id("contact", "contact_id"),
		JobID:     at.id("job", "job_id"),
		RawStatus: at.text("status", "call_status", "state"),
		Outcome:   at.text("outcome", "call_outcome", "disposition", "result"),
		Direction: strings.ToLower(at.text("direction", "call_direction")),
		CreatedAt: at.time("created", "created_at", "date"),
		UpdatedAt: at.time("updated", "updated_at"),
		StartedAt: at.time("start_time", "started_at", "started", "start"),
		EndedAt:   at.time("end_time", "ended_at", "ended", "end", "completed_at"),
		Recording: at.text("recording_url", "recording", "call_recording_url"),
		Tags:      textsOf(at.get("tags", "response_tags")),
		Turns:     turnsOf(at),
		Summary:   summaryOf(at),
	}
	if r.AgentID == "" {
		r.AgentID = at.id("agent")
	}
	if r.AgentID == "" {
		r.AgentID = bareID(root["data"]) // what a subscription was made with
	}
	for _, o := range at {
		r.Outcome = firstOf(r.Outcome, o.object("outcome").text("name", "title", "label", "id"))
		r.Recording = firstOf(r.Recording, o.object("recording").text("url", "recording_url"))
		r.ContactPhone = firstOf(r.ContactPhone, o.object("contact").text("phone_number", "phone"))
	}
	r.Phone = firstOf(r.ContactPhone, at.text("phone_number", "contact_phone_number", "to_number", "to", "phone"))
	r.Status = Normalize(r.RawStatus)
	r.Event = eventOf(root)
	r.Duration, r.Timed = durationIn(at, r.StartedAt, r.EndedAt)
	r.Metadata = metadataOf(at, raw)
	r.Data = dataOf(at)
	for _, word := range outcomeWords {
		r.Outcome = firstOf(r.Outcome, r.Data[word])
	}
	return r
}

// callID is the record's id, or else what the envelope says the call's is. The envelope's own id may be that of the event.
func callID(at layers) string {
	if id := at[0].text("call_id", "response_id", "id"); id != "" {
		return id
	}
	for _, o := range at[1:] {
		if id := o.text("call_id", "response_id"); id != "" {
			return id
		}
		if id := o.text("id"); id != "" && o.text("status") != "" {
			return id
		}
	}
	return ""
}

// eventOf is the event that a body claims to be. "type" is the channel in real records and counts only if it is an event's name.
func eventOf(root object) string {
	for _, name := range []string{"event", "event_type", "type"} {
		if event := strings.ToUpper(root.text(name)); slices.Contains(events, event) {
			return event
		}
	}
	return ""
}

// durationIn is how long the call took, in whatever unit it is told. A number without one is taken as seconds below 1000 and as
// milliseconds from there, unless the two times say which. told is false when the record has neither.
func durationIn(at layers, started, ended time.Time) (d time.Duration, told bool) {
	span := time.Duration(0)
	if !started.IsZero() && ended.After(started) {
		span = ended.Sub(started)
	}
	for _, o := range at {
		if d, ok := durationOf(o.text("duration_ms", "dutation_ms", "call_duration_ms", "duration_millis"), time.Millisecond); ok {
			return d, true
		}
		if d, ok := durationOf(o.text("duration_seconds", "duration_secs", "duration_sec", "duration_s", "call_duration_seconds"), time.Second); ok {
			return d, true
		}
		text := o.text("duration", "call_duration")
		short, ok := durationOf(text, time.Millisecond)
		if !ok {
			continue
		}
		long, ok := durationOf(text, time.Second)
		switch {
		case !ok:
			return short, true
		case span > 0 && (short-span).Abs() < (long-span).Abs():
			return short, true
		case span == 0 && long >= 1000*time.Second && long != short: // equal: it was 1:02:03
			return short, true
		}
		return long, true
	}
	return min(span, maxDuration), !started.IsZero() && !ended.IsZero()
}

// metadataOf gathers metadata, custom_fields, and our own keys where a template put them beside the rest; the outermost wins.
func metadataOf(at layers, raw map[string]any) map[string]string {
	var all map[string]string
	for _, o := range slices.Backward(at) {
		all = flatten(all, mapOf(o.get("metadata")))
		all = flatten(all, mapOf(o.get("custom_fields")))
	}
	ours := map[string]any{}
	for name, value := range raw {
		if text := textOf(value); strings.HasPrefix(name, ourPrefix) && text != "" {
			ours[name] = text
		}
	}
	return flatten(all, ours)
}

// ourPrefix begins the metadata keys that are ours.
const ourPrefix = "dialerd_"

// summaryOf is the summary, whatever its shape.
func summaryOf(at layers) string {
	for _, o := range at {
		for _, name := range []string{"summary", "call_summary", "summary_data"} {
			v := o.get(name)
			said := firstOf(textOf(v), objectOf(v).text("summary", "text", "content", "value"))
			if m, ok := v.(map[string]any); said == "" && ok && len(m) > 0 {
				said = rendered(v)
			}
			if l, ok := v.([]any); ok && len(l) > 0 {
				said = rendered(v)
			}
			if said != "" {
				return said
			}
		}
	}
	return ""
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
