package thoughtly

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(hour, minute, second int) time.Time {
	return time.Date(2026, 5, 24, hour, minute, second, 0, time.UTC)
}

func TestDecodeEventReadsEveryShape(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body string
		want Response
	}{
		{
			"the real body of a call that has only begun", `{
			"id": "r1", "created": "2026-05-24T15:31:00.250Z", "updated": "2026-05-24T15:31:02Z", "version": 2,
			"interview": {"id": "aB3dE9fG"},
			"contact": {"id": "c1", "team_id": "t1", "status": "ACTIVE", "name": "Ann", "caller_type": null, "phone_number": "+15551234567",
				"attributes": {}, "tags": [], "created": "2026-01-01T00:00:00Z", "version": 1},
			"team": {}, "type": "PHONE_CALL", "status": "NOT_STARTED",
			"start_time": "2026-05-24T15:31:00Z", "end_time": null, "duration_ms": "0",
			"conversation_history": [{"date": "2026-05-24T15:31:01Z", "text": "Hi, this is Maya.", "author": "ai", "cumulative_duration_ms": 0}],
			"ai_name": "Maya", "phone_number": "+15550000001", "recording_url": null, "transcript": "Agent: Hi, this is Maya.",
			"summary_data": null, "metadata": null}`,
			Response{
				ID: "r1", AgentID: "aB3dE9fG", ContactID: "c1", Phone: "+15551234567", ContactPhone: "+15551234567", Status: StatusQueued, RawStatus: "NOT_STARTED",
				CreatedAt: at(15, 31, 0).Add(250 * time.Millisecond), UpdatedAt: at(15, 31, 2), StartedAt: at(15, 31, 0), Timed: true,
				Turns: []Turn{{SpeakerAgent, "Hi, this is Maya.", at(15, 31, 1)}},
			},
		},
		{
			"the documented example", `{
			"event": "NEW_RESPONSE",
			"call": {"id": "call_1", "interview_id": "agt_1", "contact_id": "cnt_1", "direction": "outbound", "status": "success", "outcome": "qualified",
				"duration_seconds": 184, "recording_url": "https://r.example/1.mp3", "started_at": "2026-05-24T15:31:10Z", "ended_at": "2026-05-24T15:34:14Z",
				"metadata": {"campaign": "inner", "lead": "l1"}},
			"agent": {"id": "agt_9", "phone_number": "+15557778888"},
			"transcript": [
				{"transcript": "Hello?", "speaker": "user", "createdAt": "2026-05-24T15:31:14Z", "step": 1, "node_id": "n"},
				{"transcript": "Hi.", "speaker": "ai"}, {"speaker": "ai"}],
			"custom_fields": {"campaign": "spring", "score": 82, "flag": true, "nothing": null, "deep": {"a": [1, 2]}}}`,
			Response{
				ID: "call_1", AgentID: "agt_1", ContactID: "cnt_1", Event: EventNewResponse, Status: StatusCompleted, RawStatus: "success",
				Outcome: "qualified", Direction: "outbound", Duration: 184 * time.Second, Timed: true, Recording: "https://r.example/1.mp3",
				StartedAt: at(15, 31, 10), EndedAt: at(15, 34, 14),
				Turns:    []Turn{{SpeakerPerson, "Hello?", at(15, 31, 14)}, {SpeakerAgent, "Hi.", time.Time{}}},
				Metadata: map[string]string{"campaign": "spring", "lead": "l1", "score": "82", "flag": "true", "deep": `{"a":[1,2]}`},
			},
		},
		{
			"under data, the kind beside it", `{"type": "phone_transfer", "id": "evt_1", "data": {"response_id": "r1", "agent_id": "a1", "contact_id": "c1", "call_status": "Transferred", "call_duration": "75"}}`,
			Response{ID: "r1", AgentID: "a1", ContactID: "c1", Event: EventPhoneTransfer, Status: StatusTransferred, RawStatus: "Transferred", Duration: 75 * time.Second, Timed: true},
		},
		{
			"a record whose own data is no envelope", `{"id": "r1", "status": "busy", "data": {"id": "x", "status": "completed"}}`,
			Response{ID: "r1", Status: StatusBusy, RawStatus: "busy"},
		},
		{
			"the subscription's data is the agent", `{"id": "r1", "status": "busy", "data": "aB3dE9fG"}`,
			Response{ID: "r1", AgentID: "aB3dE9fG", Status: StatusBusy, RawStatus: "busy"},
		},
		{
			"two envelopes", `{"data": {"response": {"id": "r1", "status": "failed"}}, "event": "ACTION_FAILED"}`,
			Response{ID: "r1", Event: EventActionFailed, Status: StatusFailed, RawStatus: "failed"},
		},
		{
			"the envelope's id is not the call's", `{"id": "evt", "data": {"contact_id": "c1", "end_time": "2026-05-24T15:31:00Z"}}`,
			Response{ContactID: "c1", EndedAt: at(15, 31, 0), Status: StatusUnknown},
		},
		{"a list of one", `[{"id": "r1"}]`, Response{ID: "r1", Status: StatusUnknown}},
		{"JSON in a text", `"{\"id\": \"r1\"}"`, Response{ID: "r1", Status: StatusUnknown}},
		{
			"an automation's flat template, half of it without values", `{"call_id": "r1", "status": "{{call.status}}", "agent_id": "undefined", "contact_id": "c1", "duration_ms": "61500",
			"metadata": "{\"dialerd_attempt\": \"at1\"}", "dialerd_lead": "l1", "summary": "null", "transcript": "[{\"speaker\":\"caller\",\"text\":\"Yes\"}]", "ended_at": ""}`,
			Response{
				ID: "r1", ContactID: "c1", Status: StatusUnknown, Duration: 61500 * time.Millisecond, Timed: true, Turns: []Turn{{Speaker: SpeakerPerson, Text: "Yes"}},
				Metadata: map[string]string{"dialerd_attempt": "at1", "dialerd_lead": "l1"},
			},
		},
		{
			"nothing but our attempt", `{"metadata": {"dialerd_attempt": "at1", "system": {"contact": 1}}}`,
			Response{Status: StatusUnknown, Metadata: map[string]string{"dialerd_attempt": "at1", "system": `{"contact":1}`}},
		},
		{
			"camel case, numbers as ids, a name as contact", `{"callId": 12345678901234567890, "interviewId": 7, "contact": "Ann Lee", "jobId": "j", "startTime": 1779636660, "endTime": 1779636721500}`,
			Response{ID: "12345678901234567890", AgentID: "7", JobID: "j", Status: StatusUnknown, StartedAt: at(15, 31, 0), EndedAt: at(15, 32, 1).Add(500 * time.Millisecond), Duration: 61500 * time.Millisecond, Timed: true},
		},
		{
			"objects where texts are usual", `{"id": "r1", "contact": "c1", "agent": {"id": "a1"}, "outcome": {"title": "booked"}, "recording": {"url": "https://r"}, "summary_data": {"points": [1]}, "tags": ["a", {"name": "b"}, 3, null]}`,
			Response{ID: "r1", ContactID: "c1", AgentID: "a1", Status: StatusUnknown, Outcome: "booked", Recording: "https://r", Summary: `{"points":[1]}`, Data: map[string]string{"points": "[1]"}, Tags: []string{"a", "b", "3"}},
		},
		{"a summary with text inside", `{"id": "r1", "summary_data": {"summary": "Went well."}}`, Response{ID: "r1", Status: StatusUnknown, Summary: "Went well.", Data: map[string]string{"summary": "Went well."}}},
		{"empty shells", `{"id": "r1", "summary_data": {}, "metadata": {}, "transcript": [], "contact": {}, "tags": [], "call": {}, "interview": null, "outcome": []}`, Response{ID: "r1", Status: StatusUnknown}},
		{"an absurd year and an absurd length", `{"id": "r1", "start_time": "1970-01-01T00:00:00Z", "end_time": "soon", "duration_ms": "-5", "duration": 1e300}`, Response{ID: "r1", Status: StatusUnknown}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := DecodeEvent([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecodeEventRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `null`, `"x"`, `7`, `[]`, `[{"id":"a"},{"id":"b"}]`, `{}`, `{"event":"NEW_RESPONSE"}`, `{"id":""}`, `{"id":{"a":1}}`, `{"id":"a"} {"id":"b"}`, `{"id":"a"`, `id=a`, `{"metadata":{}}`} {
		if r, err := DecodeEvent([]byte(body)); !errors.Is(err, ErrNotEvent) {
			t.Errorf("%s: got %+v, %v", body, r, err)
		}
	}
}

func TestDurationsAreReadInTheirUnit(t *testing.T) {
	t.Parallel()
	const times = `"start_time":"2026-05-24T15:31:00Z","end_time":"2026-05-24T15:31:02Z",`
	for fields, want := range map[string]time.Duration{
		`"duration_ms":"1500"`: 1500 * time.Millisecond, `"duration_ms":1500`: 1500 * time.Millisecond, `"dutation_ms":"7"`: 7 * time.Millisecond,
		`"duration_seconds":"12.5"`: 12500 * time.Millisecond, `"call_duration_seconds":3`: 3 * time.Second,
		`"duration":184`: 184 * time.Second, `"duration":"61000"`: 61 * time.Second, `"duration":"90s"`: 90 * time.Second, `"duration":"2000 ms"`: 2 * time.Second,
		`"duration":"2000s"`: 2000 * time.Second, `"duration":"01:02:03"`: 3723 * time.Second, `"duration":"2:05"`: 125 * time.Second, `"duration":"0"`: 0,
		times + `"duration":2`: 2 * time.Second, times + `"duration":900`: 900 * time.Millisecond, times + `"duration":2004`: 2004 * time.Millisecond,
		times + `"x":1`: 2 * time.Second, times + `"duration_ms":"0"`: 0, `"duration":"1:2:3:4"`: 0, `"duration":":"`: 0, `"duration":"NaN"`: 0, `"duration":"Inf"`: 0,
		`"duration":604800000`: 604800 * time.Second,
	} {
		r, err := DecodeEvent([]byte(`{"id":"r",` + fields + `}`))
		if err != nil || r.Duration != want {
			t.Errorf("%s: got %s, want %s, %v", fields, r.Duration, want, err)
		}
	}
}

func TestTimesAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"2026-05-24T15:31:00Z", "2026-05-24T15:31:00.000Z", "2026-05-24T17:31:00+02:00", "2026-05-24T15:31:00", "2026-05-24 15:31:00", "2026-05-24 15:31:00Z", "Sun, 24 May 2026 15:31:00 UTC", "1779636660", "1779636660000"} {
		r, err := DecodeEvent(fmt.Appendf(nil, `{"id":"r","end_time":%q}`, s))
		if err != nil || !r.EndedAt.Equal(at(15, 31, 0)) || r.EndedAt.Location() != time.UTC {
			t.Errorf("%s: got %s, %v", s, r.EndedAt, err)
		}
	}
}

