package simulator

import (
	"context"
	"net"
)

// Dialer returns a dial function for http.Transport.DialContext that reaches the server whatever the address, over memory: real HTTP
// without the network, as a synctest bubble needs it. Inside a bubble, the server must have been made inside it too.
func (s *Server) Dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		ln := s.pipes()
		here, there := net.Pipe()
		select {
		case ln.conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ln.done:
			return nil, net.ErrClosed
		}
	}
}

func (s *Server) pipes() *pipeListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pipe == nil {
		s.pipe = &pipeListener{conns: make(chan net.Conn), done: s.ctx.Done()}
		s.serve(s.pipe)
	}
	return s.pipe
}

type pipeListener struct {
	conns chan net.Conn
	done  <-chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close does nothing: the listener ends with the server.
func (l *pipeListener) Close() error { return nil }

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
