package queue

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	minDelay = 50 * time.Millisecond
	maxDelay = time.Second
)

// patient is a Redis client that takes its time over errors. asynq asks for the next task in a loop which does not
// pause when the answer is an error (hibiken/asynq PR 1058), so a Redis that is down would cost a whole core. Every
// script of asynq passes EvalSha or Eval; here each error in a row is held back longer, from minDelay to maxDelay.
type patient struct {
	redis.UniversalClient
	log      *slog.Logger
	quit     <-chan struct{} // closed: no more delays, the server stops
	failures atomic.Int32    // in a row
}

// down reports whether the last script found no working Redis.
func (p *patient) down() bool { return p.failures.Load() > 0 }

// EvalSha runs a loaded script.
func (p *patient) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	before := p.failures.Load()
	cmd := p.UniversalClient.EvalSha(ctx, sha, keys, args...)
	p.hold(ctx, before, cmd.Err())
	return cmd
}

// Eval runs a script that is not loaded yet.
func (p *patient) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	before := p.failures.Load()
	cmd := p.UniversalClient.Eval(ctx, script, keys, args...)
	p.hold(ctx, before, cmd.Err())
	return cmd
}

// hold delays the caller after an error. An answer ends the outage only when it was asked for after the last error: those
// that were on their way when Redis went down say nothing.
func (p *patient) hold(ctx context.Context, before int32, err error) {
	if !outage(err) {
		if before > 0 && p.failures.CompareAndSwap(before, 0) {
			p.log.Info("redis is back")
		}
		return
	}
	n := p.failures.Add(1)
	if n == 1 {
		p.log.Warn("redis does not work, no task runs until it does", "err", err)
	}
	delay := maxDelay
	if n < 6 {
		delay = min(maxDelay, minDelay<<(n-1))
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-p.quit:
	}
}

// outage reports whether Redis is unreachable or refuses to work. What else comes back as an error is an answer: no task
// there, script not loaded, task gone.
func outage(err error) bool {
	return err != nil && !errors.Is(err, redis.Nil) &&
		!redis.HasErrorPrefix(err, "NOSCRIPT") && !strings.HasPrefix(err.Error(), "NOT FOUND")
}
