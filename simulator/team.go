package simulator

import (
	"net/http"
	"slices"
)

// team is all that one API key sees. The server's mutex guards it.
type team struct {
	Team
	revoked     bool
	limiter     limiter
	agents      []*Agent
	automations []Automation
	triggers    []Trigger
	contacts    contacts
	subs        []*subscription
	calls       map[string][]*call // by agent, oldest first
	lists       map[string]int     // GETs by operation: seeds of their shapes
}

func (s *Server) newTeam(t Team) *team {
	if t.User == (User{}) {
		t.User = User{ID: roll(s.cfg.Seed, "user", t.ID).uuid(), Name: "Robin Sample", Email: "robin@example.com"}
	}
	n := &team{Team: t, automations: s.cfg.Automations, calls: map[string][]*call{}, lists: map[string]int{}, contacts: newContacts()}
	for _, a := range s.cfg.Agents {
		n.agents = append(n.agents, &a)
	}
	for _, c := range s.cfg.Contacts {
		s.addContact(n, c)
	}
	return n
}

// authenticate finds the team of a request's headers, or nil. The mutex is held.
func (s *Server) authenticate(h http.Header) *team {
	token, id := h.Get("x-api-token"), h.Get("team_id")
	if token == "" || id == "" {
		return nil
	}
	t, ok := s.teams[token]
	if !ok && s.cfg.AnyTeam {
		t = s.newTeam(Team{ID: id, Token: token})
		s.teams[token] = t
	}
	if t == nil || t.ID != id || t.revoked {
		return nil
	}
	return t
}

func (t *team) agent(id string) *Agent {
	for _, a := range t.agents {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// team by id; the mutex is held.
func (s *Server) teamByID(id string) *team {
	for _, t := range s.teams {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// Revoke makes a team's token invalid (401 from now on), or valid again. It says whether the team is known.
func (s *Server) Revoke(teamID string, revoked bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teamByID(teamID)
	if t != nil {
		t.revoked = revoked
	}
	return t != nil
}

// SetAgentStatus archives or reactivates an agent in every team that has it. It says whether there was one and status is a status.
func (s *Server) SetAgentStatus(agentID, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for _, t := range s.teams {
		if a := t.agent(agentID); a != nil && slices.Contains([]string{AgentActive, AgentArchived}, status) {
			a.Status, found = status, true
		}
	}
	return found
}
