package simulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) listCalls(x *exchange) reply {
	q := x.query("search", "response_tags", "status", "job_id", "page", "limit")
	search, states, tags, job := q.one("search"), q.values["status"], q.values["response_tags"], q.one("job_id")
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.team.agent(x.id) == nil {
		return refuse(http.StatusNotFound, "interview not found")
	}
	all := s.visible(x.team.calls[x.id])
	if s.profile.API.Search == SearchIgnored {
		search = ""
	}
	if search != "" || len(states)+len(tags) > 0 || job != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(c *call) bool {
			return job != "" || !c.in(states) || !c.tagged(tags) || !contains(s.searched(c), search)
		})
	}
	from, to := q.page(len(all))
	if q.err != nil {
		return refuse(http.StatusBadRequest, q.err.Error())
	}
	out := make([]any, 0, to-from)
	for _, c := range s.ordered(all, from, to) {
		out = append(out, s.listed(c))
	}
	return s.listing(OpResponses, out, len(all), "responses", "interview_responses", "calls", "results", "items")
}

// visible are the calls that are old enough to be listed.
func (s *Server) visible(calls []*call) []*call {
	newest := s.now().Add(-s.profile.API.ListLag.Duration())
	n := len(calls)
	for n > 0 && calls[n-1].created.After(newest) {
		n--
	}
	return calls[:n]
}

// ordered is a page of calls, which come oldest first.
func (s *Server) ordered(calls []*call, from, to int) []*call {
	switch s.profile.API.Order {
	case OrderOldest:
		return calls[from:to]
	case OrderRandom:
		calls = slices.Clone(calls)
		slices.SortFunc(calls, func(a, b *call) int {
			return cmp.Compare(roll(s.cfg.Seed, "order", a.id).next(), roll(s.cfg.Seed, "order", b.id).next())
		})
		return calls[from:to]
	case OrderNewest:
		fallthrough
	default:
		cut := slices.Clone(calls[len(calls)-to : len(calls)-from])
		slices.Reverse(cut)
		return cut
	}
}

// in says whether a call has one of the states; success and failure, the documentation's own examples, stand for several.
func (c *call) in(states []string) bool {
	if len(states) == 0 {
		return true
	}
	is := c.words().real
	return slices.ContainsFunc(states, func(w string) bool {
		switch w = strings.ToUpper(w); w {
		case "SUCCESS":
			return is == "COMPLETED" || is == "TRANSFERRED"
		case "FAILURE":
			return !c.ended.IsZero() && is != "COMPLETED" && is != "TRANSFERRED"
		default:
			return is == w
		}
	})
}

func (c *call) tagged(tags []string) bool {
	for _, t := range tags {
		if !slices.Contains(c.contact.Tags, t) {
			return false
		}
	}
	return true
}

// searched are the texts of a call that search= looks at.
func (s *Server) searched(c *call) []string {
	texts := []string{c.contact.Phone, c.contact.Name}
	if s.profile.API.Search == SearchPhone {
		return texts
	}
	texts = append(texts, c.id, c.contact.id, plain(c.script(c.present())))
	for k, v := range c.metadata {
		b, err := json.Marshal(v)
		if err != nil {
			continue // it came from JSON
		}
		texts = append(texts, k, string(b))
	}
	return texts
}
