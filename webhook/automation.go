package webhook

// AutomationTemplate is the body for the Send Webhook step of an Automation that begins with On Call Completed. The names on the left
// stay as they are; the values on the right are to be picked anew in the step's editor, since workspaces name them differently.
// What has no value may stay or go. There is no free text in it (summary, transcript): a quotation mark in it would break the JSON.
//
// The step posts to AutomationURL with the header X-Dialerd-Secret, whose value is AutomationSecret.
const AutomationTemplate = `{
  "call_id": "{{call_id}}",
  "contact_id": "{{contact_id}}",
  "agent_id": "{{agent_id}}",
  "phone_number": "{{phone_number}}",
  "status": "{{status}}",
  "outcome": "{{outcome}}",
  "start_time": "{{start_time}}",
  "end_time": "{{end_time}}",
  "duration_ms": "{{duration_ms}}",
  "recording_url": "{{recording_url}}",
  "dialerd_attempt": "{{metadata.dialerd_attempt}}"
}
`
