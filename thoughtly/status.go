package thoughtly

import "strings"

// Status is how far a call has come, in our words. The API has at least three vocabularies for it.
type Status string

// The statuses.
const (
	StatusQueued      Status = "QUEUED"
	StatusInProgress  Status = "IN_PROGRESS"
	StatusCompleted   Status = "COMPLETED"
	StatusNoAnswer    Status = "NO_ANSWER"
	StatusBusy        Status = "BUSY"
	StatusVoicemail   Status = "VOICEMAIL"
	StatusTransferred Status = "TRANSFERRED"
	StatusFailed      Status = "FAILED"
	StatusSuppressed  Status = "SUPPRESSED"
	StatusCancelled   Status = "CANCELLED"
	StatusUnknown     Status = "UNKNOWN" // no word that we know
)

// words maps what has been seen or may be expected, without '_', to our words.
var words = map[string]Status{
	"NOTSTARTED": StatusQueued, "QUEUED": StatusQueued, "PENDING": StatusQueued, "SCHEDULED": StatusQueued,
	"INPROGRESS": StatusInProgress, "RINGING": StatusInProgress, "STARTED": StatusInProgress, "ACTIVE": StatusInProgress,
	"COMPLETED": StatusCompleted, "COMPLETE": StatusCompleted, "FINISHED": StatusCompleted, "SUCCESS": StatusCompleted,
	"DONE": StatusCompleted, "ENDED": StatusCompleted,
	"NOANSWER": StatusNoAnswer, "UNANSWERED": StatusNoAnswer, "MISSED": StatusNoAnswer,
	"BUSY":          StatusBusy,
	"LEFTVOICEMAIL": StatusVoicemail, "VOICEMAIL": StatusVoicemail, "VOICEMAILLEFT": StatusVoicemail, "MACHINE": StatusVoicemail,
	"TRANSFERRED": StatusTransferred, "PHONETRANSFER": StatusTransferred, "TRANSFER": StatusTransferred,
	"FAILED": StatusFailed, "FAILURE": StatusFailed, "ERROR": StatusFailed,
	"SUPPRESSED": StatusSuppressed, "BLOCKED": StatusSuppressed, "OPTEDOUT": StatusSuppressed,
	"CANCELED": StatusCancelled, "CANCELLED": StatusCancelled,
}

// Normalize reads a status in any of the API's spellings: case, spaces, '-', '_' and a leading CALL_ do not matter.
func Normalize(raw string) Status {
	word := strings.ToUpper(strings.Join(strings.Fields(joined.Replace(raw)), ""))
	if s, ok := words[strings.TrimPrefix(word, "CALL")]; ok {
		return s
	}
	return StatusUnknown
}

// Terminal says whether a call with this status is over for certain. For StatusUnknown see Response.Ended.
func (s Status) Terminal() bool {
	switch s {
	case StatusQueued, StatusInProgress, StatusUnknown:
		return false
	case StatusCompleted, StatusNoAnswer, StatusBusy, StatusVoicemail, StatusTransferred, StatusFailed, StatusSuppressed, StatusCancelled:
		return true
	}
	return false
}
