package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryOperationAnswersInTheEnvelope(t *testing.T) {
	t.Parallel()
	_, c := overTCP(t, Config{Profile: quiet()})
	id := c.contact(phone1)
	hook := `{"type":"NEW_RESPONSE","url":"https://example.com/h","data":"` + DefaultAgentID + `"}`
	for _, r := range []struct{ method, path, body, holds string }{
		{"GET", "/interview", "", `"interviews":[`},
		{"GET", "/contact", "", `"contacts":[`},
		{"GET", "/contact/" + id, "", `"phone_number":"` + phone1 + `"`},
		{"POST", "/contact/call", callBody(id, "a1"), `"status":"NOT_STARTED"`},
		{"GET", "/interview/" + DefaultAgentID + "/responses", "", `"responses":[{`},
		{"GET", "/user", "", `"email":`},
		{"POST", "/webhooks/subscribe", hook, `"type":"NEW_RESPONSE"`},
		{"GET", "/webhooks", "", `"url":"https://example.com/h"`},
		{"DELETE", "/webhooks/unsubscribe", hook, `{}`},
		{"POST", "/webhook/automation/" + DefaultAutomationID, `{"any":["thing"]}`, `{}`},
		{"DELETE", "/contact/" + id, "", `{}`},
	} {
		a := c.want(200, r.method, r.path, r.body)
		if a.failed() || !strings.Contains(string(a.data), r.holds) {
			t.Errorf("%s %s: %s does not hold %s", r.method, r.path, a.text, r.holds)
		}
	}
	c.want(404, "GET", "/contact/"+id, "")
}

func TestWhatIsNotDocumentedIsRefused(t *testing.T) {
	t.Parallel()
	s, c := overTCP(t, Config{Profile: quiet(), Limit: Limit{Requests: 1000}})
	id := c.contact(phone1)
	call := func(rest string) string { return `{"contact_id":"` + id + `",` + rest + `}` }
	for _, r := range []struct {
		why, method, path, body string
		status                  int
	}{
		{"unknown path", "GET", "/contacts", "", 404},
		{"trailing slash", "GET", "/user/", "", 404},
		{"wrong method", "POST", "/user", "{}", 405},
		{"wrong method of a literal path", "GET", "/contact/create", "", 405},
		{"wrong method of a path with id", "PATCH", "/contact/" + id, "{}", 405},
		{"unknown contact", "GET", "/contact/nope", "", 404},
		{"delete of an unknown contact", "DELETE", "/contact/nope", "", 404},
		{"body of a GET", "GET", "/user", "{}", 400},
		{"unknown key", "POST", "/contact/create", `{"phone_number":"+12125550150","external_id":"7"}`, 400},
		{"key in another case", "POST", "/contact/create", `{"Phone_Number":"+12125550150"}`, 400},
		{"key twice", "POST", "/contact/create", `{"phone_number":"+12125550150","phone_number":"+12125550151"}`, 400},
		{"no phone", "POST", "/contact/create", `{"name":"Ann"}`, 400},
		{"phone is no E.164", "POST", "/contact/create", `{"phone_number":"212-555-0150"}`, 400},
		{"empty name", "POST", "/contact/create", `{"phone_number":"+12125550150","name":""}`, 400},
		{"bad email", "POST", "/contact/create", `{"phone_number":"+12125550150","email":"ann"}`, 400},
		{"tags no array", "POST", "/contact/create", `{"phone_number":"+12125550150","tags":"a"}`, 400},
		{"attributes null", "POST", "/contact/create", `{"phone_number":"+12125550150","attributes":null}`, 400},
		{"array", "POST", "/contact/create", `[]`, 400},
		{"no JSON", "POST", "/contact/create", `phone`, 400},
		{"cut JSON", "POST", "/contact/create", `{"phone_number":"+12125550150"`, 400},
		{"two values", "POST", "/contact/create", `{"phone_number":"+12125550150"}{}`, 400},
		{"agent_id", "POST", "/contact/call", call(`"agent_id":"` + DefaultAgentID + `"`), 400},
		{"no agent", "POST", "/contact/call", call(`"metadata":{}`), 400},
		{"metadata no object", "POST", "/contact/call", call(`"interview_id":"` + DefaultAgentID + `","metadata":"x"`), 400},
		{"reserved metadata", "POST", "/contact/call", call(`"interview_id":"` + DefaultAgentID + `","metadata":{"system":{}}`), 400},
		{"unknown agent", "POST", "/contact/call", call(`"interview_id":"zzzzzzzz"`), 404},
		{"archived agent", "POST", "/contact/call", call(`"interview_id":"xY5zW8vU"`), 400},
		{"call of an unknown contact", "POST", "/contact/call", `{"contact_id":"x","interview_id":"` + DefaultAgentID + `"}`, 404},
		{"limit 0", "GET", "/contact?limit=0", "", 400},
		{"limit 51", "GET", "/contact?limit=51", "", 400},
		{"page -1", "GET", "/contact?page=-1", "", 400},
		{"page twice", "GET", "/contact?page=1&page=2", "", 400},
		{"unknown parameter", "GET", "/contact?per_page=5", "", 400},
		{"snake case direction", "GET", "/contact?sort_direction=asc", "", 400},
		{"bad direction", "GET", "/contact?sortDirection=up", "", 400},
		{"bad flag", "GET", "/contact?phone_numbers_only=1", "", 400},
		{"bad agent status", "GET", "/interview?status=active", "", 400},
		{"calls of an unknown agent", "GET", "/interview/zzzzzzzz/responses", "", 404},
		{"unknown event", "POST", "/webhooks/subscribe", `{"type":"ACTION_FAILED","url":"https://e.com"}`, 400},
		{"relative url", "POST", "/webhooks/subscribe", `{"type":"NEW_RESPONSE","url":"/h"}`, 400},
		{"unsubscribe with an unknown key", "DELETE", "/webhooks/unsubscribe", `{"id":"1"}`, 400},
		{"unsubscribe what is not", "DELETE", "/webhooks/unsubscribe", `{"type":"NEW_RESPONSE","url":"https://e.com"}`, 404},
		{"unsubscribe without body", "DELETE", "/webhooks/unsubscribe", ``, 400},
		{"unknown automation", "POST", "/webhook/automation/nope", `{}`, 404},
		{"automation with an array", "POST", "/webhook/automation/" + DefaultAutomationID, `[1]`, 400},
	} {
		t.Run(r.why, func(t *testing.T) {
			c := *c
			c.t = t
			if a := c.want(r.status, r.method, r.path, r.body); !a.failed() {
				t.Errorf("no error in %s", a.text)
			}
		})
	}
	if got := s.Rings(); len(got) != 0 {
		t.Errorf("%d phones rang", len(got))
	}
	c.head.Set("Content-Type", "text/plain")
	c.want(400, "POST", "/contact/call", callBody(id, "a"))
	c.want(200, "GET", "/user", "")
}

