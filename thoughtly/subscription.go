package thoughtly

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

var (
	opListWebhooks = op{name: "list webhooks", class: ClassControl, safe: true}
	opSubscribe    = op{name: "subscribe", class: ClassControl, safe: true}
	opUnsubscribe  = op{name: "unsubscribe", class: ClassControl, safe: true}
)

// Subscription has the events of one type posted to a URL. The API knows it by type, URL and data together.
type Subscription struct {
	ID   string // if the API gave one
	Type string // one of the Event constants
	URL  string
	Data string // in practice the agent's id: which agent's events to send
}

// LogValue shows no more of the URL than its host: the rest is the secret that events prove themselves with.
func (s Subscription) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String shows what LogValue shows.
func (s Subscription) String() string {
	return "subscription to " + s.Type + " of " + s.Data + " at " + host(s.URL)
}

// ListWebhooks lists the subscriptions of the user behind the token.
func (c *Client) ListWebhooks(ctx context.Context) ([]Subscription, error) {
	r := request{op: opListWebhooks, method: http.MethodGet, path: "/webhooks", lists: []string{"webhooks", "subscriptions"}}
	list, err := listed(ctx, c, r, decodeSubscription)
	return list.Items, err
}

func decodeSubscription(o object, _ map[string]any) Subscription {
	return Subscription{
		ID:   o.text("id", "webhook_id"),
		Type: o.text("type", "event", "event_type"),
		URL:  o.text("url", "callback_url", "target_url"),
		Data: firstOf(o.text("data"), layers{o}.id("interview", "interview_id", "agent_id")),
	}
}

// Subscribe makes a subscription. That it exists already is a success.
func (c *Client) Subscribe(ctx context.Context, s Subscription) error {
	_, err := c.do(ctx, s.request(opSubscribe, http.MethodPost, "/webhooks/subscribe"))
	if e, ok := errors.AsType[*Error](err); ok && e.Exists() && (e.Status == http.StatusBadRequest || e.Status == http.StatusConflict) {
		return nil
	}
	return err
}

// Unsubscribe ends a subscription, known by type, URL and data.
func (c *Client) Unsubscribe(ctx context.Context, s Subscription) error {
	_, err := c.do(ctx, s.request(opUnsubscribe, http.MethodDelete, "/webhooks/unsubscribe")) // a DELETE with a body
	return err
}

func (s Subscription) request(o op, method, path string) request {
	r := request{op: o, method: method, path: path, secret: s.URL, body: struct {
		Type string `json:"type"`
		URL  string `json:"url"`
		Data string `json:"data,omitempty"`
	}{s.Type, s.URL, s.Data}}
	switch {
	case !slices.Contains(events, s.Type):
		r.refuse = "type: must be one of " + strings.Join(events, ", ")
	case s.URL == "":
		r.refuse = "url: is empty"
	}
	return r
}
