package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// benchProgram is the binary that benchmarks of processes run: DIALERD_BENCH_PROGRAM, which `make bench` sets to the one that make build
// has built, or else the test's own, which is larger.
func benchProgram() string { return os.Getenv("DIALERD_BENCH_PROGRAM") }

// newFleetBench is a fleet under the true limit of 100 requests a minute, whose past is known, as it is wherever a daemon has run before.
func newFleetBench(b *testing.B) *fleetTest {
	b.Helper()
	// The fake does not keep the limit: some benchmarks ask it for things beforehand. Who passes the limit is seen in its log.
	f := newFleetIn(b, simulator.Config{Seed: 3, Profile: simulator.Calm(), Limit: simulator.Limit{Requests: 10_000, Per: time.Minute}})
	f.limit, f.window, f.program, f.reconcile = 100, time.Minute, benchProgram(), "{after: 5m, unresolved: 1h}"
	limiter, err := store.NewLimiter(f.redis.Client(b), store.LimiterOptions{
		Key: store.Fingerprint(simulator.DefaultToken), Requests: f.limit, Per: time.Minute, Now: time.Now, FreshStart: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	_, done, err := limiter.Take(b.Context(), store.ClassControl)
	if err != nil {
		b.Fatal(err)
	}
	done(false, false, false, 0)
	return f
}

// end stops a daemon as an operator does.
func (f *fleetTest) end(p *process) {
	f.t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		f.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			f.t.Errorf("the daemon ended with %v on SIGTERM, want 0", err)
		}
	case <-time.After(30 * time.Second):
		f.t.Error("the daemon did not end on SIGTERM")
	}
}

// fill starts the campaign with leads that go straight into the record. They are due at a time, or at once when it is zero.
func (f *fleetTest) fill(n int, due time.Time) {
	f.t.Helper()
	path, _ := f.config()
	f.run("campaign", "apply", "campaign.yaml", "--config", path)
	f.run("campaign", "start", "spring", "--no-import", "--config", path)
	ctx, record := f.t.Context(), store.New(f.redis.Client(f.t), store.Options{})
	list := campaign.List{ID: "bench", Source: "bench", Columns: []string{"Phone", "Name", "State"}, Roles: map[string]int{
		campaign.RolePhone: 0, campaign.RoleName: 1, campaign.RoleState: 2,
	}}
	if err := record.AddList(ctx, "spring", list); err != nil {
		f.t.Fatal(err)
	}
	for first := 0; first < n; first += 4000 {
		leads, lanes := make([]store.NewLead, min(4000, n-first)), map[string]store.Place{}
		for i := range leads {
			where := benchPlaces[i%len(benchPlaces)]
			phone := fmt.Sprintf("+1%s%07d", where.area, 2_200_000+(first+i)/len(benchPlaces))
			place := region.Locate(region.Signals{Phone: phone, State: where.state})
			lane := campaign.LaneID(place.Regions, place.Zones)
			lanes[lane] = store.Place{Zones: place.Zones, Regions: place.Regions}
			leads[i] = store.NewLead{
				Phone: campaign.Phone(phone), Lane: lane, List: list.ID, Row: []string{phone, fmt.Sprintf("Lead %d", first+i), where.state},
				State: campaign.LeadNew, Due: due,
			}
		}
		if err := record.PutLanes(ctx, "spring", lanes); err != nil {
			f.t.Fatal(err)
		}
		if _, err := record.AddLeads(ctx, "spring", leads); err != nil {
			f.t.Fatal(err)
		}
	}
}

// BenchmarkIdle is what a daemon costs that has nothing to do: processor time of it and of its Redis in percent of a core, and the memory
// that it holds. The leads of its running campaign wait for the day after tomorrow.
func BenchmarkIdle(b *testing.B) {
	const settle, watch = 10 * time.Second, 20 * time.Second
	for _, leads := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("leads=%d", leads), func(b *testing.B) {
			for b.Loop() {
				f := newFleetBench(b)
				f.fill(leads, time.Now().Add(48*time.Hour))
				p := f.serve()
				client := f.redis.Client(b)
				time.Sleep(settle)
				began, redis := cpuOf(b, p.Process.Pid), redisSeconds(b, client.Info(b.Context(), "cpu").Val())
				time.Sleep(watch)
				b.ReportMetric(100*(cpuOf(b, p.Process.Pid)-began).Seconds()/watch.Seconds(), "cpu-%")
				b.ReportMetric(100*(redisSeconds(b, client.Info(b.Context(), "cpu").Val())-redis)/watch.Seconds(), "redis-cpu-%")
				b.ReportMetric(residentMiB(b, p.Process.Pid, "VmRSS"), "MiB")
				b.ReportMetric(residentMiB(b, p.Process.Pid, "RssAnon"), "own-MiB")
				f.end(p)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkStart is the time from the start of the process until it serves, with a million leads in a Redis that is running. It has run
// before: its webhooks are subscribed, and the fleet knows its team's agents.
func BenchmarkStart(b *testing.B) {
	for _, leads := range []int{0, 1_000_000} {
		b.Run(fmt.Sprintf("leads=%d", leads), func(b *testing.B) {
			f := newFleetBench(b)
			f.hooks = "http://" + freeAddress(b)
			f.fill(leads, time.Time{})
			f.end(f.serve())
			var took time.Duration
			n := 0
			for b.Loop() {
				n++
				began := time.Now()
				p := f.launch()
				for f.get("http://"+p.admin+"/readyz") != http.StatusOK {
					if time.Since(began) > time.Minute {
						b.Fatal("the daemon is not ready after a minute")
					}
					time.Sleep(2 * time.Millisecond)
				}
				took += time.Since(began)
				b.StopTimer()
				f.end(p)
				b.StartTimer()
			}
			b.ReportMetric(float64(took.Milliseconds())/float64(n), "serving-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpuOf is the processor time that a process has used.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("SKIPPED: what a process costs is read from /proc, which is Linux': ", err)
	}
	// The name, the second field, is in brackets and may contain anything. User and system time are fields 14 and 15, in 1/100 s.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields, sum := strings.Fields(rest), 0
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		sum += ticks
	}
	return time.Duration(sum) * 10 * time.Millisecond
}

// residentMiB is the memory that a process holds: in all (VmRSS), or without the pages of its program's file (RssAnon).
func residentMiB(b *testing.B, pid int, which string) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	kB := 0
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, which+": %d kB", &kB); err == nil {
			return float64(kB) / 1024
		}
	}
	b.Fatal("no ", which)
	return 0
}

// redisSeconds is the processor time that a redis-server has used, of its INFO.
func redisSeconds(b *testing.B, info string) float64 {
	b.Helper()
	sum := 0.0
	for line := range strings.Lines(info) {
		for _, name := range []string{"used_cpu_user:", "used_cpu_sys:"} {
			var used float64
			if _, err := fmt.Sscanf(line, name+"%f", &used); err == nil {
				sum += used
			}
		}
	}
	return sum
}
