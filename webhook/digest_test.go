package webhook

import (
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/thoughtly"
)

// digestOf is the digest of a body at the door of responses.
func digestOf(t *testing.T, body string) string {
	t.Helper()
	h := &Handler{Now: func() time.Time { return noon }}
	return h.event(door{team: team, kind: KindResponse, agent: agent}, []byte(body)).Digest
}

func TestADoubleDeliveryIsOneEvent(t *testing.T) {
	t.Parallel()
	want := digestOf(t, body)
	for name, again := range map[string]string{
		"same bytes":             body,
		"other spacing":          strings.ReplaceAll(body, `","`, `", "`),
		"touched since":          strings.ReplaceAll(body, `"updated":"2026-03-10T11:59:00.000Z","version":2`, `"updated":"2026-03-10T11:59:09.000Z","version":3`),
		"duration as a number":   strings.ReplaceAll(body, `"60000"`, `60000`),
		"in an envelope":         `{"data":` + body + `}`,
		"with a field we skip":   strings.ReplaceAll(body, `"version":2`, `"version":2,"team":{}`),
		"at a later millisecond": body,
	} {
		if got := digestOf(t, again); got != want {
			t.Errorf("%s: another digest", name)
		}
	}
	for _, plain := range [][2]string{
		{`{"contact_id":"c","status":"BUSY"}`, `{ "status": "BUSY", "contact_id": "c" }`},
		{"a=b", " a=b\n"},
		{`{"a":1.0}`, `{"a": 1.0}`},
	} {
		if digestOf(t, plain[0]) != digestOf(t, plain[1]) {
			t.Errorf("%s and %s are two", plain[0], plain[1])
		}
	}
}

func TestNewsIsAnotherEvent(t *testing.T) {
	t.Parallel()
	swap := func(from, to string) string {
		if !strings.Contains(body, from) {
			t.Fatalf("the body has no %s", from)
		}
		return strings.Replace(body, from, to, 1)
	}
	seen := map[string]string{}
	for name, text := range map[string]string{
		"the body":          body,
		"another call":      swap("000000000001", "000000000002"),
		"not started":       swap("COMPLETED", "NOT_STARTED"),
		"same, other word":  swap("COMPLETED", "SUCCESS"),
		"no end yet":        swap(`"end_time":"2026-03-10T11:59:00.000Z"`, `"end_time":null`),
		"longer":            swap(`"60000"`, `"61000"`),
		"recording":         swap(`"recording_url":null`, `"recording_url":"https://x/r.mp3"`),
		"transcript":        swap(`this is private`, `this is private, too`),
		"metadata":          swap(`{"dialerd_attempt":"1.a.1"}`, `null`),
		"outcome":           swap(`"version":2`, `"outcome":"callback"`),
		"contact":           swap(`"c-1"`, `"c-2"`),
		"no call id":        `{"contact_id":"c","status":"BUSY"}`,
		"no call id, other": `{"contact_id":"c","status":"COMPLETED"}`,
		"text":              "a=b",
		"other text":        "a=c",
		"text and more":     "{} {}",
	} {
		d := digestOf(t, text)
		if first, twice := seen[d]; twice {
			t.Errorf("%q and %q are one event", first, name)
		}
		seen[d] = name
	}
}

func TestADigestBelongsToItsTeamAndKind(t *testing.T) {
	t.Parallel()
	named, unnamed := thoughtly.Response{ID: "1"}, thoughtly.Response{ContactID: "c"}
	doors := []door{{"a", KindResponse, "x"}, {"b", KindResponse, "x"}, {"a", KindTransfer, "x"}, {"a", KindAutomation, ""}}
	for _, r := range []thoughtly.Response{named, unnamed} {
		seen := map[string]bool{}
		for _, d := range doors {
			seen[digest(d, r, []byte("{}"))] = true
		}
		if len(seen) != len(doors) {
			t.Errorf("%d digests of %d doors", len(seen), len(doors))
		}
	}
	other := door{"a", KindResponse, "y"} // an address that should be gone
	if digest(doors[0], named, nil) != digest(other, named, nil) {
		t.Error("one call at two agents' addresses is two events")
	}
	if digest(doors[0], unnamed, nil) == digest(other, unnamed, nil) {
		t.Error("bodies without a call at two agents' addresses are one event")
	}
}
