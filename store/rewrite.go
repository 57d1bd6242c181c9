package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Rewrite has the server, or every master of a cluster, write its append-only file anew, so that it holds what there is and not how it came
// about, and waits until that is done. It returns false where there is no such file.
func (s *Store) Rewrite(ctx context.Context, limit time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return rewrite(ctx, node) })
		return err == nil, err
	}
	err := rewrite(ctx, s.client)
	return err == nil, err
}

func rewrite(ctx context.Context, client redis.UniversalClient) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for asked := false; ; {
		info, err := client.Info(ctx, "persistence").Result()
		if err != nil {
			return fmt.Errorf("rewrite the append-only file: %w", err)
		}
		busy := strings.Contains(info, "aof_rewrite_in_progress:1") || strings.Contains(info, "aof_rewrite_scheduled:1")
		switch {
		case !busy && asked:
			if strings.Contains(info, "aof_last_bgrewrite_status:err") {
				return fmt.Errorf("rewrite the append-only file: redis says that it failed")
			}
			return nil
		case !busy: // one that was under way before began too early
			if err := client.BgRewriteAOF(ctx).Err(); err != nil {
				return fmt.Errorf("rewrite the append-only file: %w", err)
			}
			asked = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("rewrite the append-only file: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
