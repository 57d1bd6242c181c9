package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
	"github.com/dialerd/dialerd/webhook"
)

// hookSenders are as many events under way at a time: a call a second for each of a hundred teams comes to a few.
const hookSenders = 32

// hookBody is the record of a call as the API posts it.
const hookBody = `{"id":"0f9b6a1e-0000-4000-8000-%012d","created":"2026-03-10T11:58:00.000Z","updated":"2026-03-10T11:59:00.000Z","version":2,
 "interview":{"id":"aB3dE9fG"},"contact":{"id":"c-1","phone_number":"+12125550123","name":"Ada"},"type":"PHONE_CALL","status":"COMPLETED",
 "start_time":"2026-03-10T11:58:00.000Z","end_time":"2026-03-10T11:59:00.000Z","duration_ms":"60000","recording_url":null,
 "transcript":"Agent: hello\nUser: hi, who is calling?\nAgent: it is about your renewal\nUser: please call me next week",
 "metadata":{"dialerd_attempt":"1.a.%d"}}`

// BenchmarkWebhooks posts events to the daemon's own listener, which answers once an event is in the record (deduplicated, fsynced, its
// wake-up queued), and to a handler that does nothing but XADD the body, on the same Redis (appendfsync always).
func BenchmarkWebhooks(b *testing.B) {
	const token, team = "token", "default"
	server := redistest.StartServer(b, redistest.Options{AppendOnly: true})
	client, err := store.Open(b.Context(), server.URL()) // as the daemon does
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	log := slog.New(slog.DiscardHandler)
	d := &dialer.Dialer{Store: store.New(client, store.Options{Log: log}), Queue: queue.NewClient(client, time.Now), Now: time.Now, Log: log}
	spool, err := webhook.OpenSpool(webhook.SpoolOptions{Dir: b.TempDir(), Log: log})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = spool.Close() })
	ours := &daemon{dialer: d}
	hooks := &webhook.Handler{
		Teams: map[string]webhook.Keys{team: webhook.NewKeys(token, team)}, Receive: ours.receive, Now: time.Now, Log: log,
		Spool: spool, Archive: &webhook.Archive{Dir: b.TempDir()},
	}
	path := "/hooks/" + webhook.Secret(token, team) + "/" + team + "/" + webhook.KindResponse + "/aB3dE9fG"
	for _, way := range []struct {
		name    string
		handler http.Handler
	}{{"dialerd", hooks}, {"xadd", bareHandler(client)}} {
		b.Run("by="+way.name, func(b *testing.B) {
			s := httptest.NewServer(way.handler)
			defer s.Close()
			for b.Loop() {
				before := redisSeconds(b, client.Info(b.Context(), "cpu").Val())
				own := ownCPU(b)
				took := postFor(b, s.URL+path, 5*time.Second)
				b.ReportMetric(1e6*(ownCPU(b)-own)/float64(len(took)), "own-cpu-µs/event")
				spent := redisSeconds(b, client.Info(b.Context(), "cpu").Val()) - before
				b.ReportMetric(1e6*spent/float64(len(took)), "redis-cpu-µs/event")
				b.ReportMetric(float64(len(took))/5, "events/s")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
	if n := hooks.Stats.Kept.Load(); n != hooks.Stats.Received.Load() || n == 0 {
		b.Errorf("%d events are kept of %d", n, hooks.Stats.Received.Load())
	}
}

// bareHandler keeps a body in the simplest way that survives a crash.
func bareHandler(client redis.UniversalClient) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = client.XAdd(r.Context(), &redis.XAddArgs{Stream: "events", Values: []any{"body", body}}).Err()
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
}

// postFor posts events that are all different for a while, and returns how long each took to be answered, in order.
func postFor(b *testing.B, url string, long time.Duration) []time.Duration {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: hookSenders}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	first, end := time.Now().UnixMicro(), time.Now().Add(long)
	took := make([][]time.Duration, hookSenders)
	var wg sync.WaitGroup
	for i := range hookSenders {
		wg.Go(func() {
			for n := int64(i); time.Now().Before(end); n += hookSenders {
				id := (first + n) % 1e12
				began := time.Now()
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(fmt.Sprintf(hookBody, id, id)))
				if err != nil {
					b.Error(err)
					return
				}
				resp, err := client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Errorf("status %d", resp.StatusCode)
					return
				}
				took[i] = append(took[i], time.Since(began))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	return all
}

func ownCPU(b *testing.B) float64 {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		b.Fatal(err)
	}
	return float64(own.Utime.Nano()+own.Stime.Nano()) / 1e9
}
