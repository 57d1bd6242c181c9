package thoughtly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// want is what an error comes to.
type want struct {
	kind  Kind
	fault Fault
	rung  bool          // of a call
	again bool          // of a call
	after time.Duration // of a call
	safe  bool          // again, of a search
}

func TestEveryStatusHasItsKindForCallsAndSearches(t *testing.T) {
	t.Parallel()
	rejected := want{kind: KindRejected, fault: FaultOurs}
	unauthorized := want{kind: KindUnauthorized, fault: FaultCredentials}
	unknown := want{kind: KindAmbiguous, fault: FaultTheirs, rung: true, safe: true}
	tests := map[int]want{
		301: rejected, 307: rejected, 308: rejected,
		300: unknown, 302: unknown, 303: unknown, 304: unknown,
		400: rejected, 405: rejected, 409: rejected, 413: rejected, 415: rejected, 422: rejected, 451: rejected,
		401: unauthorized, 402: unauthorized, 403: unauthorized,
		404: {kind: KindNotFound, fault: FaultOurs}, 410: {kind: KindNotFound, fault: FaultOurs},
		408: unknown, 499: unknown,
		429: {kind: KindThrottled, fault: FaultLimit, again: true, after: 7 * time.Second, safe: true},
		500: unknown, 501: unknown, 502: unknown, 503: unknown, 504: unknown, 520: unknown, 599: unknown, 700: unknown,
	}
	for status, want := range tests {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.Header().Set("Location", "https://elsewhere.example.com/x?token=1")
				says(status, `{"data":null,"error":{"code":"E1","message":"no good"}}`)(w, r)
			})
			c, l := newClient(t, a.URL)
			_, err := place(t, c)
			e := failure(t, err)
			again, after := e.Retry()
			if e.Kind != want.kind || e.Fault() != want.fault || e.MayHaveRung() != want.rung || again != want.again || after != want.after {
				t.Errorf("call: %v: fault %s, may have rung %t, retry %t after %s; want %+v", e, e.Fault(), e.MayHaveRung(), again, after, want)
			}
			if e.Op != "call" || e.Status != status || !e.Sent || e.RetryAfter != 7*time.Second {
				t.Errorf("call: got %#v", e)
			}
			if status >= 400 && (e.Code != "E1" || e.Message != "no good") || status/100 == 3 && status != 304 && !strings.Contains(e.Message, "elsewhere.example.com,") {
				t.Errorf("code %q, message %q", e.Code, e.Message)
			}
			if want := []Reply{{Sent: true, Answered: true, Throttled: status == 429, RetryAfter: 7 * time.Second}}; true {
				if _, replies := l.account(); !cmp.Equal(replies, want) {
					t.Errorf("slots %+v, want %+v", replies, want)
				}
			}

			_, err = c.SearchCalls(t.Context(), SearchCallsRequest{AgentID: "a"})
			e = failure(t, err)
			if again, after := e.Retry(); e.Kind != want.kind || e.MayHaveRung() || again != want.safe || again && after != 7*time.Second {
				t.Errorf("search: %v: may have rung %t, retry %t after %s", e, e.MayHaveRung(), again, after)
			}
			_, err = c.CreateContact(t.Context(), CreateContactRequest{Phone: phone})
			e = failure(t, err)
			if again, _ := e.Retry(); e.Kind != want.kind || e.MayHaveRung() || again != want.again {
				t.Errorf("create: %v: may have rung %t, retry %t", e, e.MayHaveRung(), again)
			}
			if n := len(a.requests()); n != 3 {
				t.Errorf("%d requests arrived for 3", n)
			}
		})
	}
}

// A gateway's page says nothing about the person who was to be called.
func TestARefusalIsTheAPIsOwnWordOnlyInItsJSON(t *testing.T) {
	t.Parallel()
	const page, said = "<html><body><h1>404 Not Found</h1></body></html>", `{"data":null,"error":{"message":"no good"}}`
	for _, tt := range []struct {
		status int
		body   string
		own    bool
		gate   bool // certainly a gateway's
	}{
		{400, said, true, false},
		{404, said, true, false},
		{409, said, true, false},
		{413, said, true, false},
		{422, `{"statusCode":422,"message":"phone_number must be a valid phone number"}`, true, false},
		{400, page, false, true},
		{404, page, false, true},
		{404, "\n<?xml version=\"1.0\"?><Error/>", false, true},
		{404, "", false, false},
		{404, "404 page not found", false, false},
		{404, `"not found"`, false, false},
		{400, `["no good"]`, false, false},
		{400, said[:20], false, false},
		{405, said, false, true},
		{415, said, false, true},
		{308, said, false, true},
		{307, page, false, true},
	} {
		a := newAPI(t, says(tt.status, tt.body))
		c, _ := newClient(t, a.URL)
		_, err := place(t, c)
		if e := failure(t, err); e.OwnWord() != tt.own || e.Gateways() != tt.gate || e.MayHaveRung() {
			t.Errorf("%d %q: own word %t, a gateway's %t, may have rung %t", tt.status, tt.body, e.OwnWord(), e.Gateways(), e.MayHaveRung())
		}
		_, err = c.CreateContact(t.Context(), CreateContactRequest{Phone: phone})
		if e := failure(t, err); e.OwnWord() != tt.own {
			t.Errorf("%d %q: own word %t of a create", tt.status, tt.body, e.OwnWord())
		}
	}
	c, _ := newClient(t, "http://127.0.0.1:1")
	_, err := c.CreateContact(t.Context(), CreateContactRequest{})
	if e := failure(t, err); !e.OwnWord() || e.Kind != KindRejected {
		t.Errorf("a request that is wrong before it is sent: %v, own word %t", e, e.OwnWord())
	}
}

