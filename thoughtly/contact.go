package thoughtly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

var (
	opListContacts  = op{name: "list contacts", class: ClassStage, safe: true}
	opCreateContact = op{name: "create contact", class: ClassStage} // twice may make two: look it up before
	opGetContact    = op{name: "get contact", class: ClassStage, safe: true}
	opDeleteContact = op{name: "delete contact", class: ClassStage, safe: true}
)

// Contact is a person whom the team may call.
type Contact struct {
	ID         string
	Phone      string // as the API spells it
	Name       string
	Email      string
	Status     string // such as ACTIVE
	Tags       []string
	Attributes map[string]string // texts as they are, other values as JSON
	CreatedAt  time.Time
}

// LogValue shows the id alone: the rest is personal.
func (c Contact) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String shows the id alone.
func (c Contact) String() string { return "contact " + c.ID }

// CreateContactRequest makes a contact. By making one the team states that it may call the person. What is empty is not sent.
type CreateContactRequest struct {
	Phone       string // E.164
	Name        string
	Email       string
	CountryCode string // leave empty with an E.164 phone: sources disagree on what it means
	Tags        []string
	Attributes  map[string]any
}

// CreateContact makes a contact. Whether the API makes a second one of a phone that it knows, or refuses, or gives the first, is not
// documented: look the phone up before, and after an error whose kind is KindAmbiguous or which Exists.
func (c *Client) CreateContact(ctx context.Context, create CreateContactRequest) (Contact, error) {
	r := request{op: opCreateContact, method: http.MethodPost, path: "/contact/create", secret: create.Phone, body: struct {
		Phone       string         `json:"phone_number"`
		Name        string         `json:"name,omitempty"`
		Email       string         `json:"email,omitempty"`
		CountryCode string         `json:"country_code,omitempty"`
		Tags        []string       `json:"tags,omitempty"`
		Attributes  map[string]any `json:"attributes,omitempty"`
	}{create.Phone, create.Name, create.Email, create.CountryCode, create.Tags, create.Attributes}}
	if create.Phone == "" {
		r.refuse = "phone_number: is empty"
	}
	return c.contact(ctx, r)
}

// GetContact finds a contact by its id.
func (c *Client) GetContact(ctx context.Context, id string) (Contact, error) {
	escaped, refuse := pathID("contact_id", id)
	return c.contact(ctx, request{op: opGetContact, method: http.MethodGet, path: "/contact/" + escaped, refuse: refuse})
}

// DeleteContact deletes a contact.
func (c *Client) DeleteContact(ctx context.Context, id string) error {
	escaped, refuse := pathID("contact_id", id)
	_, err := c.do(ctx, request{op: opDeleteContact, method: http.MethodDelete, path: "/contact/" + escaped, refuse: refuse})
	return err
}

// errNoContact says that a reply which should hold a contact has none that could be called.
var errNoContact = errors.New("the reply holds no contact id")

func (c *Client) contact(ctx context.Context, r request) (Contact, error) {
	got, err := c.do(ctx, r)
	if err != nil {
		return Contact{}, err
	}
	contact := decodeContact(got.single("contact"), nil)
	if contact.ID == "" {
		return Contact{}, c.illegible(r, errNoContact)
	}
	return contact, nil
}

func decodeContact(o object, _ map[string]any) Contact {
	return Contact{
		ID:         o.text("id", "contact_id", "uuid"),
		Phone:      o.text("phone_number", "phone"),
		Name:       o.text("name", "full_name"),
		Email:      o.text("email"),
		Status:     o.text("status"),
		Tags:       textsOf(o.get("tags")),
		Attributes: flatten(nil, mapOf(o.get("attributes"))),
		CreatedAt:  layers{o}.time("created", "created_at"),
	}
}

// ListContactsRequest filters the contacts of the team. The zero value asks for the first 20.
type ListContactsRequest struct {
	Search        string // name, phone number or other attributes
	PhonesOnly    bool
	Tags          []string // any of these
	ExcludedTags  []string // none of these
	Sort          string   // such as name or created
	SortDirection string   // asc or desc
	Page
}

// ListContacts lists the contacts of the team, one page.
func (c *Client) ListContacts(ctx context.Context, list ListContactsRequest) (List[Contact], error) {
	q := url.Values{}
	put(q, "search", list.Search)
	put(q, "tags", list.Tags...)
	put(q, "excluded_tags", list.ExcludedTags...)
	put(q, "sort", list.Sort)
	put(q, "sortDirection", list.SortDirection) // spelt unlike the rest
	if list.PhonesOnly {
		q.Set("phone_numbers_only", "true")
	}
	r := request{op: opListContacts, method: http.MethodGet, path: "/contact", query: q}
	r.page, r.lists = list.Page, []string{"contacts"}
	if d := list.SortDirection; d != "" && d != "asc" && d != "desc" {
		r.refuse = fmt.Sprintf("sort_direction: must be asc or desc (got %q)", d)
	}
	return listed(ctx, c, r, decodeContact)
}
