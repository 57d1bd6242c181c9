package store

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// benchServers are the settings that are worth comparing.
var benchServers = map[string]redistest.Options{
	"nothing kept":       {},
	"appendfsync always": {AppendOnly: true},
}

func benchStore(b *testing.B, client redis.UniversalClient) *Store {
	b.Helper()
	s := New(client, Options{Backlog: 10_000_000}) // nobody archives the record meanwhile
	if _, err := s.Apply(b.Context(), testCampaign(testTeam, testName), start); err != nil {
		b.Fatal(err)
	}
	if err := s.PutLanes(b.Context(), testName, map[string]Place{testLane: {Zones: []string{"America/New_York"}}}); err != nil {
		b.Fatal(err)
	}
	list := campaign.List{ID: "benchlst", Columns: []string{"Phone", "Name", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"}}
	if err := s.AddList(b.Context(), testName, list); err != nil {
		b.Fatal(err)
	}
	return s
}

// benchLead is a lead with ten cells of 121 bytes together, as the memory figures are stated for.
func benchLead(i int) NewLead {
	phone := campaign.Phone(fmt.Sprintf("+1212%07d", i))
	return NewLead{
		Phone: phone, Lane: testLane, List: "benchlst",
		Row: []string{
			string(phone), fmt.Sprintf("Person Number%07d", i), "New York", "10001-1234", "gold plan", "renewal", "2026-03-01", "agent seven",
			"spring offer", "prefers mornings",
		},
	}
}

// BenchmarkAddLeads takes in leads a batch at a time; memory is what Redis uses for each, all indexes included.
func BenchmarkAddLeads(b *testing.B) {
	for name, o := range benchServers {
		for _, batch := range []int{500, 4000} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, batch), func(b *testing.B) {
				client := redistest.StartServer(b, o).Client(b)
				s := benchStore(b, client)
				before := usedMemory(b, client)
				leads := make([]NewLead, batch)
				n := 0
				for b.Loop() {
					for i := range leads {
						leads[i] = benchLead(n)
						n++
					}
					if _, err := s.AddLeads(b.Context(), testName, leads); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "leads/s")
				b.ReportMetric(float64(usedMemory(b, client)-before)/float64(n), "B/lead")
			})
		}
	}
}

func usedMemory(b *testing.B, client redis.UniversalClient) int64 {
	b.Helper()
	text, err := client.Info(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	var used int64
	for line := range strings.SplitSeq(text, "\r\n") {
		if _, err := fmt.Sscanf(line, "used_memory:%d", &used); err == nil {
			return used
		}
	}
	b.Fatal("no used_memory")
	return 0
}

// redisCPU is the processor time that a server has used, in seconds.
func redisCPU(b *testing.B, client redis.UniversalClient) float64 {
	b.Helper()
	text, err := client.Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	sum := 0.0
	for line := range strings.SplitSeq(text, "\r\n") {
		for _, name := range []string{"used_cpu_user:", "used_cpu_sys:"} {
			var used float64
			if _, err := fmt.Sscanf(line, name+"%f", &used); err == nil {
				sum += used
			}
		}
	}
	return sum
}

// redisCommands is how many commands a server has run, those within scripts included.
func redisCommands(b *testing.B, client redis.UniversalClient) (n float64) {
	b.Helper()
	text, err := client.Info(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if _, stats, ok := strings.Cut(line, ":calls="); ok {
			calls, _, _ := strings.Cut(stats, ",")
			k, err := strconv.ParseFloat(calls, 64)
			if err != nil {
				b.Fatal(err)
			}
			n += k
		}
	}
	return n
}

// BenchmarkReimport adds leads that are there already.
func BenchmarkReimport(b *testing.B) {
	for name, o := range benchServers {
		b.Run(name, func(b *testing.B) {
			s := benchStore(b, redistest.StartServer(b, o).Client(b))
			leads := make([]NewLead, 4000)
			for i := range leads {
				leads[i] = benchLead(i)
			}
			for b.Loop() {
				if _, err := s.AddLeads(b.Context(), testName, leads); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(leads)*b.N)/b.Elapsed().Seconds(), "leads/s")
		})
	}
}

// benchDecision is as long as a worker's.
var benchDecision = `{"verdict":"allow","detail":"` + strings.Repeat("0123456789", 250) + `"}`

