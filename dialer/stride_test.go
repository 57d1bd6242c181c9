package dialer

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Between two turns of a campaign that always has work, each other one has at most w/w' + 1 turns: worstWait. Campaigns join, fall idle
// and come back meanwhile.
func TestNoCampaignWaitsLongerThanItsBound(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		weights := make([]int, 2+dice.IntN(8))
		for i := range weights {
			weights[i] = 1 + dice.IntN(10)
		}
		var s stride
		name := func(i int) string { return fmt.Sprint(i) }
		waited, busy := 0, make([]bool, len(weights)) // the first campaign always has work
		worst := 0
		for range 2000 {
			best := 0
			for i := 1; i < len(weights); i++ {
				if dice.IntN(20) == 0 {
					busy[i] = !busy[i]
				}
				if busy[i] && s.pass(name(i)) < s.pass(name(best)) {
					best = i
				}
			}
			s.served(name(best), weights[best])
			if best == 0 {
				waited = 0
				continue
			}
			waited++
			worst = max(worst, waited)
		}
		if bound := worstWait(weights[0], weights[1:]); worst > bound {
			t.Fatalf("weights %v: the first waited for %d turns of others, at most %d", weights, worst, bound)
		}
	}
}

// worstWait is how many turns others of these weights can have, at most, between two of a campaign of weight own: each may have as many
// as its weight is times own, and one more for where it stood.
func worstWait(own int, others []int) int {
	turns := 0
	for _, w := range others {
		turns += (w+own-1)/own + 1
	}
	return turns
}

// The bound itself, for a reader.
func TestWorstWaitInTurns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		own    int
		others []int
		want   int
	}{
		{1, nil, 0},
		{1, []int{1}, 2},
		{3, []int{1}, 2},
		{1, []int{3}, 4},
		{1, []int{10, 10, 10}, 33},
	} {
		if got := worstWait(c.own, c.others); got != c.want {
			t.Errorf("weight %d beside %v: %d turns, want %d", c.own, c.others, got, c.want)
		}
	}
}
