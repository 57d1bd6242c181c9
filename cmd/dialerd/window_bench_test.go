package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// waitingLeads is how many leads wait for the window: more than its first minute can call.
const waitingLeads = 140

// BenchmarkWindowOpens has a list wait for its window under the true limit of 100 requests a minute, and counts what happens in the
// minute after it opens: when the first call arrives, how many calls do, and what share of all requests they are. Three ways at once,
// each with a Redis and a fake Thoughtly of its own:
//
//	dialerd         a daemon, as a process of its own; every lead has its contact
//	asynq           scheduled asynq tasks behind x/time/rate, and every lead has its contact
//	asynq-create    the same, but each task makes the contact, then calls
//
// It takes two to three minutes, as windows open at full minutes.
func BenchmarkWindowOpens(b *testing.B) {
	for b.Loop() {
		// A minute lies between what the start of a daemon asks the API and the window, so that its requests do not count.
		opens := time.Now().Add(70 * time.Second).Truncate(time.Minute).Add(time.Minute)
		ours, staged, create := newWindow(b, opens), newWindow(b, opens), newWindow(b, opens)
		ours.daemon()
		staged.tasks(true)
		create.tasks(false)
		time.Sleep(time.Until(opens.Add(61 * time.Second)))
		ours.report("")
		staged.report("asynq-")
		create.report("asynq-create-")
		for _, w := range []*windowBench{ours, staged, create} {
			w.stop()
		}
	}
	b.ReportMetric(0, "ns/op")
}

// windowBench is one way of calling a list when its window opens.
type windowBench struct {
	*testing.B
	*fleetTest
	opens    time.Time
	area     int
	hours    string
	contacts map[string]string // by phone
	stop     func()
}

func newWindow(b *testing.B, opens time.Time) *windowBench {
	b.Helper()
	w := &windowBench{B: b, opens: opens, contacts: map[string]string{}}
	w.area, _, w.hours = daylight(b, opens.Add(29*time.Minute)) // they begin half an hour before that: a minute of guard before it opens
	w.fleetTest = newFleetBench(b)
	for i := range waitingLeads {
		made, err := w.client().CreateContact(b.Context(), thoughtly.CreateContactRequest{Phone: w.phone(i), Name: fmt.Sprintf("Lead %d", i)})
		if err != nil {
			b.Fatal(err)
		}
		w.contacts[w.phone(i)] = made.ID
	}
	return w
}

func (w *windowBench) phone(i int) string { return fmt.Sprintf("+1%s555%04d", zones[w.area].area, i) }

// client asks the fake without any limit.
func (w *windowBench) client() *thoughtly.Client {
	return &thoughtly.Client{
		BaseURL: w.url, Token: simulator.DefaultToken, TeamID: simulator.DefaultTeamID, Timeout: 5 * time.Second, Now: time.Now,
		Limiter: thoughtly.NewLocalLimiter(1_000_000, time.Second, time.Now),
	}
}

// daemon has a daemon wait for the window, with the contacts in its record.
func (w *windowBench) daemon() {
	w.Helper()
	w.write("campaign.yaml", `campaign: spring
agents: [{id: aB3dE9fG}]
leads: [{source: leads.csv, country: US}]
calling: {rules: none, hours: {mon-sun: "`+w.hours+`"}}
`)
	rows := []string{"Phone,Name,State"}
	for i := range waitingLeads {
		rows = append(rows, fmt.Sprintf("%s,Lead %d,%s", w.phone(i), i, zones[w.area].state))
	}
	w.write("leads.csv", strings.Join(rows, "\n")+"\n")
	w.started()
	ctx, now := w.Context(), time.Now()
	record := store.New(w.redis.Client(w.B), store.Options{})
	lanes, err := record.Lanes(ctx, "spring")
	if err != nil {
		w.Fatal(err)
	}
	for lane := range lanes {
		claims, err := record.Stageable(ctx, store.StageRequest{Campaign: "spring", Lanes: []string{lane}, N: waitingLeads, Now: now, Lease: time.Minute})
		if err != nil {
			w.Fatal(err)
		}
		for _, c := range claims {
			if _, err := record.Staged(ctx, c, w.contacts[string(c.Lead.Phone)]); err != nil {
				w.Fatal(err)
			}
		}
	}
	p := w.serve()
	w.stop = func() { w.end(p) }
}

// tasks has scheduled tasks wait for the window.
func (w *windowBench) tasks(staged bool) {
	w.Helper()
	const kind = "call"
	redis := w.redis.Client(w.B)
	client := asynq.NewClientFromRedisClient(redis)
	for phone, contact := range w.contacts {
		payload, err := json.Marshal([]string{phone, contact})
		if err != nil {
			w.Fatal(err)
		}
		if _, err := client.EnqueueContext(w.Context(), asynq.NewTask(kind, payload), asynq.ProcessAt(w.opens)); err != nil {
			w.Fatal(err)
		}
	}
	api := w.client()
	api.Limiter = thoughtly.NewLocalLimiter(103, time.Minute, time.Now) // it allows 3 % less than it is told
	server := asynq.NewServerFromRedisClient(redis, asynq.Config{Concurrency: 10, LogLevel: asynq.FatalLevel})
	mux := asynq.NewServeMux()
	mux.HandleFunc(kind, func(ctx context.Context, t *asynq.Task) error {
		var who [2]string
		if err := json.Unmarshal(t.Payload(), &who); err != nil {
			return err
		}
		if !staged {
			made, err := api.CreateContact(ctx, thoughtly.CreateContactRequest{Phone: who[0], Name: "Lead"})
			if err != nil {
				return err
			}
			who[1] = made.ID
		}
		permit, err := api.Acquire(ctx, thoughtly.ClassCall)
		if err != nil {
			return err
		}
		_, err = permit.Call(ctx, thoughtly.CallRequest{ContactID: who[1], AgentID: simulator.DefaultAgentID}, permit.Now().Add(5*time.Second))
		return err
	})
	if err := server.Start(mux); err != nil {
		w.Fatal(err)
	}
	w.stop = server.Shutdown
}

// report counts the minute after the window has opened.
func (w *windowBench) report(by string) {
	w.Helper()
	calls, all := 0, 0
	var first time.Duration
	for _, r := range w.sim.Requests() {
		since := r.At.Sub(w.opens)
		if r.Op == simulator.OpCall && since < 0 && by == "" {
			w.Errorf("a call %s before the window", -since)
		}
		if since < -2*time.Second || since >= time.Minute {
			continue
		}
		all++
		if r.Op == simulator.OpCall {
			if calls++; calls == 1 {
				first = since
			}
		}
	}
	if calls == 0 {
		w.Errorf("%sno calls", by)
		if by == "" {
			w.Log(w.run("why", w.phone(0), "--config", "dialerd1.yaml"))
		}
		return
	}
	w.ReportMetric(float64(first.Milliseconds()), by+"first-call-ms")
	w.ReportMetric(float64(calls), by+"calls/minute")
	w.ReportMetric(100*float64(calls)/float64(all), by+"calls-%")
	if by == "" && all > w.limit {
		w.Errorf("%d requests in the first minute, over the limit", all)
	}
}
