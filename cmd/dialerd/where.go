package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// whereJSON is what `where` prints.
type whereJSON struct {
	Campaign string   `json:"campaign"`
	Total    int      `json:"total"`
	Buckets  []bucket `json:"buckets"`

	notes []string // for people: what holds the campaign as a whole
}

// bucket is the leads that are in one state for one reason.
type bucket struct {
	State  string  `json:"state"`
	Reason text    `json:"reason"`
	Count  int     `json:"count"`
	Share  float64 `json:"share"` // of all leads, 0 to 1
	Until  stamp   `json:"until"` // when the first of them can be called
}

func (a *app) whereCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "where NAME",
		Short: "Show where every lead of a campaign is now",
		Long: "Puts every lead of a campaign into one bucket, by its state and by what keeps it from being called now; the buckets\n" +
			"sum to all leads. Reason limit means that nothing but a slot of the request limit is waited for. Until is when the\n" +
			"first lead of the bucket can be called.",
		Example: "  dialerd where spring\n  dialerd where spring --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := a.where(cmd.Context(), args[0], a.now())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(w)
			}
			a.printWhere(w)
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

// where counts the leads of a campaign by state and reason.
func (a *app) where(ctx context.Context, name string, now time.Time) (*whereJSON, error) {
	d, err := a.newDecider(ctx, name, now)
	if err != nil {
		return nil, err
	}
	counts, err := a.store.Counts(ctx, name)
	if err != nil {
		return nil, err
	}
	type key struct {
		state  campaign.LeadState
		reason campaign.Reason
	}
	found := map[key]*bucket{}
	w := &whereJSON{Campaign: name, Buckets: []bucket{}}
	err = d.each(ctx, counts.Leads, func(l *campaign.Lead, decision campaign.Decision) {
		w.Total++
		k := key{l.State, shownReason(decision)}
		b := found[k]
		if b == nil {
			b = &bucket{State: string(l.State), Reason: text(k.reason)}
			found[k] = b
		}
		b.Count++
		if until := time.Time(b.Until); !decision.Until.IsZero() && (until.IsZero() || decision.Until.Before(until)) {
			b.Until = stamp(decision.Until)
		}
	})
	if err != nil {
		return nil, err
	}
	if d.common.TeamPaused != "" {
		w.notes = append(w.notes, pausedText(d.common.TeamPaused, []*store.Record{d.record}))
	}
	if d.record.Problem != "" {
		w.notes = append(w.notes, "it cannot call: "+d.record.Problem)
	}
	order := campaign.LeadStates()
	for _, b := range found {
		b.Share = float64(b.Count) / float64(w.Total)
		w.Buckets = append(w.Buckets, *b)
	}
	slices.SortFunc(w.Buckets, func(a, b bucket) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, campaign.LeadState(a.State)), slices.Index(order, campaign.LeadState(b.State))),
			cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason),
		)
	})
	return w, nil
}

// shownReason is why a lead is not being called: what its rules say, or that it waits for a slot.
func shownReason(d campaign.Decision) campaign.Reason {
	if d.Verdict == campaign.Call {
		return campaign.ReasonLimit
	}
	return d.Reason
}

func (a *app) printWhere(w *whereJSON) {
	a.say("campaign %s: %s\n", w.Campaign, plural(w.Total, "lead"))
	for _, note := range w.notes {
		a.say("%s\n", note)
	}
	if w.Total == 0 {
		return
	}
	const widest, others = 30, 72 // of the bar; what the other columns take
	width := float64(max(4, min(widest, columns(a.out)-others)))
	held := false
	rows := make([][]string, 0, len(w.Buckets))
	for _, b := range w.Buckets {
		held = held || b.State == string(campaign.LeadHeld)
		bar := strings.Repeat("█", max(1, int(b.Share*width+0.5)))
		rows = append(rows, []string{b.State, dash(string(b.Reason)), fmt.Sprint(b.Count), fmt.Sprintf("%.1f %%", 100*b.Share), bar, b.Until.String()})
	}
	printTable(a.out, []string{"state", "reason", "leads", "share", "", "until"}, rows)
	if held {
		a.say("who is held and why: dialerd lead list --campaign %s --state held\n", w.Campaign)
	}
}
