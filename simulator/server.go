package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is the fake Thoughtly. It is safe for concurrent use.
type Server struct {
	cfg    Config
	admin  http.Handler
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	timers timers

	mu         sync.Mutex
	profile    Profile
	teams      map[string]*team // by token
	suppressed map[string]bool  // phones blocked at run time
	rung       map[string]int   // rings by phone
	asked      map[string]int   // requests by operation and what they are about
	injected   []*injection
	requests   []*Request
	rings      []Ring
	facts      facts
	writeErr   error // the first of the ring log
	listeners  []*http.Server
	pipe       *pipeListener
}

// New makes a server. It panics with what [Config.Check] says, when that is an error.
func New(cfg Config) *Server {
	if err := cfg.Check(); err != nil {
		panic(fmt.Sprintf("simulator: %v", err))
	}
	s := &Server{cfg: cfg.withDefaults()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.profile = s.cfg.Profile
	s.clear()
	s.admin = s.adminRoutes()
	return s
}

// clear makes the world new; the mutex is held or not needed yet.
func (s *Server) clear() {
	s.teams = map[string]*team{}
	for _, t := range s.cfg.Teams {
		s.teams[t.Token] = s.newTeam(t)
	}
	s.suppressed, s.injected = map[string]bool{}, nil
	s.rung, s.asked = map[string]int{}, map[string]int{}
	s.facts = facts{open: map[string]int{}, stopped: map[string]bool{}}
	s.clearLogs()
}

func (s *Server) clearLogs() {
	s.requests, s.rings, s.facts.counted = nil, nil, counted{}
}

// Reset makes the world new: no contacts but the preloaded, no calls, subscriptions, injected faults, counters or logs. The profile
// stays, and what has been written to Config.RingLog. Calls and deliveries under way are dropped.
func (s *Server) Reset() {
	s.timers.drop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// ClearLogs forgets rings, requests and counts, and nothing else: people still know how often they were rung.
func (s *Server) ClearLogs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearLogs()
}

// SetProfile changes how the world behaves from now on. Calls under way go on as they began.
func (s *Server) SetProfile(p Profile) error {
	if err := p.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.profile = p.clone()
	return nil
}

// Profile is how the world behaves now. The caller may change the copy.
func (s *Server) Profile() Profile {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.profile.clone()
}

// Suppress makes Thoughtly block a phone from now on: calls to it do not ring.
func (s *Server) Suppress(phone string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suppressed[phone] = true
}

// Start listens on a TCP address ("127.0.0.1:0" takes any port) and serves until Close. It returns the base URL.
func (s *Server) Start(addr string) (string, error) {
	ln, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("start the fake Thoughtly on %s: %w", addr, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return "", errors.Join(fmt.Errorf("start the fake Thoughtly on %s: it is closed", addr), ln.Close())
	}
	s.serve(ln)
	return "http://" + ln.Addr().String(), nil
}

// serve the listener until Close; the mutex is held.
func (s *Server) serve(ln net.Listener) {
	hs := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.listeners = append(s.listeners, hs)
	go func() { _ = hs.Serve(ln) }() // ends with Close; a listener that dies shows as refused connections
}

// Close stops the listeners and all timers, ends hanging requests, and waits for deliveries under way.
func (s *Server) Close() {
	s.cancel()
	s.mu.Lock()
	listeners := s.listeners
	s.listeners, s.pipe = nil, nil
	s.mu.Unlock()
	for _, hs := range listeners {
		_ = hs.Close() // nothing can be done about it
	}
	s.timers.close()
}
