package redistest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestEachStartsEmpty(t *testing.T) {
	t.Parallel()
	for range 2 {
		Each(t, func(t *testing.T, client redis.UniversalClient) {
			t.Parallel()
			n, err := client.Incr(t.Context(), "count").Result()
			if err != nil || n != 1 {
				t.Fatalf("first INCR = %d, %v; want 1: another test's data is visible", n, err)
			}
		})
	}
}

func TestBubbleTimeIsVirtual(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := Bubble(t)
		ctx := t.Context()
		if err := client.Set(ctx, "lock", "1", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Minute)
		if n := client.Exists(ctx, "lock").Val(); n != 1 {
			t.Fatal("the key is gone before its time")
		}
		time.Sleep(2 * time.Minute)
		if n := client.Exists(ctx, "lock").Val(); n != 0 {
			t.Fatal("the key outlives its TTL")
		}
		if got := client.Time(ctx).Val(); time.Until(got).Abs() > time.Millisecond {
			t.Fatalf("TIME is %v, the bubble has %v", got, time.Now())
		}
	})
}

func TestKilledServerKeepsAppendedData(t *testing.T) {
	t.Parallel()
	s := StartServer(t, Options{AppendOnly: true})
	client := s.Client(t)
	ctx := t.Context()
	if err := client.Set(ctx, "a", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Kill(t)
	if err := client.Get(ctx, "a").Err(); err == nil {
		t.Fatal("a killed server answers")
	}
	s.Restart(t)
	if got := client.Get(ctx, "a").Val(); got != "1" {
		t.Fatalf("after the restart a = %q, want 1", got)
	}
}

func TestFrozenServerHangs(t *testing.T) {
	t.Parallel()
	s := StartServer(t, Options{})
	o := s.Options()
	o.ReadTimeout = 100 * time.Millisecond
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	s.Freeze(t)
	err := client.Ping(t.Context()).Err()
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("a frozen server gives %v, want a timeout", err)
	}
	s.Thaw(t)
	deadline, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for client.Ping(deadline).Err() != nil {
		if deadline.Err() != nil {
			t.Fatal("a thawed server does not answer")
		}
	}
}
