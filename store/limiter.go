package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"
)

// Classes of requests, the most important first. While requests of a higher class wait, the lower ones get their
// fixed share only: reconcile one slot in 10, control one in 20, stage one in 50; else whatever is left. Stage and
// control are equals.
const (
	ClassCall      = "call"
	ClassReconcile = "reconcile"
	ClassStage     = "stage"
	ClassControl   = "control"
)

// letters begin the ids of requests, so that permits can be counted by class.
var letters = map[string]string{ClassCall: "c", ClassReconcile: "r", ClassStage: "s", ClassControl: "o"}

// usualDelay is how late a process may wake up on a busy machine. A slot used that late does no harm, whatever the
// spacing: the permits keep the limit, the spacing only keeps bursts away.
const usualDelay = 50 * time.Millisecond

//go:embed lua/limit_take.lua
var limitTake string

//go:embed lua/limit_usage.lua
var limitUsage string

// LimiterOptions describes the request limit of one API token.
type LimiterOptions struct {
	// Key is the Fingerprint of the API token: all limiters of one key on one Redis share its permits.
	Key string
	// Requests are allowed in any span of Per, sliding or fixed; at least 1 in at least 1 ms. While limiters of one key
	// disagree, the strictest holds, until it has not asked for one Per.
	Requests int
	Per      time.Duration
	// Timeout of one request, counted from the return of Take: when it is over, the request has been answered or its
	// connection has been cut. Default 15 s.
	Timeout time.Duration
	// Horizon is how far ahead a slot may be reserved; the default is 1/30 of Per, at most 2 s. Slots that are
	// already reserved are used even if the limit is blocked meanwhile.
	Horizon time.Duration
	// Now is the local clock, with a monotonic reading (time.Now, or time.Now plus Offset).
	Now func() time.Time
	// Offset is what Now is ahead of the true time on purpose (a demo's shifted clock).
	Offset time.Duration
	// FreshStart takes a missing state for a token that was never used, instead of one whose last requests are not
	// known. It breaks the limit after a loss of Redis' data: only for a fake API that starts with us.
	FreshStart bool
	// Log gets a line when the limit is blocked, in quarantine or throttled; default none.
	Log *slog.Logger
}

// Limiter hands out the requests of one API token to a fleet, through Redis: never more than Requests that can reach
// the API within any Per, and nearly as many. It is safe for concurrent use; Close it at the end.
//
// A token has Requests permits. A request holds one from its slot until Per after its reply, or, without a reply,
// until Timeout, a margin and Per after its slot. Slots are Per/Requests apart.
type Limiter struct {
	o      LimiterOptions
	client redis.UniversalClient
	take   *redis.Script
	usage  *redis.Script
	keys   []string
	margin time.Duration
	belt   *rate.Limiter
	lines  map[string]chan struct{} // one request of a class asks at a time, the others wait in order
	open   context.Context          //nolint:containedctx // ended by Shut
	shut   context.CancelFunc
	wants  map[string]*atomic.Int64 // how many requests of a class are waiting or asking
	prefix string

	mu      sync.Mutex
	count   int64
	ended   []end
	flush   *time.Timer // not nil: a flush is due
	base    clockBase
	jumped  bool // the next script is to count the window as full
	limited string
}

// Fingerprint names an API token without disclosing it: 16 hex digits of its SHA-256. Two teams with equal
// fingerprints share one limit.
func Fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}

