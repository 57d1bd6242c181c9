package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// contact is a person as a team keeps it. It never changes once made.
type contact struct {
	Contact
	id      string
	created time.Time
}

// spelt is the phone as the API writes it.
func (c *contact) spelt() string { return cmp.Or(c.Spelt, c.Phone) }

func (c *contact) status() string {
	if c.Archived {
		return AgentArchived
	}
	return AgentActive
}

// contacts are a team's, by what they are looked up by.
type contacts struct {
	order   []*contact // oldest first
	byID    map[string]*contact
	byPhone map[string][]*contact
	made    map[string]int // creates by phone, deleted ones included
}

func newContacts() contacts {
	return contacts{byID: map[string]*contact{}, byPhone: map[string][]*contact{}, made: map[string]int{}}
}

// addContact makes a contact, whose id follows from the seed; the mutex is held.
func (s *Server) addContact(t *team, c Contact) *contact {
	t.contacts.made[c.Phone]++
	n := &contact{Contact: c, created: c.Created}
	if c.Created.IsZero() {
		n.created = s.now()
	}
	n.id = roll(s.cfg.Seed, "contact", t.ID, c.Phone, strconv.Itoa(t.contacts.made[c.Phone])).uuid()
	t.contacts.order = append(t.contacts.order, n)
	t.contacts.byID[n.id] = n
	t.contacts.byPhone[c.Phone] = append(t.contacts.byPhone[c.Phone], n)
	return n
}

func (s *Server) createContact(x *exchange) reply {
	f := x.fields("phone_number", "name", "email", "country_code", "tags", "attributes")
	c := Contact{
		Phone: f.text("phone_number", true), Name: f.text("name", false), Email: f.text("email", false),
		Tags: f.texts("tags"), Attributes: f.dict("attributes", false),
	}
	f.text("country_code", false)
	if f.err == nil && !e164.MatchString(c.Phone) {
		f.fail("phone_number must be E.164, like +12125550123")
	}
	if f.err == nil && c.Email != "" && !strings.Contains(c.Email, "@") {
		f.fail("email is no address")
	}
	if f.err != nil {
		return refuse(http.StatusBadRequest, f.err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := x.team.contacts.byPhone[c.Phone]; len(known) > 0 {
		switch s.profile.API.Duplicates {
		case DuplicatesSame:
			return ok(s.contactBody(known[0], x.team))
		case DuplicatesConflict:
			return refuse(http.StatusConflict, "a contact with this phone_number already exists")
		case DuplicatesNew:
		}
	}
	return ok(s.contactBody(s.addContact(x.team, c), x.team))
}

func (s *Server) getContact(x *exchange) reply {
	q := x.query()
	if q.err != nil {
		return refuse(http.StatusBadRequest, q.err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := x.team.contacts.byID[x.id]
	if c == nil {
		return refuse(http.StatusNotFound, "contact not found")
	}
	body := s.contactBody(c, x.team)
	if s.profile.Records.Shape == ShapeMixed && roll(s.cfg.Seed, OpContact).hit(0.5) {
		return ok(map[string]any{"contact": body})
	}
	return ok(body)
}

func (s *Server) deleteContact(x *exchange) reply {
	q := x.query()
	if q.err != nil {
		return refuse(http.StatusBadRequest, q.err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := &x.team.contacts
	c := all.byID[x.id]
	if c == nil {
		return refuse(http.StatusNotFound, "contact not found")
	}
	is := func(o *contact) bool { return o == c }
	delete(all.byID, c.id)
	all.order = slices.DeleteFunc(all.order, is)
	all.byPhone[c.Phone] = slices.DeleteFunc(all.byPhone[c.Phone], is)
	return ok(map[string]any{})
}

func (s *Server) listContacts(x *exchange) reply {
	q := x.query("search", "phone_numbers_only", "tags", "excluded_tags", "sort", "sortDirection", "page", "limit")
	w := wanted{
		search: q.one("search"), phones: q.flag("phone_numbers_only"),
		tags: q.values["tags"], without: q.values["excluded_tags"],
	}
	sort, down := q.one("sort"), q.one("sortDirection", "asc", "desc") == "desc"
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.profile.API.Search == SearchIgnored {
		w.search = ""
	}
	all := x.team.contacts.order
	if exact := x.team.contacts.byPhone[w.search]; len(exact) > 0 {
		all = exact // a million contacts are not read for one phone
	}
	if w.search != "" || len(w.tags)+len(w.without) > 0 {
		all = slices.DeleteFunc(slices.Clone(all), func(c *contact) bool { return !w.has(c) })
	}
	switch sort {
	case "name":
		all = slices.SortedStableFunc(slices.Values(all), func(a, b *contact) int { return strings.Compare(a.Name, b.Name) })
	case "created":
		all = slices.SortedStableFunc(slices.Values(all), func(a, b *contact) int { return a.created.Compare(b.created) })
	}
	if down {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	from, to := q.page(len(all))
	if q.err != nil {
		return refuse(http.StatusBadRequest, q.err.Error())
	}
	out := make([]any, 0, to-from)
	for _, c := range all[from:to] {
		out = append(out, s.contactBody(c, x.team))
	}
	return s.listing(OpContacts, out, len(all), "contacts")
}

// Contacts are those of a team, oldest first.
func (s *Server) Contacts(teamID string) []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teamByID(teamID)
	if t == nil {
		return nil
	}
	out := make([]Contact, len(t.contacts.order))
	for i, c := range t.contacts.order {
		out[i] = c.Contact
		out[i].Created = c.created
	}
	return out
}

// wanted are the filters of a contact listing.
type wanted struct {
	search  string
	phones  bool // search looks at phone numbers only
	tags    []string
	without []string
}

func (w wanted) has(c *contact) bool {
	for _, t := range w.tags {
		if !slices.Contains(c.Tags, t) {
			return false
		}
	}
	for _, t := range w.without {
		if slices.Contains(c.Tags, t) {
			return false
		}
	}
	in := []string{c.spelt()}
	if !w.phones {
		in = append(in, c.Name, c.Email)
		for _, v := range c.Attributes {
			if text, is := v.(string); is {
				in = append(in, text)
			}
		}
	}
	return contains(in, w.search)
}

// contains says whether any of the texts holds what is searched for, whatever the case; nothing is in everything.
func contains(texts []string, search string) bool {
	search = strings.ToLower(search)
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), search) })
}

// listing is the data of a list under the first of its keys; in the mixed shape under any, or a bare array, one per seed and operation.
// The mutex is held.
func (s *Server) listing(op string, items []any, total int, keys ...string) reply {
	key := keys[0]
	if s.profile.Records.Shape == ShapeMixed {
		key = pick(roll(s.cfg.Seed, "listing", op), append(slices.Clone(keys), "")...)
	}
	if key == "" {
		return ok(items)
	}
	out := map[string]any{key: items}
	if s.profile.API.ListTotal {
		out["total"] = total
	}
	return ok(out)
}

// contactBody is a contact as the API shows it; the mutex is held.
func (s *Server) contactBody(c *contact, t *team) any {
	documented := s.profile.Records.Shape == ShapeDocumented ||
		s.profile.Records.Shape == ShapeMixed && roll(s.cfg.Seed, "contact shape", c.id).hit(0.5)
	if documented {
		return documentedContact{
			ID: c.id, Phone: c.spelt(), Name: c.Name, Email: c.Email,
			Tags: orEmpty(c.Tags), Attributes: orNone(c.Attributes), Created: stamp(c.created),
		}
	}
	return realContactOf(c, t)
}