func TestASuccessfulStatusIsASuccessOnlyWithoutAnError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body    string
		fails   bool
		code    string
		message string
	}{
		{body: ``},
		{body: `null`},
		{body: `{}`},
		{body: `{"data":{}}`},
		{body: `{"data":null,"error":null}`},
		{body: `[]`},
		{body: `"ok"`},
		{body: `{"data":{},"error":false}`},
		{body: `{"data":{},"error":""}`},
		{body: `{"data":{},"error":[]}`},
		{body: `{"data":{},"errors":[]}`},
		{body: `{"success":true}`},
		{body: "\xef\xbb\xbf" + `{"data":{}}`},
		{body: " \n{\"error\":0}\n"},
		{body: `{"data":{},"error":"boom"}`, fails: true, message: "boom"},
		{body: `{"error":{}}`, fails: true},
		{body: `{"error":true,"message":"no credit"}`, fails: true, message: "no credit"},
		{body: `{"error":{"code":17,"message":"boom"}}`, fails: true, code: "17", message: "boom"},
		{body: `{"Error":{"type":"T","detail":"boom"}}`, fails: true, code: "T", message: "boom"},
		{body: `{"error":[{"message":"a"},{"msg":"b"},"c","d"]}`, fails: true, message: "a; b; c"},
		{body: `{"error":{"error":{"message":"deep"}}}`, fails: true, message: "deep"},
		{body: `{"error":{"what":1}}`, fails: true, message: `{"what":1}`},
		{body: `{"error":42}`, fails: true, message: "42"},
		{body: `{"errors":["x"]}`, fails: true, message: "x"},
		{body: `{"success":false,"message":"no"}`, fails: true, message: "no"},
		{body: `<html><head><style>p{}</style></head><body>Log in</body></html>`, fails: true, message: "the reply is not JSON: Log in"},
		{body: `{"data":`, fails: true, message: `the reply is not JSON: {"data":`},
		{body: `{} trailing`, fails: true, message: "the reply is not JSON: {} trailing"},
	}
	for _, tt := range tests {
		a := newAPI(t, says(200, tt.body))
		c, _ := newClient(t, a.URL)
		_, err := place(t, c)
		if !tt.fails {
			if err != nil {
				t.Errorf("%s: %v", tt.body, err)
			}
			continue
		}
		e := failure(t, err)
		if e.Kind != KindAmbiguous || !e.MayHaveRung() || e.Status != 200 || e.Fault() != FaultTheirs {
			t.Errorf("%s: got %v", tt.body, err)
		}
		if e.Code != tt.code || tt.message != "" && e.Message != tt.message {
			t.Errorf("%s: code %q, message %q", tt.body, e.Code, e.Message)
		}
	}
}

func TestErrorsOfTheLimiterReachTheCaller(t *testing.T) {
	t.Parallel()
	c, l := newClient(t, "http://127.0.0.1:1")
	closed := errors.New("limiter state was lost")
	for _, tt := range []struct {
		err   error
		fault Fault
	}{{closed, FaultLimit}, {context.DeadlineExceeded, FaultLimit}, {context.Canceled, FaultOurs}} {
		l.err = tt.err
		_, err := c.Acquire(t.Context(), ClassCall)
		e := failure(t, err)
		if again, _ := e.Retry(); !errors.Is(err, tt.err) || e.Kind != KindNotSent || e.MayHaveRung() || !again || e.Fault() != tt.fault {
			t.Errorf("%v: got %#v", tt.err, e)
		}
		if _, err := c.GetUser(t.Context()); !errors.Is(err, tt.err) {
			t.Errorf("%v: a request gave %v", tt.err, err)
		}
	}
	if _, replies := l.account(); len(replies) != 0 {
		t.Errorf("slots that were never granted: %+v", replies)
	}
}

