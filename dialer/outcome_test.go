package dialer

import (
	"testing"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/thoughtly"
)

// What the API says of an ended call, whatever way it says it, has one meaning.
func TestOutcome(t *testing.T) {
	t.Parallel()
	const over = `,"end_time":"2026-03-03T17:00:00Z","duration_ms":"30000"`
	for name, c := range map[string]struct {
		body     string
		statuses map[string]campaign.Disposition
		words    []string             // the campaign's own
		want     campaign.Disposition // "" = the call goes on
	}{
		"completed":                           {body: `"status":"COMPLETED"` + over, want: campaign.Completed},
		"completed, but connected to nobody":  {body: `"status":"COMPLETED","end_time":"2026-03-03T17:00:00Z","duration_ms":"0"`, want: campaign.NoAnswer},
		"completed, and nobody says how long": {body: `"status":"COMPLETED","end_time":"2026-03-03T17:00:00Z"`, want: campaign.Completed},
		"the agent knows better than completed": {
			body: `"status":"COMPLETED","outcome":"Not Interested"` + over, want: campaign.NotInterested,
		},
		"a template's variable was not filled in": {
			body: `"status":"{{status}}","outcome":"not_interested"` + over, want: campaign.NotInterested,
		},
		"no status at all":                 {body: `"outcome":"callback"` + over, want: campaign.Callback},
		"a word that nobody knows":         {body: `"status":"HUNG_UP"` + over, want: campaign.Unknown},
		"a word that nobody knows, told":   {body: `"status":"HUNG_UP","outcome":"callback"` + over, want: campaign.Callback},
		"nobody knows, and it goes on":     {body: `"status":"HUNG_UP"`},
		"a mapped word ends by itself":     {body: `"status":"HUNG_UP"`, statuses: map[string]campaign.Disposition{"hung_up": campaign.NotInterested}, want: campaign.NotInterested},
		"a mapped word is not in progress": {body: `"status":"IN_PROGRESS"`, statuses: map[string]campaign.Disposition{"in_progress": campaign.NoAnswer}},
		"an opt-out in Spanish": {
			body: `"status":"COMPLETED","transcript":"Agent: hola\nUser: No me llame más, gracias"` + over, want: campaign.DoNotCall,
		},
		"an opt-out in French": {
			body: `"status":"COMPLETED","transcript":[{"speaker":"agent","transcript":"bonjour"},{"speaker":"user","transcript":"Ne m’appelez plus"}]` + over,
			want: campaign.DoNotCall,
		},
		"an agent's offer in French is none": {
			body: `"status":"COMPLETED","transcript":[{"speaker":"agent","transcript":"dites arrêtez de m'appeler"},{"speaker":"user","transcript":"bonjour"}]` + over,
			want: campaign.Completed,
		},
		"the campaign's own words": {
			body: `"status":"COMPLETED","transcript":"Agent: hallo\nUser: Bitte nicht mehr anrufen!"` + over, words: []string{"bitte nicht mehr anrufen"},
			want: campaign.DoNotCall,
		},
		"words of another campaign": {
			body: `"status":"COMPLETED","transcript":"Agent: hallo\nUser: Bitte nicht mehr anrufen!"` + over, want: campaign.Completed,
		},
		"an opt-out beats every status": {body: `"status":"NO_ANSWER","outcome":"do_not_call"` + over, want: campaign.DoNotCall},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := thoughtly.DecodeEvent([]byte(`{"call_id":"c1","contact_id":"k",` + c.body + `}`))
			if err != nil {
				t.Fatal(err)
			}
			e, ended := outcome(&campaign.Campaign{Statuses: c.statuses, OptOutWords: c.words}, &r, false)
			if ended != (c.want != "") || e.Disposition != c.want {
				t.Errorf("got %q, ended %t; want %q", e.Disposition, ended, c.want)
			}
		})
	}
}
