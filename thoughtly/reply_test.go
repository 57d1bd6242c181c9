package thoughtly

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnAcceptedCallMayNameItsIDAnywhere(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Call{
		`{"data":{"call_id":"r1","status":"queued","interview_id":"a1","contact_id":"c1"},"error":null}`: {ID: "r1", Status: StatusQueued, RawStatus: "queued"},
		`{"data":{"response_id":"r1","id":"x"}}`:                                                         {ID: "r1"},
		`{"data":{"id":"r1","status":"NOT_STARTED"}}`:                                                    {ID: "r1", Status: StatusQueued, RawStatus: "NOT_STARTED"},
		`{"data":{"response":{"id":"r1","status":"busy"}}}`:                                              {ID: "r1", Status: StatusBusy, RawStatus: "busy"},
		`{"data":{"call":{"id":"r1"}}}`:                                                                  {ID: "r1"},
		`{"data":{"id":"c1"}}`:                                                                           {},
		`{"data":{"id":"c1","call":{"id":"r1"}}}`:                                                        {ID: "r1"},
		`{"data":{"id":"a1"}}`:                                                                           {},
		`{"call_id":"r1"}`:                                                                               {ID: "r1"},
		`{"data":"queued"}`:                                                                              {},
		`{"data":null}`:                                                                                  {},
		`{"data":[]}`:                                                                                    {},
		``:                                                                                               {},
	} {
		if want.Status == "" {
			want.Status = StatusUnknown
		}
		want.ContactID, want.AgentID = "c1", "a1"
		a := newAPI(t, says(200, body))
		c, _ := newClient(t, a.URL)
		got, err := place(t, c)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
	}
}

