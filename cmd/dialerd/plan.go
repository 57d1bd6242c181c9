package main

import (
	"context"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// plan makes a campaign ready for deciding, by the rules that are in force in the whole fleet.
func (a *app) plan(ctx context.Context, r *store.Record) (*campaign.Plan, error) {
	st, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	book, err := st.Rulebook(ctx)
	if err != nil {
		return nil, err
	}
	return campaign.NewPlan(&r.Campaign).Under(book), nil
}
