package simulator

import (
	"context"
	"time"
)

// Latency is how long a request takes: Base + exponential(Mean), and for a share of them up to Tail more.
type Latency struct {
	Base      Seconds `json:"base"`
	Mean      Seconds `json:"mean"`
	TailShare float64 `json:"tail_share"`
	Tail      Seconds `json:"tail"`
	Before    float64 `json:"before"` // share of it that passes before the request arrives; a client gone by then never sent it
}

func (l Latency) draw(d *dice) time.Duration {
	t := l.Base + d.exponential(l.Mean)
	if d.hit(l.TailShare) {
		t += Seconds(d.unit()) * l.Tail
	}
	return t.Duration()
}

// pause waits for d and says whether the client and the server are still there.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return false
}
