package simulator

import (
	"net/http"
	"slices"
	"strings"
)

func (s *Server) listAgents(x *exchange) reply {
	q := x.query("search", "status", "sort", "all_interviews", "page", "limit")
	search, status := q.one("search"), q.one("status", AgentActive, AgentArchived)
	sort := q.one("sort", "title_asc", "title_desc", "created_asc", "created_desc")
	if !q.flag("all_interviews") && status == "" {
		status = AgentActive
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Agent
	for _, a := range x.team.agents {
		if (status == "" || a.Status == status) && contains([]string{a.Title, a.ID}, search) {
			all = append(all, a)
		}
	}
	by, down := strings.CutSuffix(sort, "_desc")
	slices.SortStableFunc(all, func(a, b *Agent) int {
		if strings.HasPrefix(by, "title") {
			return strings.Compare(a.Title, b.Title)
		}
		return a.Created.Compare(b.Created)
	})
	if down {
		slices.Reverse(all)
	}
	from, to := q.page(len(all))
	if q.err != nil {
		return refuse(http.StatusBadRequest, q.err.Error())
	}
	out := make([]any, 0, to-from)
	for _, a := range all[from:to] {
		out = append(out, agentBody{
			ID: a.ID, Title: a.Title, Status: a.Status, Phone: a.Phone,
			Created: stamp(a.Created), Updated: stamp(a.Created),
		})
	}
	return s.listing(OpAgents, out, len(all), "interviews", "agents")
}

type agentBody struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Status  string `json:"status"`
	Phone   string `json:"phone_number"`
	Created string `json:"created"`
	Updated string `json:"updated"`
}

func (s *Server) getUser(x *exchange) reply {
	if q := x.query(); q.err != nil {
		return refuse(http.StatusBadRequest, q.err.Error())
	}
	return ok(x.team.User)
}
