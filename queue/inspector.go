package queue

import (
	"context"
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Depth is how many tasks of a queue are in each of asynq's states.
type Depth struct {
	Pending int64 // may run now
	Active  int64 // being run
	Retry   int64 // snoozed, or failed and to be tried again
	// Archived tasks were given up by asynq itself. They block their ids until Clean removes them.
	Archived int64
}

// Report says what Clean has found and removed.
type Report struct {
	// Archived tasks were given up by asynq, which this package never asks for: above zero, someone should look.
	Archived int
	// Orphaned tasks were marked as being run, with no lease to say by whom, or had lost their content. asynq's own
	// recovery never finds them (hibiken/asynq issue 1144).
	Orphaned int
}

// Inspector looks at the queues from outside. It is safe for concurrent use.
type Inspector struct {
	asynq *asynq.Inspector
	redis redis.UniversalClient
}

// NewInspector returns an inspector on a connection that stays the caller's to close.
func NewInspector(rdb redis.UniversalClient) *Inspector {
	return &Inspector{asynq: asynq.NewInspectorFromRedisClient(rdb), redis: rdb}
}

// Depths counts the tasks of every queue, in one round trip. A queue without tasks is there with zeros.
func (i *Inspector) Depths(ctx context.Context) (map[string]Depth, error) {
	type counts struct{ pending, active, retry, archived *redis.IntCmd }
	pipe := i.redis.Pipeline()
	found := make(map[string]counts, len(weights))
	for _, q := range Queues() {
		found[q] = counts{
			pending:  pipe.LLen(ctx, key(q, "pending")),
			active:   pipe.LLen(ctx, key(q, "active")),
			retry:    pipe.ZCard(ctx, key(q, "retry")),
			archived: pipe.ZCard(ctx, key(q, "archived")),
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("count tasks: %w", err)
	}
	depths := make(map[string]Depth, len(found))
	for q, c := range found {
		depths[q] = Depth{Pending: c.pending.Val(), Active: c.active.Val(), Retry: c.retry.Val(), Archived: c.archived.Val()}
	}
	return depths, nil
}

// removeOrphans takes tasks out of a queue that nobody runs and nobody will.
//
//	KEYS    asynq's active list, asynq's lease set
//	ARGV    prefix of the keys that hold the tasks
//	returns how many were removed
var removeOrphans = redis.NewScript(`
local removed = 0
local function remove(id)
  redis.call('LREM', KEYS[1], 0, id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('DEL', ARGV[1] .. id)
  removed = removed + 1
end
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if not redis.call('ZSCORE', KEYS[2], id) then remove(id) end
end
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('HEXISTS', ARGV[1] .. id, 'msg') == 0 then remove(id) end
end
return removed
`)

// Clean removes what blocks an id without ever running: archived tasks and orphans. Run it from time to time, and before
// a sweep that enqueues what the record misses. It also puts the queues back on asynq's list after a FLUSHALL.
// Tasks that are waiting or being run stay as they are.
func (i *Inspector) Clean(ctx context.Context) (Report, error) {
	var r Report
	if err := register(ctx, i.redis); err != nil {
		return r, err
	}
	for _, q := range Queues() {
		n, err := i.asynq.DeleteAllArchivedTasks(q)
		if err != nil {
			return r, fmt.Errorf("delete archived tasks of queue %s: %w", q, err)
		}
		r.Archived += n
		n, err = removeOrphans.Run(ctx, i.redis, []string{key(q, "active"), key(q, "lease")}, key(q, "t:")).Int()
		if err != nil {
			return r, fmt.Errorf("remove orphaned tasks of queue %s: %w", q, err)
		}
		r.Orphaned += n
	}
	return r, nil
}

// key returns the name of one of asynq's keys for a queue.
func key(queue, name string) string { return "asynq:{" + queue + "}:" + name }