// BenchmarkBegin is the binding step alone, and the whole way of a call through the record: pick, facts, begin, accepted, settle.
func BenchmarkBegin(b *testing.B) {
	for name, o := range benchServers {
		b.Run(name, func(b *testing.B) {
			s := benchStore(b, redistest.StartServer(b, o).Client(b))
			ctx, n, begun := b.Context(), 0, time.Duration(0)
			fill := func() {
				leads := make([]NewLead, 1000)
				for i := range leads {
					leads[i] = benchLead(n)
					n++
				}
				if _, err := s.AddLeads(ctx, testName, leads); err != nil {
					b.Fatal(err)
				}
				claims, err := s.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 1000, Now: start, Lease: time.Minute})
				if err != nil {
					b.Fatal(err)
				}
				for _, c := range claims {
					if _, err := s.Staged(ctx, c, "0f1e2d3c-"+string(c.Lead.Phone)); err != nil {
						b.Fatal(err)
					}
				}
			}
			calls, cpu, commands := 0, 0.0, 0.0
			for b.Loop() {
				if calls%1000 == 0 {
					b.StopTimer()
					spent, ran := redisCPU(b, s.client), redisCommands(b, s.client)
					fill()
					commands -= redisCommands(b, s.client) - ran
					cpu -= redisCPU(b, s.client) - spent
					b.StartTimer()
				}
				calls++
				c, err := s.Pick(ctx, PickRequest{Campaign: testName, Lanes: []string{testLane}, Now: start, Lease: time.Minute})
				if err != nil || c == nil {
					b.Fatal(c, err)
				}
				f, err := s.Facts(ctx, c.Lead, "2026-03-10", start)
				if err != nil {
					b.Fatal(err)
				}
				c.Decision = &Decision{Detail: benchDecision}
				t := time.Now()
				id, refusal, err := s.Begin(ctx, BeginRequest{
					Claim: c, Agent: "aB3dE9fG", Now: start, Deadline: start.Add(15 * time.Second), Day: "2026-03-10", Lifetime: 6, Gap: 4 * time.Hour,
					Caps: []Cap{
						{2, 24 * time.Hour, campaign.ReasonCap24h}, {4, 7 * 24 * time.Hour, campaign.ReasonCap7d}, {6, 30 * 24 * time.Hour, campaign.ReasonCap30d},
					},
					TeamEpoch: f.TeamEpoch, CampaignEpoch: f.CampaignEpoch,
				})
				begun += time.Since(t)
				if err != nil || refusal != nil {
					b.Fatal(refusal, err)
				}
				call := fmt.Sprintf("0f1e2d3c-4b5a-6978-8796-%012d", calls)
				if _, err := s.Accepted(ctx, id, call, start, start); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Settle(ctx, Settlement{
					AttemptID: id, CallID: call, Disposition: campaign.NoAnswer, Status: "NO_ANSWER", Next: Next{State: campaign.LeadClosed},
				}, start); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpu+redisCPU(b, s.client))*1e6/float64(calls), "redis-cpu-µs/call")
			b.ReportMetric((commands+redisCommands(b, s.client))/float64(calls), "redis-commands/call")
			b.ReportMetric(float64(begun.Microseconds())/float64(calls), "µs/begin")
			b.ReportMetric(float64(calls)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// BenchmarkWhy is what `why` costs in the server with a million leads in the record: find the phone's leads, read the facts, ask every
// rule.
func BenchmarkWhy(b *testing.B) {
	const leads = 1_000_000
	s := benchStore(b, redistest.StartServer(b, redistest.Options{}).Client(b))
	batch := make([]NewLead, 4000)
	for first := 0; first < leads; first += len(batch) {
		for i := range batch {
			batch[i] = benchLead(first + i)
		}
		if _, err := s.AddLeads(b.Context(), testName, batch); err != nil {
			b.Fatal(err)
		}
	}
	r, err := s.Campaign(b.Context(), testName)
	if err != nil {
		b.Fatal(err)
	}
	plan := campaign.NewPlan(&r.Campaign)
	place, err := plan.CompilePlace([]string{"US-NY"}, []string{"America/New_York"})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		found, err := s.LeadsByPhone(b.Context(), benchLead(n*7919%leads).Phone, "")
		if err != nil || len(found) != 1 {
			b.Fatal(len(found), err)
		}
		f, err := s.FactsOf(b.Context(), FactsQuery{Lead: found[0], Day: "2026-03-10", Now: start})
		if err != nil {
			b.Fatal(err)
		}
		campaign.Explain(campaign.Subject{Plan: plan, Lead: found[0], Place: place, Facts: f}, start)
	}
	if per := b.Elapsed() / time.Duration(n); per > 10*time.Millisecond {
		b.Errorf("%s, more than 10 ms", per)
	}
}
