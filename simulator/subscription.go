package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The events that can be subscribed to.
const (
	EventResponse = "NEW_RESPONSE"
	EventTransfer = "PHONE_TRANSFER"
)

// unsubscribable are the types that the documentation of unsubscribe names.
var unsubscribable = []string{EventResponse, EventTransfer, "FOLDER_NEW_RESPONSE", "FOLDER_PHONE_TRANSFER", "ACTION_FAILED"}

// subscription is where events of one type go; with data, only those of that agent.
type subscription struct {
	id, event, url, data string
}

func (s *subscription) same(event, url, data string) bool {
	return s.event == event && s.url == url && s.data == data
}

type subscriptionBody struct {
	ID   string  `json:"id"`
	Type string  `json:"type"`
	URL  string  `json:"url"`
	Data *string `json:"data"`
}

func (s *subscription) body() subscriptionBody {
	b := subscriptionBody{ID: s.id, Type: s.event, URL: s.url}
	if s.data != "" {
		b.Data = &s.data
	}
	return b
}

func (s *Server) subscribe(x *exchange) reply {
	f := x.fields("type", "url", "data")
	event, to, data := f.text("type", true), f.text("url", true), f.null("data")
	if f.err == nil && event != EventResponse && event != EventTransfer {
		f.fail("type must be %s or %s", EventResponse, EventTransfer)
	}
	if u, err := url.Parse(to); f.err == nil && (err != nil || !strings.HasPrefix(u.Scheme, "http") || u.Host == "") {
		f.fail("url must be an absolute http or https URL")
	}
	if f.err != nil {
		return refuse(http.StatusBadRequest, f.err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := x.team
	for _, old := range t.subs {
		if !old.same(event, to, data) {
			continue
		}
		switch s.profile.API.Resubscribe {
		case ResubscribeSame:
			return ok(old.body())
		case ResubscribeDouble:
		case ResubscribeConflict:
			fallthrough
		default:
			return refuse(http.StatusConflict, "webhook subscription already exists")
		}
	}
	sub := &subscription{event: event, url: to, data: data}
	sub.id = roll(s.cfg.Seed, "subscription", t.ID, event, data, to, strconv.Itoa(len(t.subs))).uuid()
	t.subs = append(t.subs, sub)
	return ok(sub.body())
}

func (s *Server) unsubscribe(x *exchange) reply {
	f := x.fields("type", "url", "data")
	event, to, data := f.text("type", true), f.text("url", true), f.text("data", false)
	if f.err == nil && !slices.Contains(unsubscribable, event) {
		f.fail("type must be one of %s", strings.Join(unsubscribable, ", "))
	}
	if f.err != nil {
		return refuse(http.StatusBadRequest, f.err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(x.team.subs)
	x.team.subs = slices.DeleteFunc(x.team.subs, func(o *subscription) bool { return o.same(event, to, data) })
	if len(x.team.subs) == before {
		return refuse(http.StatusNotFound, "no such webhook subscription")
	}
	return ok(map[string]any{})
}

func (s *Server) listSubscriptions(x *exchange) reply {
	if q := x.query(); q.err != nil {
		return refuse(http.StatusBadRequest, q.err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]any, len(x.team.subs))
	for i, sub := range x.team.subs {
		out[i] = sub.body()
	}
	return s.listing(OpWebhooks, out, len(out), "webhooks")
}

// DropSubscriptions forgets the subscriptions of all teams, as the real service might. It returns how many there were.
func (s *Server) DropSubscriptions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.teams {
		n += len(t.subs)
		t.subs = nil
	}
	return n
}
