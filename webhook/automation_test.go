package webhook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/thoughtly"
)

func TestTheAutomationTemplateReadsAsACall(t *testing.T) {
	t.Parallel()
	filled := strings.NewReplacer(
		"{{call_id}}", "call-1", "{{contact_id}}", "contact-1", "{{agent_id}}", agent, "{{phone_number}}", phone, "{{status}}", "No Answer",
		"{{outcome}}", "callback", "{{start_time}}", "2026-03-10T11:58:00Z", "{{end_time}}", "2026-03-10T11:59:00Z", "{{duration_ms}}", "60000",
		"{{recording_url}}", "https://x/r.mp3", "{{metadata.dialerd_attempt}}", "1.a.1",
	).Replace(AutomationTemplate)
	r, err := thoughtly.DecodeEvent([]byte(filled))
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "call-1" || r.ContactID != "contact-1" || r.AgentID != agent || r.Phone != phone || r.Status != thoughtly.StatusNoAnswer ||
		r.Outcome != "callback" || r.Duration != time.Minute || r.Recording != "https://x/r.mp3" || r.Metadata["dialerd_attempt"] != "1.a.1" ||
		r.EndedAt.Sub(r.StartedAt) != time.Minute {
		t.Errorf("the filled template reads as %+v", r)
	}
	if _, err := thoughtly.DecodeEvent([]byte(AutomationTemplate)); !errors.Is(err, thoughtly.ErrNotEvent) {
		t.Errorf("a template that nobody filled in reads as an event: %v", err)
	}
}
