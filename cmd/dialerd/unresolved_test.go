package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// Status words that nobody knows are listed with how many calls ended with them, until the campaign's file says what they mean.
func TestUnresolvedListsStatusWordsThatNobodyKnows(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	id, _ := c.begin("always", tuesday10.Add(15*time.Second))
	_, err := c.store.Settle(t.Context(), store.Settlement{
		AttemptID: id, Disposition: campaign.Unknown, Status: "HUNG_UP", Odd: true, Next: store.Next{State: campaign.LeadClosed},
	}, tuesday10)
	if err != nil {
		t.Fatal(err)
	}
	listed := func() any { return c.json("unresolved", "--campaign", "always").(map[string]any)["statuses"] }
	want := []any{map[string]any{"team": "default", "campaign": "always", "status": "HUNG_UP", "calls": 1.0}}
	if diff := cmp.Diff(want, listed()); diff != "" {
		t.Error(diff)
	}
	if text := c.must("unresolved"); !strings.Contains(text, "every call has its outcome") || !strings.Contains(text, "HUNG_UP") ||
		!strings.Contains(text, "say what they mean under statuses in the campaign file") {
		t.Errorf("it says:\n%s", text)
	}
	c.must("campaign", "apply", c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG}]\n"+
		"leads: [{source: leads.csv, country: US}]\ncalling: {rules: none}\nstatuses: {hung_up: no_answer}\n"))
	if diff := cmp.Diff([]any{}, listed()); diff != "" {
		t.Error(diff)
	}
}