func TestOnlyOneTeamsOwnHeadersOpenTheDoor(t *testing.T) {
	t.Parallel()
	s, c := overTCP(t, Config{Profile: quiet(), Teams: []Team{{ID: "t1", Token: "k1"}, {ID: "t2", Token: "k2"}}})
	as := func(token, id string) int {
		c.head = http.Header{}
		if token != "" {
			c.head.Set("x-api-token", token)
		}
		if id != "" {
			c.head.Set("team_id", id)
		}
		return c.do("GET", "/user", "").status
	}
	got := []int{as("k1", "t1"), as("k2", "t2"), as("k1", "t2"), as("k1", ""), as("", "t1"), as("k3", "t1"), as("", "")}
	if diff := cmp.Diff([]int{200, 200, 401, 401, 401, 401, 401}, got); diff != "" {
		t.Error(diff)
	}
	s.Revoke("t1", true)
	if got := as("k1", "t1"); got != 401 {
		t.Errorf("revoked token: %d", got)
	}
	s.Revoke("t1", false)
	if got := as("k1", "t1"); got != 200 {
		t.Errorf("token valid again: %d", got)
	}
	if status := as("", ""); status != 401 {
		t.Errorf("no headers: %d", status)
	}
	c.head.Set("Content-Type", "application/json") // the one operation that is documented without headers
	c.want(200, "POST", "/webhook/automation/"+DefaultAutomationID, `{"lead":"7"}`)
	if got := s.Triggers("t1"); len(got) != 1 || string(got[0].Body["lead"]) != `"7"` {
		t.Errorf("triggers: %v", got)
	}
}

func TestAnyTeamIsMadeAtFirstSight(t *testing.T) {
	t.Parallel()
	_, c := overTCP(t, Config{Profile: quiet(), AnyTeam: true})
	for i := range 3 {
		c.head.Set("x-api-token", fmt.Sprint("key", i))
		c.head.Set("team_id", fmt.Sprint("team", i))
		c.contact(phone1)
		if a := c.want(200, "GET", "/contact", ""); strings.Count(a.text, phone1) != 1 {
			t.Errorf("team %d sees another's contacts: %s", i, a.text)
		}
	}
}

