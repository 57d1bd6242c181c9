package thoughtly

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

var (
	opListAgents  = op{name: "list agents", class: ClassControl, safe: true}
	opSearchCalls = op{name: "search calls", class: ClassReconcile, safe: true}
)

// Agent is a voice agent, which the API also calls an interview.
type Agent struct {
	ID        string
	Title     string
	Status    string // ACTIVE, ARCHIVED, or empty
	Phone     string // the number that it calls from, where told
	CreatedAt time.Time
}

// Archived says whether the agent is out of use.
func (a Agent) Archived() bool { return a.Status == "ARCHIVED" }

// ListAgentsRequest filters the agents of the team. The zero value asks for the first 20 that are in use.
type ListAgentsRequest struct {
	Search string
	Status string // ACTIVE or ARCHIVED
	Sort   string // title_asc, title_desc, created_asc, created_desc
	All    bool   // archived ones too
	Page
}

// ListAgents lists the agents of the team, one page.
func (c *Client) ListAgents(ctx context.Context, list ListAgentsRequest) (List[Agent], error) {
	q := url.Values{}
	put(q, "search", list.Search)
	put(q, "status", list.Status)
	put(q, "sort", list.Sort)
	if list.All {
		q.Set("all_interviews", "true")
	}
	r := request{op: opListAgents, method: http.MethodGet, path: "/interview", query: q, page: list.Page, lists: []string{"interviews", "agents"}}
	return listed(ctx, c, r, decodeAgent)
}

func decodeAgent(o object, _ map[string]any) Agent {
	return Agent{
		ID:        o.text("id", "interview_id", "agent_id"),
		Title:     o.text("title", "name"),
		Status:    strings.ToUpper(o.text("status")),
		Phone:     o.text("phone_number", "phone"),
		CreatedAt: layers{o}.time("created", "created_at"),
	}
}

// SearchCallsRequest filters the calls of one agent. The API has no filter by date or contact and promises no order.
type SearchCallsRequest struct {
	AgentID string
	Search  string
	Tags    []string // any of these
	Status  []string // in the API's words, such as success and failure
	JobID   string
	Page
}

// SearchCalls lists the calls of an agent, one page.
func (c *Client) SearchCalls(ctx context.Context, search SearchCallsRequest) (List[Response], error) {
	id, refuse := pathID("interview_id", search.AgentID)
	q := url.Values{}
	put(q, "search", search.Search)
	put(q, "response_tags", search.Tags...)
	put(q, "status", search.Status...)
	put(q, "job_id", search.JobID)
	r := request{op: opSearchCalls, method: http.MethodGet, path: "/interview/" + id + "/responses", query: q, refuse: refuse}
	r.page, r.lists = search.Page, []string{"responses", "interview_responses", "calls"}
	calls, err := listed(ctx, c, r, decodeResponse)
	for i := range calls.Items {
		calls.Items[i].AgentID = firstOf(calls.Items[i].AgentID, search.AgentID)
	}
	return calls, err
}

// listed sends r and reads the page of a list that it asks for, each element by decode.
func listed[T any](ctx context.Context, c *Client, r request, decode func(object, map[string]any) T) (List[T], error) {
	if why := r.page.check(); why != "" && r.refuse == "" {
		r.refuse = why
	}
	if r.query == nil {
		r.query = url.Values{}
	}
	r.page.put(r.query)
	got, err := c.do(ctx, r)
	if err != nil {
		return List[T]{Total: -1}, err
	}
	list, err := pageOf(got, r, decode)
	if err != nil {
		return List[T]{Total: -1}, c.illegible(r, err)
	}
	return list, nil
}

// put sets the parameter to those of values that are not empty, each as one name=value.
func put(q url.Values, name string, values ...string) {
	for _, value := range values {
		if value != "" {
			q.Add(name, value)
		}
	}
}