// NewLimiter returns the limiter of one API token on the Redis of client.
func NewLimiter(client redis.UniversalClient, o LimiterOptions) (*Limiter, error) {
	switch {
	case o.Key == "":
		return nil, errors.New("limiter: no key")
	case o.Requests < 1:
		return nil, fmt.Errorf("limiter: requests: want at least 1, got %d", o.Requests)
	case o.Per < time.Millisecond:
		return nil, fmt.Errorf("limiter: per: want at least 1ms, got %v", o.Per)
	case o.Now == nil:
		return nil, errors.New("limiter: no clock")
	case o.Timeout < 0 || o.Horizon < 0:
		return nil, fmt.Errorf("limiter: timeout %v or horizon %v is negative", o.Timeout, o.Horizon)
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Horizon == 0 {
		o.Horizon = min(2*time.Second, o.Per/30)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	tag := "dialerd:{limit:" + o.Key + "}:"
	l := &Limiter{
		o:      o,
		client: client,
		take:   redis.NewScript("-- dialerd limit_take\n" + limitTake),
		usage:  redis.NewScript("-- dialerd limit_usage\n" + limitUsage),
		keys:   []string{tag + "permits", tag + "state"},
		margin: min(time.Second, o.Per/20),
		belt:   rate.NewLimiter(rate.Limit(1.12*float64(o.Requests)/o.Per.Seconds()), 5),
		lines:  map[string]chan struct{}{},
		wants:  map[string]*atomic.Int64{},
		prefix: rand.Text()[:10] + ".",
	}
	l.open, l.shut = context.WithCancel(context.Background())
	for class := range letters {
		l.lines[class] = make(chan struct{}, 1)
		l.wants[class] = new(atomic.Int64)
	}
	return l, nil
}

// Take waits for the next send slot and takes a permit. The caller sends its request at once, has it answered or cut
// by Timeout after the return, and calls done in every case: sent says whether a byte may have left, answered
// whether a reply came, throttled that it was a 429 with retryAfter (0 = none said).
//
// The time is Redis' own, plus Offset, at the moment of the return. An error means that nothing may be sent: a
// *ClockError (Is ErrClock), a *LimitError when ctx would end before a slot can come or after Shut, ctx's own error, or Redis'.
func (l *Limiter) Take(ctx context.Context, class string) (at time.Time,
	done func(sent, answered, throttled bool, retryAfter time.Duration), err error,
) {
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.open, cancel)() //nolint:contextcheck // it ends with the process, not with a caller
	at, done, err = l.next(limited, class)
	if err != nil && ctx.Err() == nil && l.open.Err() != nil {
		err = fmt.Errorf("take a slot: %w", &LimitError{Why: whyShut})
	}
	return at, done, err
}

// Shut ends every Take, those that wait and those to come, with a *LimitError: a process that is to end begins no request any more. The
// ends of those under way are reported as ever.
func (l *Limiter) Shut() { l.shut() }

// next is Take until Shut.
func (l *Limiter) next(ctx context.Context, class string) (at time.Time,
	done func(sent, answered, throttled bool, retryAfter time.Duration), err error,
) {
	if l.open.Err() != nil {
		return time.Time{}, nil, l.open.Err()
	}
	line := l.lines[class]
	if line == nil {
		return time.Time{}, nil, fmt.Errorf("take a slot: unknown class %q", class)
	}
	l.wants[class].Add(1)
	defer l.wants[class].Add(-1)
	select {
	case line <- struct{}{}:
	case <-ctx.Done():
		return time.Time{}, nil, fmt.Errorf("take a slot: %w", ctx.Err())
	}
	defer func() { <-line }()

	slow, promised := 0, false
	for {
		a, err := l.ask(ctx, class, promised)
		if err != nil {
			return time.Time{}, nil, fmt.Errorf("take a slot: %w", err)
		}
		promised = a.granted || a.why != "class"
		if !a.granted {
			if err := l.wait(ctx, class, a); err != nil {
				return time.Time{}, nil, fmt.Errorf("take a slot: %w", err)
			}
			continue
		}
		slot := a.after.Add(a.wait)
		if err := sleep(ctx, slot.Sub(l.o.Now())); err != nil {
			l.end(ctx, end{kind: endUnsent, id: a.id})
			return time.Time{}, nil, fmt.Errorf("take a slot: %w", err)
		}
		awake := l.o.Now()
		late := min(max(a.spacing/5, usualDelay), l.margin/2)
		if trip := a.after.Sub(a.before); trip > l.margin-late {
			if slow++; slow == 3 {
				l.end(ctx, end{kind: endUnsent, id: a.id})
				return time.Time{}, nil, fmt.Errorf("take a slot: redis took %v to answer, three times", trip.Round(time.Millisecond))
			}
		} else if awake.Sub(slot) <= late && l.belt.AllowN(awake, 1) {
			// The belt never holds unless the shared state is wrong: then each process still keeps the limit by itself.
			return a.at(awake), l.done(ctx, a, awake), nil
		}
		l.queue(end{kind: endUnsent, id: a.id}) // given back together with the next question
		if err := sleep(ctx, a.spacing/20); err != nil {
			l.end(ctx)
			return time.Time{}, nil, fmt.Errorf("take a slot: %w", err)
		}
	}
}

// answer is what the script said, and when.
type answer struct {
	id            string
	granted       bool
	never         bool          // no slot comes before the caller's context ends: it stands in no line
	wait          time.Duration // until the slot, or until asking again makes sense
	now           time.Time     // Redis' clock plus Offset, at some moment between before and after
	spacing       time.Duration
	why           string
	before, after time.Time // the local clock
}

// at is Redis' clock plus Offset at the local time t.
func (a *answer) at(t time.Time) time.Time {
	return a.now.Add(t.Sub(a.before.Add(a.after.Sub(a.before) / 2)))
}

// ask runs the script once for a slot of class. A granted slot is only returned if the clocks agree.
func (l *Limiter) ask(ctx context.Context, class string, promised bool) (*answer, error) {
	l.mu.Lock()
	l.count++
	id := letters[class] + l.prefix + strconv.FormatInt(l.count, 36)
	l.mu.Unlock()
	a, err := l.run(ctx, class, id, promised)
	if err != nil {
		l.queue(end{kind: endUnsent, id: id}) // the reply may be lost, the permit taken
		return nil, err
	}
	if err := l.checkClock(a); err != nil {
		l.end(ctx, end{kind: endUnsent, id: id})
		return nil, err
	}
	return a, nil
}

// run sends the ends noted so far and, unless id is empty, asks for a slot.
func (l *Limiter) run(ctx context.Context, class, id string, promised bool) (*answer, error) {
	l.mu.Lock()
	ended := l.ended
	l.ended = nil
	if l.flush != nil {
		l.flush.Stop()
		l.flush = nil
	}
	flags := ""
	if l.jumped {
		flags = "j"
	}
	l.jumped = false
	l.mu.Unlock()
	sent := flags != ""
	if l.o.FreshStart {
		flags += "f"
	}
	if promised {
		flags += "p"
	}
	if id != "" && l.wants[class].Load() > 1 {
		flags += "m"
	}
	before := l.o.Now()
	patience := time.Duration(math.MaxInt64)
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(deadline.Sub(before.Add(-l.o.Offset)), 0)
	}
	args := []any{
		l.o.Requests, l.o.Per.Microseconds(), (l.o.Timeout + l.margin).Microseconds(), l.o.Horizon.Microseconds(),
		class, id, flags, patience.Microseconds(),
	}
	for _, e := range ended {
		args = append(args, e.args(before)...)
	}
	reply, err := l.take.Run(ctx, l.client, l.keys, args...).Slice()
	a := &answer{id: id, before: before, after: l.o.Now()}
	if err == nil {
		err = a.read(reply, l.o.Offset)
	}
	if err != nil {
		l.mu.Lock()
		l.jumped = l.jumped || sent
		l.ended, ended = ended, l.ended
		l.mu.Unlock()
		l.queue(ended...) // again later
		return nil, err
	}
	return a, nil
}

func (a *answer) read(reply []any, offset time.Duration) error {
	var n [4]int64
	var ok bool
	for i := range n {
		if len(reply) != 5 {
			return fmt.Errorf("limit script: unexpected reply %v", reply)
		}
		if n[i], ok = reply[i].(int64); !ok {
			return fmt.Errorf("limit script: unexpected reply %v", reply)
		}
	}
	a.granted, a.never = n[0] == 1, n[0] == -1
	a.wait = time.Duration(n[1]) * time.Microsecond
	a.now = time.UnixMicro(n[2]).Add(offset)
	a.spacing = time.Duration(n[3]) * time.Microsecond
	a.why, _ = reply[4].(string)
	return nil
}
