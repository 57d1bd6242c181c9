package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// newCluster starts a cluster of three masters on the loopback and returns its URL.
func newCluster(t *testing.T) string {
	t.Helper()
	const nodes, slots = 3, 16384
	ports := make([]int, nodes)
	for i := range ports {
		ports[i] = freePort(t)
	}
	all := make([]*redis.Client, nodes)
	for i, port := range ports {
		node := redistest.StartServer(t, redistest.Options{Args: []string{
			"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-node-timeout", "5000",
			"--cluster-announce-ip", "127.0.0.1",
		}}).Client(t)
		if err := node.ClusterAddSlotsRange(t.Context(), slots*i/nodes, slots*(i+1)/nodes-1).Err(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := node.ClusterMeet(t.Context(), "127.0.0.1", fmt.Sprint(ports[0])).Err(); err != nil {
				t.Fatal(err)
			}
		}
		all[i] = node
	}
	for _, node := range all {
		waitFor(t, func() bool {
			info, err := node.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_size:3")
		})
	}
	return fmt.Sprintf("redis+cluster://127.0.0.1:%d,127.0.0.1:%d", ports[0], ports[1])
}

// waitFor polls until something is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatal("waited too long")
		case <-tick.C:
		}
	}
}

// freePort finds a port whose cluster port, 10000 higher, exists as well.
func freePort(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	for range 100 {
		port := 20000 + rand.IntN(20000)
		l, err := config.Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		bus, err := config.Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port+10000))
		_ = l.Close()
		if err == nil {
			_ = bus.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// On a cluster every script has to stay within its team's slot, and the global list lies on another node than the team.
func TestTheRecordOnACluster(t *testing.T) {
	t.Parallel()
	client, err := Open(t.Context(), newCluster(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	d := newDesk(t, client)
	ctx := d.Context()
	// Enough teams to have some on every node.
	for i := range 6 {
		d.apply(fmt.Sprintf("team%d", i), fmt.Sprintf("campaign%d", i))
	}
	d.apply("beta", "other")
	d.staged(20)
	urgent := newLead(30)
	urgent.Urgent, urgent.Key = true, "order 1"
	d.add(urgent)
	_, err = d.Staged(ctx, d.pickOne(), "contact")
	d.must(err)
	for i := range 10 {
		c := d.pickOne()
		id := d.begin(c)
		switch i % 4 {
		case 0:
			_, err = d.Accepted(ctx, id, fmt.Sprint("call", i), d.now, d.now)
		case 1:
			_, err = d.refuse(id, Denial{Next: StepRestage})
		case 2:
			_, err = d.InDoubt(ctx, id, "timeout", d.now)
		default:
			_, err = d.Settle(ctx, Settlement{
				AttemptID: id, Disposition: campaign.DoNotCall, Next: closedNext, Suppress: campaign.ScopeGlobal,
			}, d.now)
		}
		d.must(err)
	}
	c := d.pickOne()
	q := d.request(c)
	d.must(d.suppressOne(campaign.ScopeGlobal, phoneNumber(999)))
	_, refusal, err := d.Begin(ctx, q)
	d.must(err)
	if refusal == nil || refusal.Reason != Stale {
		d.Errorf("got %+v", refusal)
	}
	d.must(d.suppressOne(campaign.ScopeGlobal, c.Lead.Phone))
	f, err := d.Facts(ctx, c.Lead, d.day(), d.now)
	d.must(err)
	if f.Suppressed != campaign.ScopeGlobal {
		d.Errorf("got %+v", f)
	}
	d.wantState(c.Lead.ID, campaign.LeadClosed)
	_, err = d.Sweep(ctx, testTeam, d.now.Add(time.Hour))
	d.must(err)
	_, err = d.Lanes(ctx, testName)
	d.must(err)
	all, err := d.Campaigns(ctx)
	d.must(err)
	n := d.listed(campaign.ScopeGlobal, "", "")
	seen := 0
	d.must(d.EachSuppressed(ctx, campaign.ScopeGlobal, "", "", func(campaign.Phone, SuppressionInfo) error { seen++; return nil }))
	if len(all) != 8 || n != 4 || seen != 4 {
		d.Errorf("%d campaigns, %d numbers, %d seen", len(all), n, seen)
	}
	durability, err := d.Durability(ctx)
	d.must(err)
	if len(durability.Unsafe) != 3 || !strings.Contains(durability.Unsafe[0], "127.0.0.1:") {
		d.Errorf("got %q, want each master named", durability.Unsafe)
	}
	d.sound()
}