func TestTranscriptsBecomeTurns(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]Turn{
		`"Maya: Hi there.\nHow are you?\n\nUser: Fine: thanks\n"`: {{Speaker: SpeakerAgent, Text: "Hi there.\nHow are you?"}, {Speaker: SpeakerPerson, Text: "Fine: thanks"}},
		`"just text"`: {{Text: "just text"}},
		`[{"role":"Supervisor","content":"x"},"plain",{"text":""},null]`: {{Speaker: "supervisor", Text: "x"}, {Text: "plain"}},
		`""`: nil, `[]`: nil, `{}`: nil, `"[not json"`: {{Text: "[not json"}},
	} {
		r, err := DecodeEvent([]byte(`{"id":"r","ai_name":"Maya","transcript":` + text + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Turns); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
	if spoke := (Response{Turns: []Turn{{Speaker: SpeakerAgent, Text: "x"}, {Speaker: SpeakerPerson}}}).PersonSpoke(); spoke {
		t.Error("nobody spoke")
	}
	if spoke := (Response{Turns: []Turn{{Speaker: SpeakerPerson, Text: "x"}}}).PersonSpoke(); !spoke {
		t.Error("somebody spoke")
	}
}

// Two spellings of one name in one body: the outcome must not depend on the order of a map.
func TestDecodingIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	body := []byte(`{"callId":"b","call_id":"a","CALL_ID":null,"Status":"busy","status":null}`)
	first, err := DecodeEvent(body)
	if err != nil || first.Status != StatusBusy {
		t.Fatal(first, err)
	}
	for range 50 {
		if again, _ := DecodeEvent(body); !cmp.Equal(first, again) {
			t.Fatalf("%+v, then %+v", first, again)
		}
	}
}
