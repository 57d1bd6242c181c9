package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// BenchmarkLeadMemory is what Redis keeps for each lead with ten attributes, all indexes included: imported, staged, and for each call that
// was placed and settled: for good, for the two days that the API's id of a call is known, and in the record of decisions, which leaves
// Redis for the disk. B/task is an asynq task for each lead, as facts of the queue have it: an id and a payload of 200 bytes.
func BenchmarkLeadMemory(b *testing.B) {
	leads := 100_000
	if testing.Short() {
		leads = 12_000
	}
	for b.Loop() {
		server := redistest.StartServer(b, redistest.Options{})
		s := benchStore(b, server.Client(b))
		ctx := b.Context()
		was := usedMemory(b, s.client)
		measure := func(name string) {
			now := usedMemory(b, s.client)
			b.ReportMetric(float64(now-was)/float64(leads), name)
			was = now
		}
		batch := make([]NewLead, 4000)
		for first := 0; first < leads; first += len(batch) {
			batch = batch[:min(len(batch), leads-first)]
			for i := range batch {
				batch[i] = benchLead(first + i)
			}
			if _, err := s.AddLeads(ctx, testName, batch); err != nil {
				b.Fatal(err)
			}
		}
		imported := was
		measure("B/imported")
		for staged := 0; staged < leads; {
			claims, err := s.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 500, Now: start, Lease: time.Minute})
			if err != nil || len(claims) == 0 {
				b.Fatal(len(claims), err)
			}
			for i, c := range claims {
				if _, err := s.Staged(ctx, c, fmt.Sprintf("0f1e2d3c-4b5a-6978-8796-%012d", staged+i)); err != nil {
					b.Fatal(err)
				}
			}
			staged += len(claims)
		}
		b.ReportMetric(float64(usedMemory(b, s.client)-imported)/float64(leads), "B/staged")
		was = usedMemory(b, s.client)
		for i := range leads {
			benchCall(b, s, i)
		}
		if err := s.client.XTrimMaxLen(ctx, teamKey(testTeam, "audit"), 0).Err(); err != nil {
			b.Fatal(err)
		}
		total := usedMemory(b, s.client)
		b.ReportMetric(float64(total-was)/float64(leads), "B/attempt-of-today")
		for {
			swept, err := s.Sweep(ctx, testTeam, start.Add(callsRemembered+time.Hour))
			if err != nil {
				b.Fatal(err)
			}
			if swept.Calls == 0 {
				break
			}
		}
		measure("B/attempt")

		tasks := redistest.StartServer(b, redistest.Options{}).Client(b)
		queue := asynq.NewClientFromRedisClient(tasks)
		before := usedMemory(b, tasks)
		for i := range leads {
			task := asynq.NewTask("dial", make([]byte, 200))
			if _, err := queue.EnqueueContext(ctx, task, asynq.TaskID(string(benchLead(i).Phone)), asynq.Queue("call")); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(usedMemory(b, tasks)-before)/float64(leads), "B/task")
		b.ReportMetric(0, "ns/op")
	}
}

// benchCall places and settles the call of the next lead.
func benchCall(b *testing.B, s *Store, i int) {
	b.Helper()
	ctx := b.Context()
	c, err := s.Pick(ctx, PickRequest{Campaign: testName, Lanes: []string{testLane}, Now: start, Lease: time.Minute})
	if err != nil || c == nil {
		b.Fatal(c, err)
	}
	f, err := s.Facts(ctx, c.Lead, "2026-03-10", start)
	if err != nil {
		b.Fatal(err)
	}
	id, refusal, err := s.Begin(ctx, BeginRequest{
		Claim: c, Agent: "aB3dE9fG", Now: start, Deadline: start.Add(15 * time.Second), Day: "2026-03-10", TeamEpoch: f.TeamEpoch, CampaignEpoch: f.CampaignEpoch,
	})
	if err != nil || refusal != nil {
		b.Fatal(refusal, err)
	}
	call := fmt.Sprintf("0f1e2d3c-4b5a-6978-8796-%012d", i)
	if _, err := s.Accepted(ctx, id, call, start, start); err != nil {
		b.Fatal(err)
	}
	_, err = s.Settle(ctx, Settlement{
		AttemptID: id, CallID: call, Disposition: campaign.NoAnswer, Status: "NO_ANSWER", Next: Next{State: campaign.LeadClosed},
	}, start)
	if err != nil {
		b.Fatal(err)
	}
}
