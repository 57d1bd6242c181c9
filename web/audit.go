package web

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dialerd/dialerd/store"
)

// audit is how the record of decisions of a team stands.
func (s *Source) audit(ctx context.Context, team string) (Audit, error) {
	st, err := s.Store.Audit(ctx, team)
	if err != nil {
		return Audit{}, err
	}
	return NewAudit(st), nil
}

// NewAudit puts the state of a record into the words of the status.
func NewAudit(st *store.AuditState) Audit {
	a := Audit{Backlog: st.Backlog, Limit: st.Limit}
	if h := st.Head; h != nil {
		a.Sequence, a.Hash, a.At, a.Host = h.Sequence, absent(h.Hash), instant(h.At), absent(h.Host)
	}
	if !st.Oldest.IsZero() {
		a.Behind = new(st.Behind.Round(time.Millisecond).Seconds())
	}
	return a
}

func (a *Audit) collect(team string, gauge func(*prometheus.Desc, float64, ...string)) {
	gauge(descBacklog, float64(a.Backlog), team)
	gauge(descBacklogL, float64(a.Limit), team)
	gauge(descAudit, float64(a.Sequence), team)
	if a.Hash != nil && len(*a.Hash) >= 13 {
		if n, err := strconv.ParseUint((*a.Hash)[:13], 16, 64); err == nil {
			gauge(descAuditSum, float64(n), team)
		}
	}
	if a.At != nil {
		gauge(descAuditAt, float64(a.At.UnixMilli())/1000, team)
	}
}
