package simulator

import (
	"sync"
	"time"
)

// now is the time of this world.
func (s *Server) now() time.Time { return s.cfg.Now().Add(s.cfg.Offset) }

// hurried is an unhurried duration as it passes here.
func (s *Server) hurried(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.cfg.Speed)
}

// timers are the things that will happen.
type timers struct {
	mu      sync.Mutex
	pending map[*time.Timer]struct{}
	running sync.WaitGroup
	closed  bool
}

// after runs f once d has passed, unless the timers are stopped before.
func (t *timers) after(d time.Duration, f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.pending == nil {
		t.pending = map[*time.Timer]struct{}{}
	}
	t.running.Add(1)
	var timer *time.Timer
	timer = time.AfterFunc(d, func() {
		defer t.running.Done()
		t.mu.Lock() // waits until timer is set
		delete(t.pending, timer)
		t.mu.Unlock()
		f()
	})
	t.pending[timer] = struct{}{}
}

// drop forgets what has not begun yet.
func (t *timers) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for timer := range t.pending {
		if timer.Stop() {
			t.running.Done()
		}
		delete(t.pending, timer)
	}
}

// close drops the timers, takes no new ones, and waits for what runs.
func (t *timers) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.drop()
	t.running.Wait()
}
