package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// recoverShare is the share of the limit that comes back in each Per after a 429; as in limit_take.lua.
const recoverShare = 0.05

// Usage is the state of the request limit of one API token, over all processes.
type Usage struct {
	// Requests are allowed in each Per: the strictest setting of the processes that share the token.
	Requests int
	Per      time.Duration
	// Used permits are out: under way, or answered less than Per ago.
	Used int
	// Effective is how many permits are in use; less than Requests for a while after a 429.
	Effective int
	// Throttled counts the 429s seen since the state began.
	Throttled int64
	// BlockedUntil is when the next request can go out after a 429 or a loss of state, on Redis' clock plus Offset;
	// zero if nothing is blocked.
	BlockedUntil time.Time
	// ByClass splits Used by class.
	ByClass map[string]int
}

// Usage reads the state of the limit; it takes no permit.
func (l *Limiter) Usage(ctx context.Context) (Usage, error) {
	u := Usage{
		Requests: l.o.Requests, Per: l.o.Per, Effective: l.o.Requests,
		ByClass: map[string]int{ClassCall: 0, ClassReconcile: 0, ClassStage: 0, ClassControl: 0},
	}
	reply, err := l.usage.Run(ctx, l.client, l.keys).Slice()
	if err != nil {
		return Usage{}, fmt.Errorf("read the request limit: %w", err)
	}
	if len(reply) != 3 {
		return Usage{}, fmt.Errorf("read the request limit: unexpected reply %v", reply)
	}
	now, _ := reply[0].(int64)
	permits, _ := reply[1].([]any)
	fields, _ := reply[2].([]any)
	u.Used = len(permits)
	for _, p := range permits {
		for class := range u.ByClass {
			if id, _ := p.(string); strings.HasPrefix(id, letters[class]) {
				u.ByClass[class]++
			}
		}
	}
	state := map[string]int64{}
	for i := 0; i+1 < len(fields); i += 2 {
		name, _ := fields[i].(string)
		value, _ := fields[i+1].(string)
		if n, err := strconv.ParseInt(value, 10, 64); err == nil { // the run id is no number
			state[name] = n
		}
	}
	if state["req"] > 0 {
		u.Requests = int(state["req"])
		u.Per = time.Duration(state["per"]) * time.Microsecond
		u.Effective = effective(state, now)
	}
	u.Throttled = state["throttled"]
	if until := max(state["blocked"], state["quarantine"]); until > now {
		u.BlockedUntil = time.UnixMicro(until).Add(l.o.Offset).UTC()
	}
	return u, nil
}

// effective is the number of permits in use at now: what the last 429 left, and what has come back since.
func effective(state map[string]int64, now int64) int {
	permits := float64(state["eff"]) / 1000
	if since := now - state["eff_at"]; since > 0 {
		permits += recoverShare * float64(state["req"]) * float64(since) / float64(state["per"])
	}
	return max(1, min(int(permits), int(state["req"])))
}
