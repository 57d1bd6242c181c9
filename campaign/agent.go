package campaign

import "hash/fnv"

// AgentFor is the agent that talks to a lead: always the same one for a lead, so that a split test compares people and not
// calls, and each agent gets its weight's share of the leads.
func (c *Campaign) AgentFor(l *Lead) Agent {
	total := 0
	for _, a := range c.Agents {
		total += max(a.Weight, 1)
	}
	if total == 0 {
		return Agent{}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(l.ID)) // never fails
	at := int(h.Sum32() % uint32(total))
	for _, a := range c.Agents {
		if at -= max(a.Weight, 1); at < 0 {
			return a
		}
	}
	return c.Agents[0]
}
