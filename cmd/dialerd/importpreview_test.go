package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// A dry run is to say what the import then does, and what keeps the leads from being called.
func TestADryRunCountsWhatTheImportThenDoes(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG}]\n"+
		"leads: [{source: leads.csv, country: US}]\ncalling: {rules: none}\nattempts: {per_24h: 1, gap: 1h}\n"))
	c.write("leads.csv", "phone,name\n212-555-0123,Ann\n")
	c.must("import", "--campaign", "always")
	c.must("campaign", "start", "always")
	id, phone := c.begin("always", tuesday10.Add(15*time.Second))
	if _, err := c.store.Settle(t.Context(), store.Settlement{
		AttemptID: id, CallID: "call-1", Disposition: campaign.NoAnswer, Duration: time.Minute, Next: store.Next{State: campaign.LeadWaiting, Due: tuesday10},
	}, tuesday10); err != nil {
		t.Fatal(err)
	}
	if phone != "+12125550123" {
		t.Fatal(phone)
	}
	c.must("dnc", "add", "415-555-0131", "--reason", "asked")
	c.write("leads.csv", "phone,name\n312-555-0124,Bob\n415-555-0130,Cat\n")
	c.must("import", "--campaign", "always")
	c.must("lead", "set", "312-555-0124", "--campaign", "always", "--timezone", "America/Denver")

	// Called today, unchanged in all that counts, changed, new and suppressed, new, again, none.
	c.write("leads.csv", "phone,name\n212-555-0123,Ann B\n312-555-0124,Bob\n415-555-0130,Cat C\n415-555-0131,Dan\n415-555-0132,Eve\n415-555-0132,Eve\n12,Bad\n")
	before := c.json("where", "always")
	dry, ok := c.json("import", "--campaign", "always", "--dry-run").(map[string]any)
	if !ok {
		t.Fatal("no object")
	}
	if diff := cmp.Diff(before, c.json("where", "always")); diff != "" {
		t.Errorf("the dry run changed something: %s", diff)
	}
	shown, ok := dry["preview"].(map[string]any)
	if !ok || shown["capped"] != 1.0 {
		t.Errorf("got %v: one phone was called as often as a day allows", shown["capped"])
	}
	if _, text, _ := c.run("import", "--campaign", "always", "--dry-run"); !strings.Contains(text, "1 lead called as often as allowed for now") ||
		!strings.Contains(text, "of the added: 1 suppressed, 0 held") || !strings.Contains(text, "rejected, too_short: 1") {
		t.Errorf("got %s", text)
	}
	done, ok := c.json("import", "--campaign", "always").(map[string]any)
	if !ok {
		t.Fatal("no object")
	}
	for _, key := range []string{"rows", "added", "updated", "unchanged", "duplicate", "rejected", "suppressed", "held"} {
		if dry[key] != done[key] {
			t.Errorf("%s: the dry run says %v, the import %v", key, dry[key], done[key])
		}
	}
	if done["added"] != 2.0 || done["updated"] != 2.0 || done["unchanged"] != 1.0 || done["suppressed"] != 1.0 {
		t.Errorf("got %v", done)
	}
}

func TestADryRunKnowsTheTimesOfSingleLeadsAndWhoIsSuppressed(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG}]\n"+
		"leads: [{source: leads.csv, country: US}]\ncalling: {rules: none}\n"))
	c.must("dnc", "add", "415-555-0131", "--reason", "asked")
	c.write("leads.csv", "phone,not before,not after,callback\n212-555-0101,2027-03-10T12:00:00Z,,\n212-555-0102,,2027-03-11T12:00:00Z,\n"+
		"212-555-0103,,,2027-03-10T15:05:00Z\n212-555-0104,2027-04-01,,\n415-555-0131,,,\n")
	seen := func(args ...string) (out map[string]float64, first []any) {
		t.Helper()
		dry, _ := c.json(append([]string{"import", "--campaign", "always", "--dry-run"}, args...)...).(map[string]any)
		shown, ok := dry["preview"].(map[string]any)
		if !ok {
			t.Fatal("no preview")
		}
		out = map[string]float64{}
		for _, s := range shown["callable"].([]any) {
			s := s.(map[string]any)
			out[s["from"].(string)+" "+s["to"].(string)] = s["leads"].(float64)
		}
		return out, shown["first"].([]any)
	}
	const now, end = "2027-03-09T15:00:00Z", "2027-03-16T15:00:00Z"
	got, first := seen()
	want := map[string]float64{
		now + " 2027-03-10T12:00:00Z": 1, "2027-03-10T12:00:00Z 2027-03-10T15:15:00Z": 2,
		"2027-03-10T15:15:00Z 2027-03-11T12:00:00Z": 3, "2027-03-11T12:00:00Z " + end: 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if l := first[4].(map[string]any); l["state"] != "closed" || l["reason"] != "suppressed" {
		t.Errorf("a suppressed lead is shown as %v", l)
	}

	// What was set by hand stays, so the import that follows knows it.
	c.must("import", "--campaign", "always")
	c.must("lead", "set", "212-555-0103", "--campaign", "always", "--not-before", "2027-03-12T12:00:00Z")
	want = map[string]float64{
		now + " 2027-03-10T12:00:00Z": 1, "2027-03-10T12:00:00Z 2027-03-11T12:00:00Z": 2,
		"2027-03-11T12:00:00Z 2027-03-12T12:00:00Z": 1, "2027-03-12T12:00:00Z " + end: 2,
	}
	if got, _ = seen(); !cmp.Equal(want, got) {
		t.Errorf("once it was set by hand: -want +got:\n%s", cmp.Diff(want, got))
	}
}

func TestProgressSaysPaceShareAndTimeLeft(t *testing.T) {
	t.Parallel()
	now := tuesday10
	var out bytes.Buffer
	a := &app{streams: streams{err: &out}, now: func() time.Time { return now }}
	p := newProgress(a, "leads.csv", 1000)
	now = now.Add(10 * time.Second)
	share, left := 0.25, 30.0
	want := progressJSON{Progress: "leads.csv", Rows: 500, RowsPerS: 50, Rejected: 3, Share: &share, LeftS: &left}
	at := progressAt{bytes: 250, rows: 500, rejected: 3}
	if diff := cmp.Diff(want, p.state(at, now)); diff != "" {
		t.Error(diff)
	}
	p.show(at)
	if got, want := out.String(), "leads.csv: 500 rows so far (50 rows/s), 3 rejected, 25 % of the file, 30s left\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := newProgress(a, "-", -1).state(at, now); s.Share != nil || s.LeftS != nil {
		t.Errorf("of a list whose size nobody knows: %+v", s)
	}
}
