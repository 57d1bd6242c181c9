package simulator

import (
	"encoding/json"
	"net/http"
	"time"
)

// Trigger is one run of an automation.
type Trigger struct {
	At         time.Time                  `json:"at"`
	Automation string                     `json:"automation"`
	Body       map[string]json.RawMessage `json:"body"`
}

func (s *Server) triggerAutomation(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := x.team
	if t == nil { // open: any team that has it
		for _, other := range s.teams {
			if other.automation(x.id) != nil && (t == nil || other.ID < t.ID) {
				t = other
			}
		}
	}
	var a *Automation
	if t != nil {
		a = t.automation(x.id)
	}
	if a == nil {
		return refuse(http.StatusNotFound, "automation not found")
	}
	if a.Verify && x.team == nil {
		return refuse(http.StatusUnauthorized, "this automation wants x-api-token")
	}
	f := x.fields()
	if f.err != nil {
		return refuse(http.StatusBadRequest, f.err.Error())
	}
	if !a.Draft {
		t.triggers = append(t.triggers, Trigger{At: s.now(), Automation: a.ID, Body: f.object})
	}
	return ok(map[string]any{})
}

func (t *team) automation(id string) *Automation {
	for i := range t.automations {
		if t.automations[i].ID == id {
			return &t.automations[i]
		}
	}
	return nil
}

// Triggers are the automations that ran, of one team, oldest first.
func (s *Server) Triggers(teamID string) []Trigger {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teamByID(teamID)
	if t == nil {
		return nil
	}
	return append([]Trigger(nil), t.triggers...)
}
