package redistest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// sayings are scripts that tell what a script sees. Redis, miniredis, and miniredis with its scripts run here agree on them.
var sayings = map[string]string{
	"nothing":        `return nil`,
	"no return":      `local a = 1`,
	"true":           `return true`,
	"false":          `return false`,
	"a whole number": `return 42`,
	"a fraction":     `return -2.7`,
	"text":           `return ARGV[1] .. KEYS[1]`,
	"an empty list":  `return {}`,
	"a list":         `return { 1, 'b', { 'c', false, true }, nil, 'lost' }`,
	"what was given": `return { #KEYS, #ARGV, KEYS[2], ARGV[2] }`,
	"a status":       `return redis.status_reply('FINE')`,
	"a bare error":   `return redis.error_reply('BAD')`,
	"an error":       `return redis.error_reply('BAD it is')`,
	"an error field": `return { err = 'BAD it is' }`,
	"missing":        `return type(redis.call('GET', 'missing'))`,
	"written":        `return redis.call('SET', KEYS[1], ARGV[1]).ok`,
	"sent on":        `return redis.call('SET', KEYS[1], ARGV[1])`,
	"numbers":        `redis.call('SET', 'n', 7) return redis.call('INCRBY', 'n', 3) + 0.5`,
	"lists":          `redis.call('DEL', 'l') redis.call('RPUSH', 'l', 'a', 'b') return redis.call('LRANGE', 'l', 0, -1)`,
	"an empty reply": `return redis.call('LRANGE', 'missing', 0, -1)`,
	"a null in it":   `redis.call('SET', 'here', 1) return redis.call('MGET', 'here', 'missing', 'here')`,
	"unpacked":       `redis.call('DEL', 'u') return redis.call('SADD', 'u', unpack(ARGV))`,
	"json":           `return cjson.encode({ a = cjson.decode(ARGV[3]).b })`,
	"caught":         `redis.call('SET', 's', 1) return type(redis.pcall('LPUSH', 's', 1).err)`,
	"raised":         `redis.call('SET', 's', 1) return redis.call('LPUSH', 's', 1)`,
	"half done":      `redis.call('SET', 'half', 'done') error('over')`,
	"the half":       `return redis.call('GET', 'half')`,
	"a new global":   `left = 1`,
	"no such global": `return left`,
	"a library":      `return string.format('%03d', math.floor(7.9)) .. table.concat({ 1, 2 }, ',') .. tostring(tonumber('x'))`,
	"a table":        `return redis.call('SET', {}, 1)`,
	"no command":     `return redis.call('NOSUCH')`,
	"no arguments":   `return redis.call()`,
}

// say runs a script twice, as text and by its hash, and returns what it said then.
func say(t *testing.T, client redis.UniversalClient, text string) (any, string) {
	t.Helper()
	ctx, keys, args := t.Context(), []string{"{k}1", "{k}2"}, []any{"x", "y", `{"b":[1,"c"]}`}
	client.Eval(ctx, text, keys, args...)
	got, err := client.EvalSha(ctx, redis.NewScript(text).Hash(), keys, args...).Result()
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		return got, ""
	case strings.HasPrefix(err.Error(), "BAD") || strings.HasPrefix(err.Error(), "ERR BAD"):
		return nil, err.Error()
	default:
		return nil, "an error" // each says it in its own words
	}
}

func TestScriptsSeeWhatTheySeeInRedis(t *testing.T) {
	t.Parallel()
	here := NewMemory(t)
	ours, theirs := here.Client(t), Real(t)
	for name, text := range sayings {
		t.Run(name, func(t *testing.T) {
			want, wantErr := say(t, theirs, text)
			got, gotErr := say(t, ours, text)
			if diff := cmp.Diff(want, got); diff != "" || gotErr != wantErr {
				t.Errorf("%q, Redis says %q\n%s", gotErr, wantErr, diff)
			}
		})
	}
	if here.scripts.state == nil {
		t.Error("no script was run here")
	}
}

func TestScriptsOfTransactionsAreRunByMiniredis(t *testing.T) {
	t.Parallel()
	m := NewMemory(t)
	client, ctx := m.Client(t), t.Context()
	script := redis.NewScript(`return redis.call('INCR', KEYS[1])`)
	if err := script.Run(ctx, client, []string{"n"}).Err(); err != nil {
		t.Fatal(err)
	}
	var before, after *redis.Cmd
	_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		before = p.EvalSha(ctx, script.Hash(), []string{"n"})
		p.IncrBy(ctx, "n", 10)
		after = p.EvalSha(ctx, script.Hash(), []string{"n"})
		return nil
	})
	if err != nil || before.Val() != int64(2) || after.Val() != int64(13) {
		t.Errorf("%v, %v, %v; want 2 and 13", before, after, err)
	}
	if n, err := script.EvalSha(ctx, client, []string{"n"}).Int(); n != 14 || err != nil {
		t.Errorf("%d, %v; want 14", n, err)
	}
}

func TestFlushedScriptsAreUnknown(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		ctx, script := t.Context(), redis.NewScript(`return 1`)
		for range 2 {
			if err := script.Run(ctx, client, nil).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.ScriptFlush(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		if err := script.EvalSha(ctx, client, nil).Err(); err == nil || !redis.HasErrorPrefix(err, "NOSCRIPT") {
			t.Errorf("%v, want NOSCRIPT", err)
		}
	})
}

// Scripts and commands of many connections do not come between what a script reads and what it writes.
func TestScriptsAreAtomic(t *testing.T) {
	t.Parallel()
	m := NewMemory(t)
	script := redis.NewScript(`local n = tonumber(redis.call('GET', KEYS[1]) or 0) for _ = 1, 50 do redis.call('GET', KEYS[1]) end redis.call('SET', KEYS[1], n + 1)`)
	var all sync.WaitGroup
	const each = 50
	for range 4 {
		client := m.Client(t)
		all.Go(func() {
			for range each {
				if err := script.Run(context.Background(), client, []string{"n"}).Err(); err != nil && !errors.Is(err, redis.Nil) {
					t.Error(err)
				}
				client.IncrBy(context.Background(), "n", 1000)
			}
		})
	}
	all.Wait()
	if n, err := m.Client(t).Get(t.Context(), "n").Int(); n != 4*each*1001 || err != nil {
		t.Errorf("%d, %v; want %d", n, err, 4*each*1001)
	}
}
