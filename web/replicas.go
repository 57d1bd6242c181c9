package web

import (
	"context"
	"time"

	"github.com/dialerd/dialerd/store"
)

// replicas is how the copies of the record stand.
func (s *Source) replicas(ctx context.Context, teams []TeamStatus, daemons []store.Daemon, now time.Time) (Replicas, error) {
	var worst Replicas
	for i, t := range teams {
		r, err := s.Store.Replication(ctx, t.Team, now)
		if err != nil {
			return Replicas{}, err
		}
		one := Replicas{
			Connected: r.Connected, Answering: r.Connected - r.Silent, Most: max(r.Most, store.MostReplicas(daemons)), Blocked: r.Blocked(),
			Problem: absent(r.Word(store.MostReplicas(daemons))),
		}
		if i == 0 || one.Answering < worst.Answering {
			worst = one
		}
	}
	return worst, nil
}
