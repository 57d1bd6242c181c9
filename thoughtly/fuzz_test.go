package thoughtly

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var bodies = []string{
	``, `null`, `{}`, `[]`, `"x"`, `7`, `{"data":null,"error":null}`, `{"data":{"id":"r1"},"error":{"code":1,"message":"+1 555 123 4567"}}`,
	`{"id":"r1","interview":{"id":"a"},"contact":{"id":"c","phone_number":"+15551234567"},"status":"NOT_STARTED","duration_ms":"0","end_time":null,"metadata":null}`,
	`{"event":"NEW_RESPONSE","call":{"id":"r1","status":"success","duration_seconds":184,"metadata":{"a":1}},"transcript":[{"speaker":"ai","transcript":"Hi","createdAt":"2026-05-24T15:31:14Z"}],"custom_fields":{"a":[{}]}}`,
	`{"type":"NEW_RESPONSE","data":{"call_id":"r1","duration":"1:02:03","transcript":"Agent: Hi\nUser: Yes"}}`,
	`{"data":{"responses":[{"id":"r1"}],"total":"1"}}`, `{"data":{"data":{"data":{"data":{"items":[[]]}}}}}`, `{"errors":[[[{"error":{"error":[]}}]]],"success":false}`,
	`{"id":1e999,"start_time":-1e400,"duration":1e308,"CALL_ID":{},"call":{"call":{"call":{"call":{}}}}}`, `"{\"id\":\"r\"}"`, `[{"id":"r"}]`, "\xef\xbb\xbf{}", `<html>no</html>`, "\xff\xfe{", token,
}

func FuzzDecodeEvent(f *testing.F) {
	for _, body := range bodies {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := DecodeEvent(body)
		again, _ := DecodeEvent(body)
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatalf("decoded twice, two results\n%s", diff)
		}
		if err != nil {
			if !errors.Is(err, ErrNotEvent) || !cmp.Equal(r, Response{}) || len(err.Error()) > 100 {
				t.Fatalf("got %+v with %v", r, err)
			}
			return
		}
		if r.ID == "" && r.ContactID == "" && len(r.Metadata) == 0 {
			t.Fatal("an event of nothing")
		}
		if r.Duration < 0 || r.Duration > maxDuration {
			t.Fatalf("duration %s", r.Duration)
		}
		for _, at := range []time.Time{r.CreatedAt, r.UpdatedAt, r.StartedAt, r.EndedAt} {
			if !at.IsZero() && (at.Year() < 1999 || at.Year() > 2101) {
				t.Fatalf("time %s", at)
			}
		}
		if r.Status != Normalize(r.RawStatus) || r.Status.Terminal() && !r.Ended() {
			t.Fatalf("status %s of %q", r.Status, r.RawStatus)
		}
		_ = r.PersonSpoke()
	})
}

func FuzzDecodeReply(f *testing.F) {
	for i, body := range bodies {
		f.Add([]byte(body), 200)
		f.Add([]byte(body), []int{201, 302, 400, 401, 404, 408, 429, 500}[i%8])
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		c := &Client{Token: token}
		r := request{op: opCall, lists: []string{"responses"}}
		if _, err := c.read(r, attempt{status: status, body: slices.Concat(body, []byte(token)), sent: true}); err != nil {
			check(t, err, status)
		} else {
			t.Fatal("a token is no JSON") // the body cannot be legible with the token behind it, whatever it is
		}
		got, err := c.read(r, attempt{status: status, body: body, sent: true})
		if err != nil {
			check(t, err, status)
			return
		}
		if status < 200 || status > 299 {
			t.Fatalf("status %d is a success", status)
		}
		asked := CallRequest{ContactID: "c", AgentID: "a"}
		if call := decodeCall(got, asked); call.ID == "c" || call.ID == "a" {
			t.Fatalf("the id of a call is %q", call.ID)
		}
		_ = decodeContact(got.single("contact"), nil)
		if list, err := pageOf(got, r, decodeResponse); err == nil {
			twice, _ := pageOf(got, r, decodeResponse)
			if diff := cmp.Diff(list, twice); diff != "" || len(list.Items) == 0 && list.Total > 0 && list.More {
				t.Fatalf("list %+v\n%s", list, diff)
			}
		}
		_, _ = pageOf(got, r, decodeSubscription)
		_, _ = pageOf(got, r, decodeAgent)
	})
}

func check(t *testing.T, err error, status int) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %T", err)
	}
	if e.MayHaveRung() != (e.Kind == KindAmbiguous) {
		t.Fatalf("%v: may have rung %t", e, e.MayHaveRung())
	}
	if again, _ := e.Retry(); again != (e.Kind == KindThrottled) {
		t.Fatalf("%v: retry %t", e, again)
	}
	if (status >= 500 || status < 300) && e.Kind != KindAmbiguous {
		t.Fatalf("status %d is %s", status, e.Kind)
	}
	if shown := fmt.Sprintf("%v %#v", err, e); strings.Contains(e.Error(), token) || !utf8.ValidString(e.Message) || utf8.RuneCountInString(e.Message) > maxMessage || strings.ContainsAny(e.Error(), "\n\r\x00\x1b") {
		t.Fatalf("shows %q", shown)
	}
}