func TestSubscribingTwiceIsASuccess(t *testing.T) {
	t.Parallel()
	hook := Subscription{Type: EventNewResponse, URL: "https://d.example.com/h/s3cret"}
	for _, tt := range []struct {
		status int
		body   string
		ok     bool
	}{
		{400, `{"error":"Webhook already exists"}`, true},
		{409, `{"error":{"message":"subscription ALREADY EXISTS for this url"}}`, true},
		{409, `already exists`, true},
		{400, `{"error":"url is not valid"}`, false},
		{422, `{"error":"already exists"}`, false},
		{500, `{"error":"already exists"}`, false},
		{401, `{"error":"already exists"}`, false},
	} {
		a := newAPI(t, says(tt.status, tt.body))
		c, _ := newClient(t, a.URL)
		if err := c.Subscribe(t.Context(), hook); (err == nil) != tt.ok {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
	}
}

func TestErrorsShowNoTokenNoWebhookAddressAndNoPhone(t *testing.T) {
	t.Parallel()
	quoted, _ := json.Marshal(token)
	hook := Subscription{Type: EventNewResponse, URL: "https://d.example.com/hook/u7Kq-s3cret?k=1"}
	bodies := []string{
		"bad token " + token,
		`{"error":` + string(quoted) + `}`,
		`{"error":{"code":` + string(quoted) + `,"message":"no"}}`,
		`{"weird":{"token":` + string(quoted) + `}}`,
		"<html>" + strings.Repeat("<p>", 200) + token + "</html>",
		`{"error":"` + strings.Repeat("x", 290) + `"}` + token,
		`{"error":"phone +1 (555) 123-4567, 555.123.4567, 15551234567 and +15551234567 are wrong"}`,
		`{"error":"cannot post to https://d.example.com/hook/u7Kq-s3cret?k=1"}`,
		`{"error":"cannot post to /hook/u7Kq-s3cret?k=1"}`,
		`{"error":"06.12.34.56.78"}`,
	}
	for _, status := range []int{200, 302, 400, 429, 500} {
		for _, body := range bodies {
			a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Location"] = []string{"/login?t=" + token}
				says(status, body)(w, r)
			})
			c, _ := newClient(t, a.URL)
			_, err := place(t, c)
			for _, err := range []error{err, c.Subscribe(t.Context(), hook)} {
				if err == nil {
					continue // a 200 may be fine
				}
				e := failure(t, err)
				if e.Op == "call" && strings.Contains(body, "s3cret") {
					continue // only the request that carries an address knows that it is secret
				}
				for text := error(e); text != nil; text = errors.Unwrap(text) {
					shown := fmt.Sprintf("%v %+v %s", text, text, text)
					for _, secret := range []string{token, string(quoted[1 : len(quoted)-1]), "s3cret", "555", "12.34", "06.12"} {
						if strings.Contains(shown, secret) {
							t.Errorf("%d %s: the error shows %q: %s", status, body, secret, shown)
						}
					}
				}
				if utf8.RuneCountInString(e.Message) > maxMessage {
					t.Errorf("message of %d characters", utf8.RuneCountInString(e.Message))
				}
			}
		}
	}
}

func TestMaskingKeepsIdsTimesAndAddresses(t *testing.T) {
	t.Parallel()
	c := &Client{Token: token}
	for in, want := range map[string]string{
		"contact 550e8400-e29b-41d4-a716-446655440000 is gone": "contact 550e8400-e29b-41d4-a716-446655440000 is gone",
		"at 2026-05-24T15:30:00.123Z":                          "at 2026-05-24T15:30:00.123Z",
		"dial tcp 192.168.100.200:8443: refused":               "dial tcp 192.168.100.200:8443: refused",
		"tel:+15551234567.":                                    "tel:***67.",
		"(555) 123-4567 x9":                                    "***67 x9",
		"error 422 in 15 fields":                               "error 422 in 15 fields",
		"a\x00b\n\tc":                                          "a b c",
	} {
		if got := c.clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0.5": 500 * time.Millisecond, "-3": 0, "soon": 0, "NaN": 0, "1e300": maxRetryAfter, "86400": maxRetryAfter,
		"Sun, 22 Nov 2026 12:00:30 GMT": 30 * time.Second, "Sun, 22 Nov 2026 11:00:00 GMT": 0, "Mon, 23 Nov 2026 12:00:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
	h := http.Header{"Retry-After": {"Sun, 22 Nov 2026 12:00:30 GMT"}, "Date": {"Sun, 22 Nov 2026 12:00:20 GMT"}}
	if got := retryAfter(h, now); got != 10*time.Second {
		t.Errorf("by the server's own clock: got %s", got)
	}
}
