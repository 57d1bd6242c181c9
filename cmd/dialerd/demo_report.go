package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
)

// countBehind is how many columns stand around and behind the demo's bar: " 100% |…| (9999/9999)".
const countBehind = 22

// watch shows progress until nothing more can be called for a while.
func (d *demo) watch(ctx context.Context) error {
	counts, err := d.a.store.Counts(ctx, demoCampaign)
	if err != nil {
		return err
	}
	total := 0
	for _, n := range counts.States {
		total += n
	}
	f, isFile := d.a.err.(*os.File)
	tty := isFile && term.IsTerminal(int(f.Fd()))
	var bar *progressbar.ProgressBar
	room, late := 0, false
	if tty {
		var width int
		width, room = barColumns(columns(f), countBehind)
		bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(d.a.err), progressbar.OptionShowCount(), progressbar.OptionSetWidth(width),
			progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(demoLongest)
	defer end.Stop()
	for n := 0; ; n++ {
		counts, err := d.a.store.Counts(ctx, demoCampaign)
		if err != nil {
			return err
		}
		s := counts.States
		done := s[campaign.LeadClosed] + s[campaign.LeadHeld]
		line := fmt.Sprintf("new %d, staged %d, calling %d, waiting %d, closed %d, held %d; %d rings", s[campaign.LeadNew], s[campaign.LeadStaged],
			s[campaign.LeadCalling], s[campaign.LeadWaiting], s[campaign.LeadClosed], s[campaign.LeadHeld], len(d.sim.Rings()))
		if tty {
			bar.Describe(fit(fmt.Sprintf("%d rings, %d closed, %d held", len(d.sim.Rings()), s[campaign.LeadClosed], s[campaign.LeadHeld]), room))
			if err := bar.Set(done); err != nil {
				return err
			}
		} else if n%4 == 0 {
			_, _ = fmt.Fprintf(d.a.err, "%4.0f s  %s\n", time.Since(d.began).Seconds(), line)
		}
		idle, err := d.idle(ctx, s)
		if err != nil {
			return err
		}
		if idle {
			break
		}
		select {
		case <-ctx.Done():
			return &exitError{code: exitFailed, err: errors.New("the demo was interrupted")}
		case <-end.C:
			idle, late = true, true
		case <-tick.C:
		}
		if idle {
			break
		}
	}
	if tty {
		if err := bar.Finish(); err != nil {
			return err
		}
	}
	if late {
		_, _ = fmt.Fprintf(d.a.err, "The demo ends after %s; who is not called by then stays in its queue.\n", demoLongest)
	}
	return nil
}

// idle reports whether nobody can be called within the next seconds. On the way it notes until when there was work.
func (d *demo) idle(ctx context.Context, states map[campaign.LeadState]int) (bool, error) {
	record, err := d.a.store.Campaign(ctx, demoCampaign)
	if err != nil {
		return false, err
	}
	lanes, err := d.a.store.Lanes(ctx, demoCampaign)
	if err != nil {
		return false, err
	}
	now := d.a.now()
	plan, soon, open, next := campaign.NewPlan(&record.Campaign), now.Add(demoSilence), 0, false
	for _, lane := range lanes {
		place, err := plan.CompilePlace(lane.Regions, lane.Zones)
		if err != nil {
			return false, err
		}
		if plan.Window(place, now).Open {
			open += lane.New + lane.Ready
			next = next || lane.Wait > 0 && lane.NextDue.Before(soon)
		}
	}
	if open >= demoRequests/10 { // fewer are gone before the next look
		d.worked = now
	}
	_, urgent, err := d.a.store.Urgent(ctx, demoCampaign)
	if err != nil || open > 0 || next || !urgent.IsZero() && urgent.Before(soon) || states[campaign.LeadNew] > 0 {
		return false, err
	}
	rings := d.sim.Rings()
	return states[campaign.LeadCalling] == 0 || len(rings) > 0 && now.Sub(rings[len(rings)-1].At) > demoSilence, nil
}

// report prints what came of it, each promise by the fake Thoughtly's own log, and writes the results.
func (d *demo) report(ctx context.Context) error {
	results := filepath.Join(d.dir, "results.csv")
	if err := d.silent(ctx, io.Discard, "export", demoCampaign, "-o", results); err != nil {
		return err
	}
	if err := d.command(ctx, "campaign", "status", demoCampaign); err != nil {
		return err
	}
	if err := d.command(ctx, "where", demoCampaign); err != nil {
		return err
	}
	sum := d.sim.Summary(dialer.MetaAttempt)
	twice := 0
	if sum.Twice != nil {
		twice = *sum.Twice
	}
	d.say("\nWhat the fake Thoughtly saw\n")
	told := demoJSON{
		Rings: sum.Rings, Phones: sum.Phones, Twice: twice, Outside: d.outside(), Suppressed: d.suppressed(), AfterOptOut: sum.AfterOptOut,
		Peak: sum.Peak, Throttled: sum.Throttled, Used: d.used(), Webhooks: sum.Webhooks, Results: results, Rejects: filepath.Join(d.dir, "rejects.csv"),
	}
	bound := fmt.Sprintf("%d in %g s", sum.Limit, sum.Per)
	printTable(d.a.out, []string{"promise", "seen"}, told.promises(bound, d.usable()))
	rows, err := countRows(results)
	if err != nil {
		return err
	}
	told.Leads = rows
	d.say("\nresults: %s (%d leads)\nrejects: %s\n", results, rows, told.Rejects)
	if !d.a.json {
		return nil
	}
	record, err := d.a.record(ctx, demoCampaign)
	if err != nil {
		return err
	}
	if told.Status, err = d.a.status(ctx, record, d.a.now()); err != nil {
		return err
	}
	return printJSON(d.result, told)
}

// promises is a row for each of them, none wider than a terminal of 80 columns has room for.
func (j *demoJSON) promises(limit, usable string) [][]string {
	return [][]string{
		{"calls placed", fmt.Sprintf("%d rings of %d phones", j.Rings, j.Phones)},
		{"an attempt rings once", fmt.Sprintf("%d attempts rang twice", j.Twice)},
		{"nobody outside a window", fmt.Sprintf("%d rings outside", j.Outside)},
		{"nobody suppressed", fmt.Sprintf("%d rings, and %d after an opt-out", j.Suppressed, j.AfterOptOut)},
		{"never more than the limit", fmt.Sprintf("%d where %s are allowed, %d times 429", j.Peak, limit, j.Throttled)},
		{"never much less", fmt.Sprintf("%.1f %% of the limit used while there was work", 100*j.Used)},
		{"… of what can be used", usable},
		{"webhooks", fmt.Sprintf("%d delivered, %d doubled, %d lost, looked up", j.Webhooks.Accepted, j.Webhooks.Doubled, j.Webhooks.Lost)},
	}
}

// demoJSON is what the fake Thoughtly saw, beside the campaign's status.
type demoJSON struct {
	Status      *statusJSON          `json:"status"`
	Rings       int                  `json:"rings"`
	Phones      int                  `json:"phones"`
	Twice       int                  `json:"attempts_rung_twice"`
	Outside     int                  `json:"rings_outside_a_window"`
	Suppressed  int                  `json:"rings_of_suppressed_phones"`
	AfterOptOut int                  `json:"rings_after_an_opt_out"`
	Peak        int                  `json:"peak_requests"` // in any window of the limit
	Throttled   int                  `json:"throttled"`
	Used        float64              `json:"limit_used"` // share, while there was work
	Webhooks    simulator.HookCounts `json:"webhooks"`
	Leads       int                  `json:"leads"`
	Results     string               `json:"results_file"`
	Rejects     string               `json:"rejects_file"`
}

// outside counts the rings that some place the phone could be in did not allow, by the tables and nothing that the daemon said.
func (d *demo) outside() int {
	n := 0
	for _, r := range d.sim.Rings() {
		place := region.Locate(region.Signals{Phone: r.Phone})
		if v, err := region.Default().Allowed(place.Regions, place.Zones, r.At); err != nil || !v.Open {
			n++
		}
	}
	return n
}

func (d *demo) suppressed() int {
	n := 0
	for _, r := range d.sim.Rings() {
		if r.Phone == demoSuppressed {
			n++
		}
	}
	return n
}

// used is the share of the limit that was used from the first request on for as long as there was work.
func (d *demo) used() float64 {
	var first time.Time
	n := 0
	for _, r := range d.sim.Requests() {
		if first.IsZero() || r.At.Before(first) {
			first = r.At
		}
		if !r.At.After(d.worked) {
			n++
		}
	}
	span := d.worked.Sub(first)
	if n == 0 || span <= 0 {
		return 0
	}
	return float64(n) / (demoRequests * span.Seconds() / demoPer.Seconds())
}

// usable says what share of the limit can be used at most, and why it is not all of it: a place of the limit comes back one window
// after the reply, and after the timeout and a window when there was none. That weighs much in a window as short as the demo's.
func (d *demo) usable() string {
	lost, n := 0, 0
	for _, r := range d.sim.Requests() {
		n++
		if r.Status == 0 {
			lost++
		}
	}
	if n == 0 {
		return "nothing was asked"
	}
	timeout := d.a.settings.Teams[0].Timeout.Seconds()
	return usable(demoPer.Seconds(), demoPer.Seconds()+demoLatency.Seconds()+timeout*float64(lost)/float64(n), lost, n)
}

// usable says what can be used of a limit whose places come back after a time, and are held for another; n requests, lost ones of them
// without a reply.
func usable(per, held float64, lost, n int) string {
	return fmt.Sprintf("%.1f %%, less what a busy machine loses: a place\nis free %g s after the reply, or %g s after the\ntimeout (%d of %d had no reply)",
		100*per/held, per, per, lost, n)
}

// countRows counts the records of a CSV file below its header.
func countRows(path string) (n int, err error) {
	f, err := os.Open(path) //nolint:gosec // G304: the demo's own file
	if err != nil {
		return 0, fmt.Errorf("read the results: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return 0, fmt.Errorf("read the results: %w", err)
	}
	return len(rows) - 1, nil
}
