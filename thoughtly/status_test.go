package thoughtly

import (
	"testing"
	"time"
)

func TestStatusesAreReadInEverySpelling(t *testing.T) {
	t.Parallel()
	tests := map[Status][]string{
		StatusQueued:      {"NOT_STARTED", "Not Started", "queued", "PENDING", "scheduled"},
		StatusInProgress:  {"IN_PROGRESS", "In Progress", "in-progress", "inProgress", "RINGING", "started", "ACTIVE", "call_ringing"},
		StatusCompleted:   {"COMPLETED", "Complete", "finished", "success", "DONE", "ended", "CALL_ENDED", "call-completed"},
		StatusNoAnswer:    {"NO_ANSWER", "No Answer", "no-answer", "noanswer", "UNANSWERED", "missed"},
		StatusBusy:        {"BUSY", " busy "},
		StatusVoicemail:   {"LEFT_VOICEMAIL", "Left Voicemail", "voicemail", "VOICEMAIL_LEFT", "machine"},
		StatusTransferred: {"TRANSFERRED", "PHONE_TRANSFER", "transfer"},
		StatusFailed:      {"FAILED", "failure", "Error"},
		StatusSuppressed:  {"SUPPRESSED", "blocked", "Opted Out"},
		StatusCancelled:   {"CANCELED", "cancelled"},
		StatusUnknown:     {"", "CALL", "PHONE_CALL", "callback", "zzz", "\x00"},
	}
	for want, raws := range tests {
		for _, raw := range raws {
			if got := Normalize(raw); got != want {
				t.Errorf("%q is read as %s, want %s", raw, got, want)
			}
		}
	}
	over := map[Status]bool{StatusQueued: false, StatusInProgress: false, StatusUnknown: false, "OTHER": false}
	for s := range tests {
		if want, ok := over[s]; s.Terminal() != (!ok || want) {
			t.Errorf("%s: terminal %t", s, s.Terminal())
		}
	}
}

func TestACallOfUnknownStatusIsOverOnlyWithEvidence(t *testing.T) {
	t.Parallel()
	ended := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		r    Response
		want bool
	}{
		{Response{Status: StatusCompleted}, true},
		{Response{Status: StatusQueued, EndedAt: ended, Event: EventNewResponse, Duration: 1}, false},
		{Response{Status: StatusInProgress, Event: EventPhoneTransfer, Duration: 1}, false},
		{Response{Status: StatusUnknown}, false},
		{Response{Status: StatusUnknown, EndedAt: ended}, true},
		{Response{Status: StatusUnknown, Event: EventNewResponse}, false},
		{Response{Status: StatusUnknown, Event: EventNewResponse, Duration: 1}, true},
		{Response{Status: StatusUnknown, Event: EventPhoneTransfer, Duration: 1}, false},
		{Response{Status: StatusUnknown, Duration: 1}, false},
	} {
		if got := tt.r.Ended(); got != tt.want {
			t.Errorf("%+v: ended %t", tt.r, got)
		}
	}
}
