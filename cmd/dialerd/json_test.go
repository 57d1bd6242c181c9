package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// want is a list of names as one text, sorted.
func want(names string) []string {
	fields := strings.Fields(names)
	slices.Sort(fields)
	return fields
}

// The names below are promised to scripts: not one more, not one less.
func TestJSONHasExactlyThePromisedNames(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write("leads.csv", "phone,name,state\n212-555-0123,Ann,NY\n12,Bad,NY\n")
	file := c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG, max_call: 10m}]\nleads: [{source: leads.csv, country: US}]\n"+
		"schedule: {timezone: America/New_York, start: ['0 9 * * MON-FRI'], stop: ['0 17 * * MON-FRI']}\nbudget: {minutes: 300}\n")
	c.must("campaign", "apply", file)

	if diff := cmp.Diff(want(`campaign rows added updated unchanged duplicate rejected suppressed held rejects_file reasons reasons.too_short`),
		paths(c.json("import", "--campaign", "spring"))); diff != "" {
		t.Errorf("import:\n%s", diff)
	}
	id, _ := c.begin("spring", tuesday10.Add(15*time.Second))
	if _, err := c.store.Settle(t.Context(), store.Settlement{
		AttemptID: id, CallID: "call-1", Disposition: campaign.NoAnswer, Duration: time.Minute, Next: store.Next{State: campaign.LeadWaiting, Due: tuesday10.Add(time.Hour)},
	}, tuesday10); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(want(`campaign team state hold limited_by
		leads leads.total leads.new leads.staged leads.waiting leads.calling leads.closed leads.held
		attempts attempts.sending attempts.accepted attempts.refused attempts.unknown attempts.settled
		dispositions dispositions.no_answer limit limit.requests limit.per_s limit.used limit.throttled in_flight plan
		budget budget.calls budget.calls.limit budget.calls.spent budget.calls.reserved budget.calls.left
		budget.minutes budget.minutes.limit budget.minutes.spent budget.minutes.reserved budget.minutes.left
		budget.cost budget.cost.limit budget.cost.spent budget.cost.reserved budget.cost.left
		next next[].at next[].action
		audit audit.sequence audit.hash audit.at audit.host audit.backlog audit.limit audit.behind_s`),
		paths(c.json("campaign", "status", "spring"))); diff != "" {
		t.Errorf("campaign status:\n%s", diff)
	}
	if diff := cmp.Diff(want(`phone at leads leads[].campaign leads[].lead leads[].state leads[].verdict leads[].reason leads[].until
		leads[].rules_version leads[].tzdata leads[].trace leads[].trace[].rule leads[].trace[].pass leads[].trace[].input
		leads[].trace[].detail leads[].trace[].source leads[].trace[].rules leads[].trace[].until
		leads[].attempts leads[].attempts[].decision leads[].attempts[].id leads[].attempts[].at leads[].attempts[].state leads[].attempts[].disposition leads[].attempts[].call_id`),
		paths(c.json("why", "+12125550123"))); diff != "" {
		t.Errorf("why:\n%s", diff)
	}
	if diff := cmp.Diff(want(`campaign total buckets buckets[].state buckets[].reason buckets[].count buckets[].share buckets[].until`),
		paths(c.json("where", "spring"))); diff != "" {
		t.Errorf("where:\n%s", diff)
	}
	if diff := cmp.Diff(want(`version go rules tzdata`), paths(c.json("version"))); diff != "" {
		t.Errorf("version:\n%s", diff)
	}
}

func TestJSONValuesAreUTCTimesSecondsAndNull(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	id, phone := c.begin("always", tuesday10.Add(15*time.Second))
	if _, err := c.store.Accepted(t.Context(), id, "", tuesday10.Add(time.Minute), tuesday10); err != nil {
		t.Fatal(err)
	}
	c.now = func() time.Time { return tuesday10.Add(2 * time.Hour) }
	got := c.json("unresolved")
	attempt := got.(map[string]any)["attempts"].([]any)[0].(map[string]any)
	delete(attempt, "lead")
	if diff := cmp.Diff(map[string]any{
		"team": "default", "campaign": "always", "phone": string(phone), "attempt": id, "state": "accepted", "since": "2027-03-09T15:00:00Z",
		"age_s": 7200.0, "agent": "aB3dE9fG", "call_id": nil,
	}, attempt); diff != "" {
		t.Errorf("unresolved:\n%s", diff)
	}
	// What is younger than the team's bound is not listed.
	c.now = func() time.Time { return tuesday10.Add(59 * time.Minute) }
	if n := len(c.json("unresolved").(map[string]any)["attempts"].([]any)); n != 0 {
		t.Errorf("%d attempts are listed after 59 minutes, want 0", n)
	}
}