func TestListsAreFoundInEveryEnvelope(t *testing.T) {
	t.Parallel()
	one := `[{"id":"r1","status":"busy"}]`
	for _, body := range []string{
		`{"data":{"responses":%s}}`, `{"data":%s}`, `%s`, `{"responses":%s}`, `{"data":{"calls":%s,"page":0}}`, `{"data":{"interview_responses":%s}}`,
		`{"data":{"items":%s}}`, `{"data":{"results":%s,"tags":[]}}`, `{"data":{"data":%s}}`, `{"data":{"data":{"responses":%s}}}`, `{"data":{"whatever":%s,"n":1}}`,
	} {
		body := fmt.Sprintf(body, one)
		a := newAPI(t, says(200, body))
		c, _ := newClient(t, a.URL)
		got, err := c.SearchCalls(t.Context(), SearchCallsRequest{AgentID: "a1"})
		want := []Response{{ID: "r1", AgentID: "a1", Status: StatusBusy, RawStatus: "busy"}}
		if err != nil || !cmp.Equal(want, got.Items) || got.More {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}
}

// "No such call" leads to a decision, so a misread reply must not look like it.
func TestAReplyWithoutAListIsNotAnEmptyList(t *testing.T) {
	t.Parallel()
	for body, empty := range map[string]bool{
		``: true, `{"data":null}`: true, `{"data":{}}`: true, `{"data":{"responses":null}}`: true, `{"data":{"responses":[]}}`: true, `[]`: true, `{"data":{"responses":[null]}}`: true,
		`{"data":{"something":1}}`: false, `{"data":"x"}`: false, `{"data":{"a":[],"b":[]}}`: false, `{"data":{"responses":["r1"]}}`: false, `{"data":{"responses":{"r1":{}}}}`: false, `"x"`: false, `7`: false,
	} {
		a := newAPI(t, says(200, body))
		c, _ := newClient(t, a.URL)
		got, err := c.SearchCalls(t.Context(), SearchCallsRequest{AgentID: "a1"})
		if empty != (err == nil) || len(got.Items) != 0 {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
		if err != nil {
			if again, _ := failure(t, err).Retry(); failure(t, err).Kind != KindAmbiguous || !again {
				t.Errorf("%s: got %v", body, err)
			}
		}
	}
}

func TestAListSaysWhetherItGoesOn(t *testing.T) {
	t.Parallel()
	type extent struct {
		Total int
		More  bool
	}
	for _, tt := range []struct {
		page  Page
		n     int
		extra string
		want  extent
	}{
		{Page{Limit: 3}, 3, ``, extent{-1, true}},
		{Page{Limit: 3}, 2, ``, extent{-1, false}},
		{Page{}, 20, ``, extent{-1, true}},
		{Page{}, 19, ``, extent{-1, false}},
		{Page{Limit: 3}, 3, `,"total":3`, extent{3, false}},
		{Page{Limit: 3}, 3, `,"total":4`, extent{4, true}},
		{Page{Page: 1, Limit: 3}, 3, `,"totalCount":"6"`, extent{6, false}},
		{Page{Limit: 50}, 20, `,"total_count":45`, extent{45, true}}, // a server that gives less than was asked for
		{Page{Limit: 3}, 3, `,"count":3`, extent{-1, true}},          // may be of the page
		{Page{Limit: 3}, 3, `,"count":7`, extent{7, true}},
		{Page{Limit: 3}, 3, `,"pages":1`, extent{-1, false}},
		{Page{Limit: 3}, 3, `,"pagination":{"totalPages":2}`, extent{-1, true}},
		{Page{Page: 9, Limit: 3}, 0, `,"total":100`, extent{100, false}}, // or it would never end
		{Page{Limit: 3}, 3, `,"total":-1`, extent{-1, true}},
	} {
		body := `{"data":{"contacts":[` + strings.TrimSuffix(strings.Repeat(`{"id":"c"},`, tt.n), ",") + `]` + tt.extra + `}}`
		a := newAPI(t, says(200, body))
		c, _ := newClient(t, a.URL)
		got, err := c.ListContacts(t.Context(), ListContactsRequest{Page: tt.page})
		if err != nil || len(got.Items) != tt.n || (extent{got.Total, got.More}) != tt.want {
			t.Errorf("%+v %d%s: got %d of %d, more %t, %v", tt.page, tt.n, tt.extra, len(got.Items), got.Total, got.More, err)
		}
	}
}

func TestContactsAgentsUsersAndSubscriptionsAreRead(t *testing.T) {
	t.Parallel()
	reply := func(body string) *Client {
		c, _ := newClient(t, newAPI(t, says(200, body)).URL)
		return c
	}
	ctx := t.Context()
	created := time.Date(2026, 5, 24, 15, 30, 0, 0, time.UTC)
	full := `{"id":"c1","created":"2026-05-24T15:30:00Z","version":1,"status":"ACTIVE","name":"Ann","caller_type":null,"phone_number":"+15551234567","email":"a@example.com","attributes":{"n":1,"s":"x","z":null},"tags":[{"name":"t1"},"t2"]}`
	want := Contact{ID: "c1", Phone: phone, Name: "Ann", Email: "a@example.com", Status: "ACTIVE", Tags: []string{"t1", "t2"}, Attributes: map[string]string{"n": "1", "s": "x"}, CreatedAt: created}
	for _, body := range []string{`{"data":%s,"error":null}`, `{"data":{"contact":%s}}`, `{"data":[%s]}`, `{"data":{"data":%s}}`, `%s`} {
		got, err := reply(fmt.Sprintf(body, full)).GetContact(ctx, "c1")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", body, err, diff)
		}
	}
	if _, err := reply(`{"data":{}}`).CreateContact(ctx, CreateContactRequest{Phone: phone}); !strings.Contains(fmt.Sprint(err), "no contact id") || failure(t, err).Kind != KindAmbiguous {
		t.Errorf("a contact without an id: %v", err)
	}

	agents, err := reply(`{"data":{"interviews":[{"id":"a1","title":"Spring","status":"archived","phone_number":"+15550000001","created_at":"2026-05-24T15:30:00Z"},{"interview_id":"a2","name":"Fall"}]}}`).ListAgents(ctx, ListAgentsRequest{})
	if diff := cmp.Diff([]Agent{{"a1", "Spring", "ARCHIVED", "+15550000001", created}, {ID: "a2", Title: "Fall"}}, agents.Items); err != nil || diff != "" || !agents.Items[0].Archived() || agents.Items[1].Archived() {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}

	for body, want := range map[string]User{
		`{"data":{"id":"u1","name":"Ann Lee","email":"a@example.com"}}`:   {"u1", "Ann Lee", "a@example.com"},
		`{"data":{"user":{"id":7,"first_name":"Ann","last_name":"Lee"}}}`: {"7", "Ann Lee", ""},
		`{"data":{}}`: {},
	} {
		if got, err := reply(body).GetUser(ctx); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}

	hooks, err := reply(`{"data":{"webhooks":[{"id":"w1","type":"NEW_RESPONSE","url":"https://x","data":"a1"},{"event":"PHONE_TRANSFER","callback_url":"https://y","interview":{"id":"a2"}},{"type":"NEW_RESPONSE","url":"https://z","data":null}]}}`).ListWebhooks(ctx)
	if diff := cmp.Diff([]Subscription{{"w1", "NEW_RESPONSE", "https://x", "a1"}, {"", "PHONE_TRANSFER", "https://y", "a2"}, {"", "NEW_RESPONSE", "https://z", ""}}, hooks); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestACreateThatIsThereAlreadySaysSo(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"error":"Contact already exists"}`: true, `{"error":{"code":"already_exists"}}`: true, `{"error":{"message":"Duplicate phone_number"}}`: true, `{"error":"invalid phone_number"}`: false,
	} {
		for _, status := range []int{200, 400, 409, 422, 500} {
			c, _ := newClient(t, newAPI(t, says(status, body)).URL)
			_, err := c.CreateContact(t.Context(), CreateContactRequest{Phone: phone})
			if got := failure(t, err).Exists(); got != (want && status < 500) {
				t.Errorf("%d %s: exists %t", status, body, got)
			}
		}
	}
}
