package simulator

import (
	"net/http"
	"strings"
)

// The names of the operations, in logs and faults.
const (
	OpAgents      = "agents"      // GET /interview
	OpResponses   = "responses"   // GET /interview/{id}/responses
	OpContacts    = "contacts"    // GET /contact
	OpCreate      = "create"      // POST /contact/create
	OpContact     = "contact"     // GET /contact/{id}
	OpDelete      = "delete"      // DELETE /contact/{id}
	OpCall        = "call"        // POST /contact/call
	OpUser        = "user"        // GET /user
	OpWebhooks    = "webhooks"    // GET /webhooks
	OpSubscribe   = "subscribe"   // POST /webhooks/subscribe
	OpUnsubscribe = "unsubscribe" // DELETE /webhooks/unsubscribe
	OpAutomation  = "automation"  // POST /webhook/automation/{id}
	opNone        = "none"        // no such path or method
)

// operation is one of the twelve.
type operation struct {
	name   string
	method string
	path   string // {id} stands for one segment
	open   bool   // no headers needed
	handle func(*Server, *exchange) reply
}

// operations, literal paths before those with {id}.
var operations = []operation{
	{OpAgents, http.MethodGet, "/interview", false, (*Server).listAgents},
	{OpResponses, http.MethodGet, "/interview/{id}/responses", false, (*Server).listCalls},
	{OpContacts, http.MethodGet, "/contact", false, (*Server).listContacts},
	{OpCreate, http.MethodPost, "/contact/create", false, (*Server).createContact},
	{OpCall, http.MethodPost, "/contact/call", false, (*Server).callContact},
	{OpContact, http.MethodGet, "/contact/{id}", false, (*Server).getContact},
	{OpDelete, http.MethodDelete, "/contact/{id}", false, (*Server).deleteContact},
	{OpUser, http.MethodGet, "/user", false, (*Server).getUser},
	{OpWebhooks, http.MethodGet, "/webhooks", false, (*Server).listSubscriptions},
	{OpSubscribe, http.MethodPost, "/webhooks/subscribe", false, (*Server).subscribe},
	{OpUnsubscribe, http.MethodDelete, "/webhooks/unsubscribe", false, (*Server).unsubscribe},
	{OpAutomation, http.MethodPost, "/webhook/automation/{id}", true, (*Server).triggerAutomation},
}

// route finds the operation of a request, and the {id} of its path. Without one, status says whether path (404) or method (405) is wrong.
func route(method, path string) (op *operation, id string, status int) {
	status = http.StatusNotFound
	pattern := ""
	for i := range operations {
		o := &operations[i]
		if pattern != "" && o.path != pattern {
			continue // /contact/create is no contact, whatever the method
		}
		part, ok := match(o.path, path)
		if !ok {
			continue
		}
		if o.method == method {
			return o, part, 0
		}
		pattern, status = o.path, http.StatusMethodNotAllowed
	}
	return nil, "", status
}

func match(pattern, path string) (id string, ok bool) {
	before, after, hasID := strings.Cut(pattern, "{id}")
	if !hasID {
		return "", pattern == path
	}
	id, ok = strings.CutPrefix(path, before)
	if !ok {
		return "", false
	}
	id, ok = strings.CutSuffix(id, after)
	return id, ok && id != "" && !strings.Contains(id, "/")
}
