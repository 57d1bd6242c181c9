package thoughtly

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryOperationSendsWhatIsDocumentedAndPaysByItsClass(t *testing.T) {
	t.Parallel()
	hook := Subscription{Type: EventNewResponse, URL: "https://d.example.com/hook/s3cret", Data: "aB3dE9fG"}
	tests := []struct {
		name  string
		do    func(ctx context.Context, c *Client) error
		reply string
		want  string // method, URI, body
		class string
	}{
		{"list agents", func(ctx context.Context, c *Client) error {
			_, err := c.ListAgents(ctx, ListAgentsRequest{Search: "spring & co", Status: "ACTIVE", Sort: "title_asc", All: true, Page: Page{Page: 2, Limit: 50}})
			return err
		}, `{"data":{"interviews":[]}}`, "GET /interview?all_interviews=true&limit=50&page=2&search=spring+%26+co&sort=title_asc&status=ACTIVE ", ClassControl},
		{"list agents, no filter", func(ctx context.Context, c *Client) error {
			_, err := c.ListAgents(ctx, ListAgentsRequest{})
			return err
		}, `{"data":[]}`, "GET /interview ", ClassControl},
		{"search calls", func(ctx context.Context, c *Client) error {
			_, err := c.SearchCalls(ctx, SearchCallsRequest{AgentID: "a/b c", Search: "x", Tags: []string{"t1", "", "t2"}, Status: []string{"success", "failure"}, JobID: "j", Page: Page{Limit: 1}})
			return err
		}, `{"data":{"responses":[]}}`, "GET /interview/a%2Fb%20c/responses?job_id=j&limit=1&response_tags=t1&response_tags=t2&search=x&status=success&status=failure ", ClassReconcile},
		{"list contacts", func(ctx context.Context, c *Client) error {
			_, err := c.ListContacts(ctx, ListContactsRequest{Search: phone, PhonesOnly: true, Tags: []string{"a", "b"}, ExcludedTags: []string{"c"}, Sort: "created", SortDirection: "desc", Page: Page{Limit: 50}})
			return err
		}, `{"data":{"contacts":[]}}`, "GET /contact?excluded_tags=c&limit=50&phone_numbers_only=true&search=%2B15551234567&sort=created&sortDirection=desc&tags=a&tags=b ", ClassStage},
		{"create contact", func(ctx context.Context, c *Client) error {
			_, err := c.CreateContact(ctx, CreateContactRequest{Phone: phone, Name: "Ann", Email: "a@example.com", CountryCode: "US", Tags: []string{"t"}, Attributes: map[string]any{"n": 1, "s": "x"}})
			return err
		}, `{"data":{"id":"c1"}}`, `POST /contact/create {"phone_number":"+15551234567","name":"Ann","email":"a@example.com","country_code":"US","tags":["t"],"attributes":{"n":1,"s":"x"}}`, ClassStage},
		{"create contact, nothing empty is sent", func(ctx context.Context, c *Client) error {
			_, err := c.CreateContact(ctx, CreateContactRequest{Phone: phone})
			return err
		}, `{"data":{"id":"c1"}}`, `POST /contact/create {"phone_number":"+15551234567"}`, ClassStage},
		{"get contact", func(ctx context.Context, c *Client) error { _, err := c.GetContact(ctx, "c?1"); return err }, `{"data":{"id":"c1"}}`, "GET /contact/c%3F1 ", ClassStage},
		{"delete contact", func(ctx context.Context, c *Client) error { return c.DeleteContact(ctx, "c1") }, `{"data":null}`, "DELETE /contact/c1 ", ClassStage},
		{"call", func(ctx context.Context, c *Client) error {
			p, err := c.Acquire(ctx, ClassCall)
			if err != nil {
				return err
			}
			_, err = p.Call(ctx, CallRequest{ContactID: "c1", AgentID: "a1", Metadata: map[string]string{"dialerd_attempt": "x"}}, p.Now().Add(time.Minute))
			return err
		}, `{"data":{}}`, `POST /contact/call {"contact_id":"c1","interview_id":"a1","metadata":{"dialerd_attempt":"x"}}`, ClassCall},
		{"get user", func(ctx context.Context, c *Client) error { _, err := c.GetUser(ctx); return err }, `{"data":{"id":"u"}}`, "GET /user ", ClassControl},
		{"list webhooks", func(ctx context.Context, c *Client) error { _, err := c.ListWebhooks(ctx); return err }, `{"data":[]}`, "GET /webhooks ", ClassControl},
		{"subscribe", func(ctx context.Context, c *Client) error { return c.Subscribe(ctx, hook) }, `{"data":{}}`, `POST /webhooks/subscribe {"type":"NEW_RESPONSE","url":"https://d.example.com/hook/s3cret","data":"aB3dE9fG"}`, ClassControl},
		{"unsubscribe has a body", func(ctx context.Context, c *Client) error { return c.Unsubscribe(ctx, hook) }, `{"data":{}}`, `DELETE /webhooks/unsubscribe {"type":"NEW_RESPONSE","url":"https://d.example.com/hook/s3cret","data":"aB3dE9fG"}`, ClassControl},
		{"trigger automation", func(ctx context.Context, c *Client) error {
			return c.TriggerAutomation(ctx, "auto1", map[string]any{"phone": phone, "k": []int{1}})
		}, ``, `POST /webhook/automation/auto1 {"k":[1],"phone":"+15551234567"}`, ClassControl},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, says(200, tt.reply))
			c, l := newClient(t, a.URL+"/")
			if err := tt.do(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if err := tt.do(t.Context(), c.As("other")); err != nil {
				t.Fatal(err)
			}
			got := a.requests()
			if len(got) != 2 {
				t.Fatalf("%d requests arrived for 2", len(got))
			}
			for _, r := range got {
				if line := fmt.Sprintf("%s %s %s", r.method, r.uri, r.body); line != tt.want {
					t.Errorf("sent\n %s\nwant\n %s", line, tt.want)
				}
				if r.header.Get("X-Api-Token") != token || r.header.Get("Team_id") != "team-1" || r.header.Get("User-Agent") != "dialerd" || r.header.Get("Accept-Encoding") != "" {
					t.Errorf("headers are %v", r.header)
				}
				if json := r.header.Get("Content-Type") == "application/json"; json != (r.body != "") {
					t.Errorf("content type %q with body %q", r.header.Get("Content-Type"), r.body)
				}
				if r.header.Get("Transfer-Encoding") != "" || r.proto != "HTTP/1.1" {
					t.Errorf("sent as %s, headers %v", r.proto, r.header)
				}
			}
			classes, replies := l.account()
			if diff := cmp.Diff([]string{tt.class, "other"}, classes); diff != "" {
				t.Errorf("classes (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff([]Reply{{Sent: true, Answered: true}, {Sent: true, Answered: true}}, replies); diff != "" {
				t.Errorf("slots (-want +got)\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeRightIsRefusedWithoutASlot(t *testing.T) {
	t.Parallel()
	a := newAPI(t, says(200, `{}`))
	c, l := newClient(t, a.URL)
	ctx := t.Context()
	tests := map[string]func() error{
		"page":              func() error { _, err := c.ListAgents(ctx, ListAgentsRequest{Page: Page{Page: -1}}); return err },
		"limit":             func() error { _, err := c.ListContacts(ctx, ListContactsRequest{Page: Page{Limit: 51}}); return err },
		"sort direction":    func() error { _, err := c.ListContacts(ctx, ListContactsRequest{SortDirection: "up"}); return err },
		"agent":             func() error { _, err := c.SearchCalls(ctx, SearchCallsRequest{}); return err },
		"agent ..":          func() error { _, err := c.SearchCalls(ctx, SearchCallsRequest{AgentID: ".."}); return err },
		"phone":             func() error { _, err := c.CreateContact(ctx, CreateContactRequest{Name: "x"}); return err },
		"contact to get":    func() error { _, err := c.GetContact(ctx, ""); return err },
		"contact to delete": func() error { return c.DeleteContact(ctx, "") },
		"contact .":         func() error { return c.DeleteContact(ctx, ".") },
		"event type":        func() error { return c.Subscribe(ctx, Subscription{Type: "X", URL: "https://x.example"}) },
		"url":               func() error { return c.Unsubscribe(ctx, Subscription{Type: EventNewResponse}) },
		"automation":        func() error { return c.TriggerAutomation(ctx, "", nil) },
	}
	for name, do := range tests {
		e := failure(t, do())
		if again, _ := e.Retry(); e.Kind != KindRejected || e.Sent || e.Fault() != FaultOurs || again || e.MayHaveRung() {
			t.Errorf("%s: got %#v", name, e)
		}
	}
	if classes, _ := l.account(); len(classes) != 0 || len(a.requests()) != 0 {
		t.Errorf("%d slots taken, %d requests sent", len(classes), len(a.requests()))
	}
}

func TestACallThatCannotBeRightGivesItsSlotBack(t *testing.T) {
	t.Parallel()
	a := newAPI(t, says(200, `{}`))
	for name, call := range map[string]CallRequest{
		"no contact": {AgentID: "a"},
		"no agent":   {ContactID: "c"},
		"system":     {ContactID: "c", AgentID: "a", Metadata: map[string]string{"system": "x"}},
	} {
		c, l := newClient(t, a.URL)
		p := acquire(t, c)
		_, err := p.Call(t.Context(), call, p.At().Add(time.Minute))
		if e := failure(t, err); e.Kind != KindRejected || e.MayHaveRung() {
			t.Errorf("%s: got %v", name, err)
		}
		if _, replies := l.account(); !cmp.Equal(replies, []Reply{{}}) {
			t.Errorf("%s: slots %+v", name, replies)
		}
	}
	c, l := newClient(t, a.URL)
	err := c.TriggerAutomation(t.Context(), "auto", map[string]any{"f": func() {}})
	if _, replies := l.account(); failure(t, err).Kind != KindRejected || !cmp.Equal(replies, []Reply{{}}) {
		t.Errorf("a body that is no JSON: %v, slots %+v", err, replies)
	}
	if len(a.requests()) != 0 {
		t.Error("something was sent")
	}
}

func TestValidateNamesEveryMistakeAndNothingIsSentWithOne(t *testing.T) {
	t.Parallel()
	good := func() *Client {
		return &Client{BaseURL: "https://api.example.com/v1", Token: "t", TeamID: "x", Limiter: &ledger{}, Now: time.Now}
	}
	if err := good().Validate(); err != nil {
		t.Errorf("a good client: %v", err)
	}
	for name, spoil := range map[string]func(*Client){
		"base_url: not a URL":  func(c *Client) { c.BaseURL = "http://user:hunter2@ho st:x" },
		"base_url: must be":    func(c *Client) { c.BaseURL = "ftp://api.example.com" },
		"base_url: must be ":   func(c *Client) { c.BaseURL = "https://user:hunter2@api.example.com" },
		"base_url: must be h":  func(c *Client) { c.BaseURL = "https://api.example.com?x=y" },
		"base_url: must be ht": func(c *Client) { c.BaseURL = "api.example.com" },
		"api_token: is empty":  func(c *Client) { c.Token = "" },
		"api_token: holds":     func(c *Client) { c.Token = "hunter2\n" },
		"team_id: holds":       func(c *Client) { c.TeamID = "a\r\nb" },
		"limiter: is nil":      func(c *Client) { c.Limiter = nil },
		"now: is nil":          func(c *Client) { c.Now = nil },
		"timeout: must not":    func(c *Client) { c.Timeout = -1 },
	} {
		c := good()
		spoil(c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(name)) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", name, err)
		}
		_, err = c.GetUser(t.Context())
		e := failure(t, err)
		if again, _ := e.Retry(); e.Kind != KindNotSent || e.Fault() != FaultOurs || again || e.Sent {
			t.Errorf("%s: request gave %v", name, err)
		}
	}
	if err := (&Client{}).Validate(); strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("an empty client: %v", err)
	}
}

func TestAsCopiesEveryFieldAndSharesTheConnections(t *testing.T) {
	t.Parallel()
	c := &Client{
		BaseURL: "b", Token: "t", TeamID: "i", Limiter: &ledger{}, Timeout: 1, Now: time.Now,
		Transport: http.NewFileTransport(nil), Log: slog.New(slog.DiscardHandler), UserAgent: "u",
	}
	d := c.As("x").As(ClassStage)
	if d.class != ClassStage || c.class != "" || d.shared != c.wire() {
		t.Error("class or connections are wrong")
	}
	cv, dv := reflect.ValueOf(c).Elem(), reflect.ValueOf(d).Elem()
	for i := range cv.NumField() {
		field := cv.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if cv.Field(i).IsZero() {
			t.Errorf("the test does not set %s", field.Name)
		}
		if dv.Field(i).IsZero() {
			t.Errorf("As loses %s", field.Name)
		}
	}
}

func TestNoFormattingOfAClientOrRecordShowsSecrets(t *testing.T) {
	t.Parallel()
	c := &Client{BaseURL: "https://api.example.com", Token: "tk_secret"}
	hook := Subscription{Type: EventNewResponse, URL: "https://d.example.com/hook/tk_secret", Data: "a"}
	var log bytes.Buffer
	for _, v := range []any{c, hook, Response{ID: "r", Phone: phone}, Contact{ID: "c", Phone: phone}} {
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		for _, verb := range []string{"%v", "%+v", "%s"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
	}
	fmt.Fprintf(&log, "%#v\n", c)
	if got := log.String(); strings.Contains(got, "tk_secret") || strings.Contains(got, phone) {
		t.Errorf("shown:\n%s", got)
	}
}

func TestOneLineOfLogARequestWithoutSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c, _ := newClient(t, newAPI(t, says(400, `{"error":"bad `+"phone +15551234567"+`"}`)).URL)
	c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if _, err := c.CreateContact(t.Context(), CreateContactRequest{Phone: phone}); err == nil {
		t.Fatal("a success")
	}
	got := log.String()
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, `"op":"create contact","class":"stage","status":400,"sent":true`) || strings.Contains(got, "5551") || strings.Contains(got, "S3cr") {
		t.Errorf("logged:\n%s", got)
	}
}
