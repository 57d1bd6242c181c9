package thoughtly

import (
	"context"
	"net/http"
	"strings"
)

var (
	opGetUser = op{name: "get user", class: ClassControl, safe: true}
	opTrigger = op{name: "trigger automation", class: ClassControl} // twice may send two messages
)

// User is who the token belongs to.
type User struct {
	ID    string
	Name  string
	Email string
}

// GetUser finds out who the token belongs to, and so whether it is good.
func (c *Client) GetUser(ctx context.Context) (User, error) {
	got, err := c.do(ctx, request{op: opGetUser, method: http.MethodGet, path: "/user"})
	if err != nil {
		return User{}, err
	}
	o := got.single("user")
	return User{
		ID:    o.text("id", "user_id", "uuid"),
		Name:  firstOf(o.text("name", "full_name"), strings.TrimSpace(o.text("first_name")+" "+o.text("last_name"))),
		Email: o.text("email"),
	}, nil
}

// TriggerAutomation runs an automation that has the webhook trigger, with body as its input. An automation that is still a draft
// answers the same and does nothing.
func (c *Client) TriggerAutomation(ctx context.Context, id string, body map[string]any) error {
	escaped, refuse := pathID("automation_id", id)
	if body == nil {
		body = map[string]any{}
	}
	_, err := c.do(ctx, request{op: opTrigger, method: http.MethodPost, path: "/webhook/automation/" + escaped, body: body, refuse: refuse})
	return err
}
