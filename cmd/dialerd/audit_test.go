package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/webhook"
)

// decision is what a worker would write down of a call.
const decision = `{"verdict":"allow","until":"2027-03-10T00:55:00Z","deadline":"","regions":["US-NY"],"zones":["America/New_York"],` +
	`"local_times":["Tue 10:00 America/New_York"],"rule_rows":["TCPA"],"rules":"1999.1-abc","tzdata":"1999z","campaign_version":1,` +
	`"caps":[{"window_s":86400,"count":0,"limit":2,"source":"attempts.per_24h"}],"dnc":{"team":1,"campaign":2},` +
	`"person":{"consent":"web form","trace":[{"rule":"window","pass":true,"input":"Tue 10:00 America/New_York","detail":"open","source":"the law of then"}]}}`

// called has the campaign's next lead called, with a decision, and settled. It returns the attempt and its phone.
func (c *cli) called(name string, call string) (string, campaign.Phone) {
	c.t.Helper()
	c.decision = decision
	id, phone := c.begin(name, c.now().Add(15*time.Second))
	_, err := c.store.Settle(c.t.Context(), store.Settlement{
		AttemptID: id, CallID: call, Disposition: campaign.NoAnswer, Duration: time.Minute, Summary: "Ann of " + string(phone),
		RecordingURL: "https://recordings.example/" + call, Next: store.Next{State: campaign.LeadClosed},
	}, c.now())
	if err != nil {
		c.t.Fatal(err)
	}
	return id, phone
}

func TestWhyShowsTheTraceThatWasInForceFromRedisAndFromDisk(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.must("import", "--campaign", "always")
	id, phone := c.called("always", "call-1")
	for _, where := range []string{"waiting", "archived", "again"} {
		var w struct {
			Leads []struct {
				RulesVersion string `json:"rules_version"`
				Attempts     []struct {
					ID       string        `json:"id"`
					Decision *pastDecision `json:"decision"`
				} `json:"attempts"`
			} `json:"leads"`
		}
		if err := json.Unmarshal([]byte(c.must("why", string(phone), "--json")), &w); err != nil {
			t.Fatal(err)
		}
		a := w.Leads[0].Attempts
		if len(a) != 1 || a[0].ID != id || a[0].Decision == nil {
			t.Fatalf("%s: attempts %+v", where, a)
		}
		d := a[0].Decision
		want := []pastStep{{Rule: "window", Pass: true, Input: "Tue 10:00 America/New_York", Detail: "open", Source: "the law of then"}}
		if diff := cmp.Diff(want, d.Trace); diff != "" || d.Rules != "1999.1-abc" || d.Rules == w.Leads[0].RulesVersion || d.Verdict != "allow" {
			t.Errorf("%s: %+v\n%s", where, d, diff)
		}
		if out := c.must("why", string(phone)); !strings.Contains(out, "rules 1999.1-abc") || !strings.Contains(out, "the law of then") {
			t.Errorf("%s: for people:\n%s", where, out)
		}
		c.must("audit", "archive")
	}
}

