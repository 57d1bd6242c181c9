package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

const (
	// maxPayload bounds what a task may carry, in bytes: room for ids, none for data.
	maxPayload = 512

	// outOfReach is asynq's retry limit. A task that reaches it, by a failure or by a snooze, goes to asynq's archive,
	// where it blocks its id for 90 days; so it is never reached, and maxFailures is counted here.
	outOfReach = 1 << 20

	// enqueuedAt is the header with the time of enqueueing, in Unix milliseconds.
	enqueuedAt = "enqueued_at"
)

// Client puts tasks into the queues. It is safe for concurrent use.
type Client struct {
	asynq *asynq.Client
	now   func() time.Time
}

// NewClient returns a client on a connection that stays the caller's to close. The age of tickets is counted from now.
func NewClient(rdb redis.UniversalClient, now func() time.Time) *Client {
	return &Client{asynq: asynq.NewClientFromRedisClient(rdb), now: now}
}

// Enqueue makes the task run soon. When the same task is waiting or running already, that one will do and the error is
// nil; also when go-redis had to send the command twice because the first reply was lost. The error says that an id is
// empty, that the ids are too long, or that Redis did not answer; in the last case the task may exist all the same.
func (c *Client) Enqueue(ctx context.Context, t Task) error {
	id, err := taskID(t)
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	payload, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("enqueue %s task: %w", t.kind().name, err)
	}
	if len(payload) > maxPayload {
		return fmt.Errorf("enqueue %s task: %d bytes of ids, at most %d: put the data into the record and its id into the task",
			t.kind().name, len(payload), maxPayload)
	}
	k := t.kind()
	header := map[string]string{enqueuedAt: strconv.FormatInt(c.now().UnixMilli(), 10)}
	_, err = c.asynq.EnqueueContext(ctx, asynq.NewTaskWithHeaders(k.name, payload, header),
		asynq.TaskID(id),
		asynq.Queue(k.queue),
		asynq.Timeout(k.timeout),
		asynq.MaxRetry(outOfReach),
		// Kept after it is done, a task would go on blocking its id.
		asynq.Retention(0),
		// No Deadline: asynq retries what is past it. Old tickets are dropped by the server.
	)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) && !errors.Is(err, asynq.ErrDuplicateTask) {
		return fmt.Errorf("enqueue task %s: %w", id, err)
	}
	return nil
}
