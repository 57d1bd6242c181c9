package queue

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// staleMany is how many tasks have to wait for it to be worth while to look for all old tickets at once.
	staleMany = 100
	// stalePart is how many are looked at in one step.
	stalePart = 2000
)

// removeStale takes old tickets off the end of a queue where the oldest tasks are, as far as there are only old ones.
//
//	KEYS    asynq's pending list
//	ARGV    prefix of the keys that hold the tasks; how old in ns is old; how many to look at; then how the ids of tickets begin
//	returns how many were removed, and 1 if there may be more
var removeStale = redis.NewScript(`
local now = redis.call('TIME')
local before = now[1] * 1e9 + now[2] * 1e3 - ARGV[2]
local ids = redis.call('LRANGE', KEYS[1], -ARGV[3], -1)
local kept, removed, more = {}, 0, 1
for i = #ids, 1, -1 do
  local ticket = false
  for j = 4, #ARGV do ticket = ticket or string.sub(ids[i], 1, #ARGV[j]) == ARGV[j] end
  if ticket then
    local since = redis.call('HGET', ARGV[1] .. ids[i], 'pending_since')
    if since and tonumber(since) > before then
      more = 0
      break
    end
    redis.call('DEL', ARGV[1] .. ids[i])
    removed = removed + 1
  else
    kept[#kept + 1] = ids[i]
  end
end
if removed > 0 then
  redis.call('LTRIM', KEYS[1], 0, -(removed + #kept) - 1)
  for i = #kept, 1, -1 do redis.call('RPUSH', KEYS[1], kept[i]) end
end
if removed == 0 or #ids < tonumber(ARGV[3]) then more = 0 end
return { removed, more }
`)

// stale takes old tickets out of queues.
type stale struct {
	redis redis.UniversalClient
	age   time.Duration // from which on
	part  int           // looked at in one step
	turn  sync.Mutex    // one worker at a time
}

// drop takes the old tickets out of a queue where an old one was met, if many tasks wait there. To take each of them for itself and drop it
// costs as much as to run one: where tickets come in faster than they are taken, none would ever be met before it is old.
func (s *stale) drop(ctx context.Context, queue string) (removed int, err error) {
	if !s.turn.TryLock() {
		return 0, nil
	}
	defer s.turn.Unlock()
	waiting, err := s.redis.LLen(ctx, key(queue, "pending")).Result()
	if err != nil || waiting < staleMany {
		return 0, err
	}
	args := []any{key(queue, "t:"), s.age.Nanoseconds(), s.part}
	for _, t := range []Task{Dial{}, Stage{}} {
		args = append(args, t.kind().name+":")
	}
	for more := true; more; {
		got, err := removeStale.Run(ctx, s.redis, []string{key(queue, "pending")}, args...).Int64Slice()
		if err != nil {
			return removed, fmt.Errorf("drop old tickets of queue %s: %w", queue, err)
		}
		removed, more = removed+int(got[0]), got[1] == 1
	}
	return removed, nil
}