func TestTheHeadIsShownAndVerifyFollowsIt(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.must("import", "--campaign", "always")
	if out := c.must("audit", "verify"); !strings.Contains(out, "nothing was archived yet") {
		t.Error(out)
	}
	for i := range 3 {
		c.called("always", fmt.Sprint("call-", i))
	}
	c.must("audit", "archive")
	var s struct {
		Audit struct {
			Sequence int64
			Hash     string
			Backlog  int
		}
	}
	if err := json.Unmarshal([]byte(c.must("campaign", "status", "always", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	var v verifyJSON
	if err := json.Unmarshal([]byte(c.must("audit", "verify", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	if !v.OK || len(v.Teams) != 1 || v.Teams[0].Last != s.Audit.Sequence || v.Teams[0].Hash != s.Audit.Hash || s.Audit.Backlog != 0 || s.Audit.Sequence < 7 {
		t.Errorf("verify %+v, status %+v", v, s)
	}
	if out := c.must("campaign", "status", "always"); !strings.Contains(out, s.Audit.Hash) {
		t.Error(out)
	}
	if _, out, _ := c.run("doctor", "--offline"); !strings.Contains(out, "record of default") || !strings.Contains(out, fmt.Sprintf("entry %d on host", s.Audit.Sequence)) {
		t.Error(out)
	}

	// A changed byte and a cut end: exit code 3, with segment and entry.
	paths, err := filepath.Glob(filepath.Join(c.dir, "data", "audit", "default", "*.jsonl"))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	whole, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for name, bad := range map[string][]byte{
		"entry 2: its hash does not follow":                           bytes.Replace(whole, lines[1], bytes.Replace(lines[1], []byte("operator"), []byte("0perator"), 1), 1),
		fmt.Sprintf("entry %d: the end is missing", s.Audit.Sequence): bytes.Join(lines[:len(lines)-2], nil),
	} {
		if bytes.Equal(bad, whole) {
			t.Fatal("nothing was changed")
		}
		if err := os.WriteFile(paths[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := c.run("audit", "verify")
		if code != exitBroken || !strings.Contains(out, name) {
			t.Errorf("want %q: exit code %d\n%s%s", name, code, out, errs)
		}
	}
}

func TestExportHasTheFieldsThatTheLawWants(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.must("import", "--campaign", "always")
	id, phone := c.called("always", "call-1")
	c.called("always", "call-2")
	c.must("audit", "archive")
	lines := strings.Split(strings.TrimSpace(c.must("audit", "export", "--phone", string(phone))), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d entries about the phone, want its begin and its end:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	var began, ended auditRow
	for i, to := range []*auditRow{&began, &ended} {
		var row struct {
			auditRow
			At time.Time `json:"at"`
		}
		if err := json.Unmarshal([]byte(lines[i]), &row); err != nil {
			t.Fatal(err)
		}
		*to = row.auditRow
		if !row.At.Equal(tuesday10) {
			t.Errorf("entry at %s, want %s", row.At, tuesday10)
		}
	}
	if began.Kind != "begin" || string(began.Attempt) != id || string(began.Phone) != string(phone) || began.Agent != "aB3dE9fG" || began.Campaign != "always" ||
		!strings.Contains(string(began.Data), `"America/New_York"`) || !strings.Contains(string(began.Detail), "web form") || strings.Contains(string(began.Data), "web form") {
		t.Errorf("begin %s", lines[0])
	}
	if ended.Kind != "end" || ended.CallID != "call-1" || ended.Recording != "https://recordings.example/call-1" ||
		!strings.Contains(string(ended.Data), `"disposition":"no_answer"`) || !strings.Contains(string(ended.Data), `"duration_s":60`) {
		t.Errorf("end %s", lines[1])
	}
	file := filepath.Join(c.dir, "record.csv")
	c.must("audit", "export", "--campaign", "always", "--from", "2027-03-09", "--to", "2027-03-10", "--format", "csv", "-o", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "\n"); got != 7 { // the head, apply, hold, two calls
		t.Errorf("%d lines:\n%s", got, text)
	}
	if out := c.must("audit", "export", "--from", "2027-03-10"); strings.Contains(out, `"kind":"begin"`) {
		t.Error(out)
	}
	if code, _, errs := c.run("audit", "export", "--format", "xml"); code != exitUsage {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// holding lists where a text stands: keys of Redis, and files of the data folder.
func (c *cli) holding(text string) []string {
	c.t.Helper()
	var found []string
	client, ctx := c.store.Client(), c.t.Context()
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, key := range keys {
		var value any
		switch kind := client.Type(ctx, key).Val(); kind {
		case "hash":
			value = client.HGetAll(ctx, key).Val()
		case "zset":
			value = client.ZRangeWithScores(ctx, key, 0, -1).Val()
		case "set":
			value = client.SMembers(ctx, key).Val()
		case "list":
			value = client.LRange(ctx, key, 0, -1).Val()
		case "stream":
			value = client.XRange(ctx, key, "-", "+").Val()
		case "string":
			value = client.Get(ctx, key).Val()
		default:
			c.t.Fatalf("%s is a %s", key, kind)
		}
		if strings.Contains(fmt.Sprint(key, value), text) {
			found = append(found, key)
		}
	}
	err = filepath.WalkDir(filepath.Join(c.dir, "data"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte(text)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func TestAForgottenPersonIsNowhereAndTheRecordVerifies(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.must("import", "--campaign", "always")
	id, phone := c.called("always", "call-1")
	_, other := c.called("always", "call-2")
	lead := strings.Split(id, ".")[1]
	digits := string(phone[2:])
	written := digits[:3] + "-" + digits[3:6] + "-" + digits[6:]
	c.must("dnc", "add", string(phone), "--reason", "Ann wrote from "+string(phone))
	c.must("audit", "archive")
	data := c.env["DIALERD_DATA_DIR"]
	kept := &webhook.Archive{Dir: filepath.Join(data, "webhooks")}
	for _, body := range []string{`{"phone":"` + string(phone) + `"}`, `{"text":"call me at ` + written + `"}`, `{"phone":"` + string(other) + `"}`} {
		if err := kept.Keep(webhook.Event{Team: "default", Kind: "NEW_RESPONSE", Digest: "d", Body: []byte(body), At: tuesday10}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(data, "rejects"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "rejects", "leads.csv"), []byte("phone,reason\n"+written+",twice\n12,too_short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := c.must("forget", string(phone), "--reason", "request 4711", "--json")
	var got forgetJSON
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Teams) != 1 || got.Teams[0].Leads != 1 || !got.Teams[0].Key || got.Kept != 2 || got.Rejects != 1 || !strings.Contains(out, "contact-"+lead) {
		t.Errorf("got %s", out)
	}
	if found := c.holding(string(other[2:])); len(found) < 4 { // else nothing is proved by what follows
		t.Errorf("somebody else is only in %q any more", found)
	}
	for text, want := range map[string]int{digits: 1, written: 0, lead: 0, "call-1": 0, "Ann wrote": 0, string(phone): 0} {
		found := c.holding(text)
		if len(found) != want || want == 1 && !strings.HasPrefix(found[0], "dialerd:{default}:dnc:") {
			t.Errorf("%q stands in %q", text, found)
		}
	}
	var v verifyJSON
	if err := json.Unmarshal([]byte(c.must("audit", "verify", "--json")), &v); err != nil || !v.OK {
		t.Errorf("verify: %+v, %v", v, err)
	}
	c.must("fsck")
	c.must("audit", "archive")
	all := c.must("audit", "export")
	if strings.Count(all, `"forgotten":true`) != 3 || !strings.Contains(all, `"note":"request 4711"`) && !strings.Contains(all, "request 4711") || !strings.Contains(all, string(other)) {
		t.Errorf("the record says\n%s", all)
	}
	if out := c.must("dnc", "check", string(phone)); !strings.Contains(out, "is on a do-not-call list: team default") {
		t.Error(out)
	}
	if again := c.must("forget", string(phone), "--reason", "again"); !strings.Contains(again, "0 leads") {
		t.Error(again)
	}
}

func TestForgetWaitsForTheEndOfACallAndForTheMachineThatHasTheRecord(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.must("import", "--campaign", "always")
	id, phone := c.begin("always", c.now().Add(time.Second))
	if _, err := c.store.Accepted(t.Context(), id, "call-1", c.now(), c.now()); err != nil {
		t.Fatal(err)
	}
	code, _, errs := c.run("forget", string(phone), "--reason", "request")
	if code != exitFailed || !strings.Contains(errs, "run it again when that call has its outcome") || strings.Contains(errs, string(phone)) {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if _, err := c.store.Settle(t.Context(), store.Settlement{AttemptID: id, Disposition: campaign.NoAnswer, Next: store.Next{State: campaign.LeadClosed}}, c.now()); err != nil {
		t.Fatal(err)
	}
	if code, _, errs = c.run("forget", string(phone), "--reason", "request"); code != exitFailed || !strings.Contains(errs, "nothing of the record was archived yet") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	c.must("audit", "archive")
	here := c.env["DIALERD_DATA_DIR"]
	c.env["DIALERD_DATA_DIR"] = t.TempDir()
	for _, command := range [][]string{{"forget", string(phone), "--reason", "request"}, {"audit", "verify"}, {"audit", "export"}, {"audit", "archive"}} {
		code, _, errs = c.run(command...)
		if code != exitFailed || !strings.Contains(errs, "is kept in the archive") {
			t.Errorf("%s elsewhere: exit code %d: %s", command, code, errs)
		}
	}
	c.env["DIALERD_DATA_DIR"] = here
	c.must("forget", string(phone), "--reason", "request")

	// The machine is lost: the record goes on on another one, by hand.
	c.env["DIALERD_DATA_DIR"] = t.TempDir()
	c.must("audit", "adopt", "--team", "default", "--reason", "the disk died")
	c.must("campaign", "pause", "always")
	c.must("audit", "archive", "--team", "default")
	c.must("audit", "verify", "--team", "default")
	if code, _, _ := c.run("audit", "adopt", "--team", "default"); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
}

// A backlog that nobody archives is shown, stops calls at its limit and is gone once somebody archives.
func TestABacklogIsShownAndStopsCalls(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.must("import", "--campaign", "always")
	client := c.store.Client()
	const limit = 1000
	c.env["DIALERD_DATA_DIR"] = filepath.Join(c.dir, "data")
	settings := c.write("dialerd.yaml", "redis: "+c.env["REDIS_URL"]+"\ndata_dir: data\naudit: {backlog: 1000}\nteams: [{name: default, api_token: x, team_id: y, base_url: 'http://127.0.0.1:1'}]\n")
	pipe := client.Pipeline()
	for range limit {
		pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: "dialerd:{default}:audit", Values: []string{"q", "0", "k", "test"}})
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	code, out, _ := c.run("doctor", "--offline", "--config", settings)
	if code != exitFailed || !strings.Contains(out, "so no call begins (the limit is 1000)") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out := c.must("campaign", "status", "always", "--config", settings); !strings.Contains(out, "of at most 1000 waiting") {
		t.Error(out)
	}
	for _, args := range [][]string{{"campaign", "status", "always"}, {"where", "always"}, {"why", "+12125550123"}} {
		if out := c.must(append(args, "--config", settings)...); !strings.Contains(out, "hold") || strings.Contains(out, "can be called now") {
			t.Errorf("%v does not say that nothing is called:\n%s", args, out)
		}
	}
	if out := c.must("why", "+12125550123", "--config", settings); !strings.Contains(out, "the record of decisions waits for its archiver") {
		t.Error(out)
	}
}
