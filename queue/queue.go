// Package queue carries wake-ups through asynq: typed tasks in, typed handlers out; a task carries ids, never data.
//
// The record in Redis is the truth and a task is only a hint that it is worth looking at. So the package promises
// little, and keeps it: a task that was enqueued runs soon, at least once, perhaps twice, perhaps late, and after a crash
// or a loss of Redis perhaps never. Whoever needs more asks the record, and a sweep asks it for everyone.
//
// There is no way to enqueue for later: asynq cuts run times to whole seconds and may run a task up to a second early.
// What is due when stands in the record.
package queue

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// The queues. They are fixed: asynq polls each one, and a queue per campaign collapses at a few hundred.
const (
	// Call carries the tickets that lead to a call.
	Call = "call"
	// Work carries what follows a call and what keeps the record in order.
	Work = "work"
	// Bulk carries what may take long and can wait.
	Bulk = "bulk"
)

// weights are shares, not ranks: of twenty looks, fifteen begin at Work, four at Call, one at Bulk, so none starves. What settles a call is
// done in no time, while a ticket holds its worker until its slot comes: when all workers wait for slots, each that comes free has to
// get through what several calls have left behind before it waits again.
var weights = map[string]int{Work: 15, Call: 4, Bulk: 1}

// Queues returns the names of all queues, most urgent first.
func Queues() []string { return []string{Call, Work, Bulk} }

// allQueues is asynq's own list of queue names, without which its inspector says "queue not found".
const allQueues = "asynq:queues"

// register writes the queue names to asynq's list. asynq does so once per process and never again, so the list stays
// empty after a FLUSHALL or a restore.
func register(ctx context.Context, rdb redis.UniversalClient) error {
	names := make([]any, 0, len(weights))
	for _, q := range Queues() {
		names = append(names, q)
	}
	if err := rdb.SAdd(ctx, allQueues, names...).Err(); err != nil {
		return fmt.Errorf("register queues: %w", err)
	}
	return nil
}
