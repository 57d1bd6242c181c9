package thoughtly

// write has no system call of its own to make here: it asks once, counts b as written before it is, and leaves the rest to the
// write deadline. A request that was given up may so count as sent although it was not, never the other way round.
func (g *guard) write(b []byte) (int, error) {
	g.mu.Lock()
	left, err := g.allowed()
	if err == nil {
		g.wrote(len(b))
		err = g.tcp.SetWriteDeadline(g.now().Add(left))
	}
	g.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return g.tcp.Write(b)
}
