package store

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// SealLimits is called before a Redis server is stopped in order, when nobody uses it any more: no limiter on it then
// takes the next start for a change of servers that may have lost the last requests, and waits for a window.
func SealLimits(ctx context.Context, client redis.UniversalClient) error {
	scan := client.Scan(ctx, 0, "dialerd:{limit:*}:state", 1000).Iterator()
	for scan.Next(ctx) {
		if err := client.HDel(ctx, scan.Val(), "run").Err(); err != nil {
			return fmt.Errorf("seal request limits: %w", err)
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("seal request limits: %w", err)
	}
	return nil
}
