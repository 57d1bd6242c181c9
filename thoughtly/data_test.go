package thoughtly

import "testing"

func TestDecodeEventReadsWhatTheAgentTookDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, outcome, callback string }{
		{"inside summary_data", `{"id":"c1","status":"COMPLETED","summary_data":{"summary":"asked to be called","outcome":"callback","data_points":{"callback_time":"2026-03-09T14:30:00Z"}}}`, "callback", "2026-03-09T14:30:00Z"},
		{"flat in summary_data", `{"id":"c1","status":"COMPLETED","summary_data":{"disposition":"callback","callback_time":"2026-03-09T14:30:00Z"}}`, "callback", "2026-03-09T14:30:00Z"},
		{"beside the record", `{"call":{"id":"c1","status":"success","outcome":"callback","data_points":{"callback_time":"2026-03-09T14:30:00Z"}}}`, "callback", "2026-03-09T14:30:00Z"},
		{"the record's own outcome wins", `{"id":"c1","status":"COMPLETED","outcome":"qualified","summary_data":{"outcome":"callback"}}`, "qualified", ""},
		{"a text is no data", `{"id":"c1","status":"COMPLETED","summary_data":"fine"}`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := DecodeEvent([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != c.outcome || r.Data["callback_time"] != c.callback {
				t.Errorf("outcome %q, callback %q, data %v", r.Outcome, r.Data["callback_time"], r.Data)
			}
		})
	}
}
