package webhook

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
)

const (
	// Of a team's events so many go to Receive together at most, with so many bytes of bodies beside the first.
	groupEvents = 64
	groupBytes  = 1 << 20
	// mostGroups of a team are with Receive at a time. With more, groups are smaller and each event costs more.
	mostGroups = 1
)

// groups lets the events of a team wait while others of it are with Receive, and go there together when those are done. So nobody waits
// for company, and the more events come at a time, the less each costs: a store syncs its disk once for all of them.
type groups struct {
	mu    sync.Mutex
	teams map[string]*company
	work  sync.WaitGroup
}

// company is what is known of a team that has events on their way.
type company struct {
	waiting []*member
	groups  int // with Receive
}

// member is an event on its way to Receive.
type member struct {
	event   Event
	archive bool // once it is received
	result  chan error
}

// join puts an event behind the others of its team. It reports whether a group can go to Receive, which is then the caller's to see to.
func (g *groups) join(m *member) (begin bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.teams[m.event.Team]
	if c == nil {
		if g.teams == nil {
			g.teams = map[string]*company{}
		}
		c = &company{}
		g.teams[m.event.Team] = c
	}
	c.waiting = append(c.waiting, m)
	if c.groups == mostGroups {
		return false
	}
	c.groups++
	return true
}

// leave takes an event out that still waits.
func (g *groups) leave(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.teams[m.event.Team]; c != nil {
		c.waiting = slices.DeleteFunc(slices.Clone(c.waiting), func(other *member) bool { return other == m })
	}
}

// next takes the events of a team that go together. There being none, a group less is with Receive.
func (g *groups) next(team string) []*member {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.teams[team]
	if len(c.waiting) == 0 {
		if c.groups--; c.groups == 0 {
			delete(g.teams, team)
		}
		return nil
	}
	n, bytes := 1, 0
	for n < min(len(c.waiting), groupEvents) {
		if bytes += len(c.waiting[n].event.Body); bytes > groupBytes {
			break
		}
		n++
	}
	group := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	return group
}

// give hands an event to Receive that is in the archive, if there is one.
func (h *Handler) give(ctx context.Context, e Event) error {
	return h.hand(ctx, &member{event: e, result: make(chan error, 1)})
}

// hand hands an event to Receive, together with what else came for its team meanwhile, and waits for it no longer than the timeout even if
// Receive does not heed its context.
func (h *Handler) hand(ctx context.Context, m *member) error {
	ctx, cancel := context.WithTimeout(ctx, or(h.Timeout, DefaultTimeout))
	defer cancel()
	if h.groups.join(m) {
		h.groups.work.Go(func() { h.handOn(context.WithoutCancel(ctx), m.event.Team) })
	}
	select {
	case err := <-m.result:
		return err
	case <-ctx.Done():
		h.groups.leave(m)
		return fmt.Errorf("receive took too long: %w", context.Cause(ctx))
	}
}

// handOn hands the events of a team to Receive, group after group, until none waits. What was received is answered, then archived while the next
// group is with Receive.
func (h *Handler) handOn(ctx context.Context, team string) {
	var archiving sync.WaitGroup
	defer archiving.Wait()
	for group := h.groups.next(team); len(group) > 0; group = h.groups.next(team) {
		events := make([]Event, len(group))
		for i, m := range group {
			events[i] = m.event
		}
		err := h.receive(ctx, events)
		var received []Event
		for i, m := range group {
			m.result <- err
			if err == nil && m.archive {
				received = append(received, events[i])
			}
		}
		archiving.Wait() // one after the other, in their order
		archiving.Go(func() { h.archive(received...) })
	}
}

// receive hands one group to Receive, and waits no longer than the timeout.
func (h *Handler) receive(ctx context.Context, events []Event) error {
	ctx, cancel := context.WithTimeout(ctx, or(h.Timeout, DefaultTimeout))
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // as net/http would; neither the events nor the daemon are lost over it
				done <- panicked(p)
			}
		}()
		done <- h.Receive(ctx, events...)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("receive took too long: %w", context.Cause(ctx))
	}
}

// panicked tells of a panic without its value, which may quote an event.
func panicked(p any) error {
	text := fmt.Sprintf("%T", p)
	if e, ok := p.(runtime.Error); ok {
		text = e.Error()
	}
	return fmt.Errorf("receive panicked: %s\n%s", text, debug.Stack())
}
