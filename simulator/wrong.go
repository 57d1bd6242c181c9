package simulator

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"time"
)

// hugeReply is the size of a reply of kind huge, in bytes.
const hugeReply = 8 << 20

// goWrong carries out the fault of a request. A non-nil rep is what arrive has already decided (no such path).
func (s *Server) goWrong(w http.ResponseWriter, x *exchange, rep *reply, lag time.Duration) {
	k, f := kinds[x.fault.Kind], x.fault
	if k.how == "slow" && !k.after {
		s.slowly(w, x, f.Delay.Duration())
		return
	}
	if rep == nil && (k.after || k.how == "slow") {
		done := x.op.handle(s, x)
		rep = &done
	}
	if rep != nil && rep.status >= http.StatusBadRequest { // refused anyway: nothing was done that could be hidden
		x.fault = nil
		s.finish(w, x, *rep)
		return
	}
	switch k.how {
	case "hang":
		select {
		case <-x.r.Context().Done():
		case <-s.ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case "reset":
		reset(w)
		return
	case "slow":
		lag += f.Delay.Duration()
	}
	s.pause(x.r.Context(), lag)
	s.finishWrong(w, x, k, rep)
}

// slowly does the work after the delay, whether or not the client still waits: a request that was read is not unsent by hanging up.
func (s *Server) slowly(w http.ResponseWriter, x *exchange, delay time.Duration) {
	done := make(chan reply, 1)
	s.timers.after(delay, func() {
		if x.op == nil {
			done <- refuse(http.StatusNotFound, "not found")
			return
		}
		done <- x.op.handle(s, x)
	})
	select {
	case rep := <-done:
		s.finish(w, x, rep)
	case <-x.r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-s.ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) finishWrong(w http.ResponseWriter, x *exchange, k kind, rep *reply) {
	out := reply{status: k.status, message: "something went wrong"}
	if x.fault.RetryAfter > 0 {
		out.header = retryAfter(x.fault.RetryAfter.Duration())
	}
	switch k.how {
	case "html":
		out.header = http.Header{"Content-Type": {"text/html"}}
		out.raw = []byte("<html><body><h1>502 Bad Gateway</h1></body></html>\n")
	case "redirect":
		out.header = http.Header{"Location": {x.r.URL.RequestURI()}}
	case "empty":
		out.raw = []byte{}
	case "junk":
		out.raw = []byte("OK")
	case "huge":
		out.raw = append([]byte(`{"error":null,"data":{"note":"`), bytes.Repeat([]byte("a"), hugeReply)...)
	case "slow":
		out = *rep
	case "cut":
		s.cut(w, x, rep)
		return
	}
	s.finish(w, x, out)
}

// cut sends half of the reply that would have been, then ends the connection.
func (s *Server) cut(w http.ResponseWriter, x *exchange, rep *reply) {
	full := ok(map[string]any{})
	if rep != nil {
		full = *rep
	}
	s.mu.Lock()
	x.entry.Status = full.status
	body := s.envelope(x, full)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(full.status)
	_, _ = w.Write(body[:len(body)/2]) //nolint:gosec // half of a JSON text
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// reset makes the connection end with a TCP reset where there is one.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // in memory, or HTTP/2
	}
	if tcp, is := conn.(*net.TCPConn); is {
		_ = tcp.SetLinger(0) // without it the end is an orderly one
	}
	_ = conn.Close()
}
