package audit

import (
	"encoding/json"

	"github.com/dialerd/dialerd/store"
)

// convert makes of an entry of the stream one of the archive: what names a person on one side, the rest on the other.
func convert(e *store.AuditEntry) item {
	out := item{
		entry: Entry{
			Number: e.Number, StreamID: e.StreamID, At: e.At, Kind: e.Kind, Campaign: e.Campaign, Agent: e.Agent, Reason: e.Reason, By: e.By,
		},
		phone: string(e.Phone),
	}
	data := map[string]any{}
	p := &out.private
	p.Phone, p.Lead, p.Attempt, p.Note = string(e.Phone), e.Lead, e.Attempt, e.Note
	set := func(name, value string) {
		if value != "" {
			data[name] = value
		}
	}
	switch e.Kind {
	case "begin", "refusal":
		p.Detail = split(e.Detail, data)
		set("disposition", e.Word)
	case "end":
		p.CallID, p.Note = ending(e.Detail, data)
		p.Recording = e.Word
	case "set":
		p.Detail = object(e.Detail)
	case "dnc_add", "dnc_remove":
		set("scope", e.Word)
		p.Detail = object(e.Detail)
	case "dnc_import":
		set("numbers", e.Word)
	case "apply":
		set("version", e.Word)
		if raw := object(e.Detail); raw != nil {
			data["definition"] = raw
		}
	case "campaign_hold":
		set("hold", e.Word)
	case "refused":
		set("next", e.Word)
	case "close":
		set("disposition", e.Word)
	default:
		set("state", e.Word)
		if raw := object(e.Detail); raw != nil {
			data["detail"] = raw
		}
	}
	if out.phone == "" { // nobody is named, so there is nobody to seal it for
		set("note", e.Note)
		out.private = Private{}
	}
	if len(data) > 0 {
		out.entry.Data, _ = json.Marshal(data) //nolint:errchkjson // text and JSON that was read
	}
	return out
}

// object is a detail if it is JSON.
func object(detail string) json.RawMessage {
	if detail == "" || !json.Valid([]byte(detail)) {
		return nil
	}
	return json.RawMessage(detail)
}

// split divides a decision: its field "person" names somebody, the others go to data.
func split(detail string, data map[string]any) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(detail), &fields) != nil {
		return nil
	}
	for name, value := range fields {
		if name != "person" {
			data[name] = value
		}
	}
	return fields["person"]
}

// ending reads the settlement of an attempt as the scripts of the store write it.
func ending(detail string, data map[string]any) (call, note string) {
	var s struct {
		Disposition  string  `json:"z"`
		Status       string  `json:"w"`
		Seconds      float64 `json:"y"`
		Call         string  `json:"c"`
		Transferred  int     `json:"f"`
		Conversation int     `json:"conversation"`
		State        string  `json:"state"`
		Due          int64   `json:"d"`
		Reason       string  `json:"r"`
		Note         string  `json:"t"`
	}
	if json.Unmarshal([]byte(detail), &s) != nil {
		return "", ""
	}
	data["disposition"], data["duration_s"], data["lead_state"] = s.Disposition, s.Seconds, s.State
	if s.Status != "" {
		data["status"] = s.Status
	}
	if s.Transferred != 0 {
		data["transferred"] = true
	}
	if s.Conversation != 0 {
		data["conversation"] = true
	}
	if s.Due != 0 {
		data["due_ms"] = s.Due
	}
	if s.Reason != "" {
		data["lead_reason"] = s.Reason
	}
	return s.Call, s.Note
}

// Waiting is an entry that has not been archived yet, as the archive will have it, with what it says of a person.
func Waiting(e *store.AuditEntry) (*Entry, *Private) {
	it := convert(e)
	if it.phone == "" {
		return &it.entry, nil
	}
	return &it.entry, &it.private
}