func TestDuplicateContacts(t *testing.T) {
	t.Parallel()
	for _, d := range []struct {
		is     Duplicates
		status int
		same   bool
	}{{DuplicatesNew, 200, false}, {DuplicatesSame, 200, true}, {DuplicatesConflict, 409, false}} {
		t.Run(string(d.is), func(t *testing.T) {
			t.Parallel()
			_, c := overTCP(t, Config{Profile: quiet(func(p *Profile) { p.API.Duplicates = d.is })})
			first := c.contact(phone1)
			second := c.want(d.status, "POST", "/contact/create", `{"phone_number":"`+phone1+`"}`)
			if d.status == 200 && (second.id(t) == first) != d.same {
				t.Errorf("same id: %v, want %v", !d.same, d.same)
			}
			if d.status == 409 && !strings.Contains(string(second.err), "already exists") {
				t.Errorf("error %s", second.err)
			}
		})
	}
}

func TestListingsComeInPagesThatMissNothing(t *testing.T) {
	t.Parallel()
	_, c := overTCP(t, Config{Profile: quiet(), Limit: Limit{Requests: 1000}})
	var want []string
	for i := range 53 {
		phone := fmt.Sprintf("+1212555%04d", i)
		want = append(want, phone)
		c.want(200, "POST", "/contact/create", fmt.Sprintf(`{"phone_number":%q,"name":"N%02d","tags":["t%d"]}`, phone, i, i%2))
	}
	list := func(query string) (phones []string) {
		t.Helper()
		var data struct {
			Contacts []struct {
				Phone string `json:"phone_number"`
			}
		}
		c.want(200, "GET", "/contact?"+query, "").into(t, &data)
		for _, k := range data.Contacts {
			phones = append(phones, k.Phone)
		}
		return phones
	}
	if diff := cmp.Diff(want, slices.Concat(list("limit=50"), list("limit=50&page=1"), list("limit=50&page=2"))); diff != "" {
		t.Error(diff)
	}
	if n := len(list("")); n != 20 {
		t.Errorf("default page: %d", n)
	}
	if diff := cmp.Diff(want[7:8], list("phone_numbers_only=true&search=%2B12125550007")); diff != "" {
		t.Error(diff)
	}
	if got := list("tags=t1&excluded_tags=t0&limit=50"); len(got) != 26 {
		t.Errorf("tagged: %d", len(got))
	}
	if got := list("sort=name&sortDirection=desc&limit=1"); got[0] != want[52] {
		t.Errorf("last name: %s", got[0])
	}
	if got := list("search=n07&phone_numbers_only=true"); len(got) != 0 {
		t.Errorf("phone search found names: %v", got)
	}
}

func TestAgentsAreListedByStatus(t *testing.T) {
	t.Parallel()
	s, c := overTCP(t, Config{Profile: quiet()})
	count := func(query string) int {
		return strings.Count(c.want(200, "GET", "/interview?"+query, "").text, `"title"`)
	}
	got := []int{count(""), count("all_interviews=true"), count("status=ARCHIVED"), count("search=renew"), count("all_interviews=true&page=1&limit=2")}
	if diff := cmp.Diff([]int{2, 3, 1, 1, 1}, got); diff != "" {
		t.Error(diff)
	}
	id := c.contact(phone1)
	if !s.SetAgentStatus(DefaultAgentID, AgentArchived) || s.SetAgentStatus("nobody", AgentActive) || s.SetAgentStatus(DefaultAgentID, "ON") {
		t.Error("SetAgentStatus")
	}
	c.want(400, "POST", "/contact/call", callBody(id, "a"))
}

func TestSubscribingTwice(t *testing.T) {
	t.Parallel()
	for _, d := range []struct {
		is     Resubscribe
		status int
		listed int
	}{{ResubscribeConflict, 409, 1}, {ResubscribeSame, 200, 1}, {ResubscribeDouble, 200, 2}} {
		t.Run(string(d.is), func(t *testing.T) {
			t.Parallel()
			s, c := overTCP(t, Config{Profile: quiet(func(p *Profile) { p.API.Resubscribe = d.is })})
			body := `{"type":"NEW_RESPONSE","url":"https://example.com/h","data":null}`
			c.want(200, "POST", "/webhooks/subscribe", body)
			c.want(d.status, "POST", "/webhooks/subscribe", body)
			if n := strings.Count(c.want(200, "GET", "/webhooks", "").text, `"url"`); n != d.listed {
				t.Errorf("%d listed", n)
			}
			c.want(200, "DELETE", "/webhooks/unsubscribe", `{"type":"NEW_RESPONSE","url":"https://example.com/h"}`)
			if s.DropSubscriptions() != 0 {
				t.Error("a subscription was left")
			}
		})
	}
}
