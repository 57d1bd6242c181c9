package campaign

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
	at := int(hash(l.ID) % uint32(total))
	for _, a := range c.Agents {
		if at -= max(a.Weight, 1); at < 0 {
			return a
		}
	}
	return c.Agents[0]
}

// hash is FNV-1a, which the standard library computes only with an allocation.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
