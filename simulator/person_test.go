package simulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// rang is what happened at the rings of each phone.
func rang(s *Server) map[string][]Outcome {
	out := map[string][]Outcome{}
	for phone, rings := range RingsByPhone(s.Rings()) {
		for _, r := range rings {
			out[phone] = append(out[phone], r.Outcome)
		}
	}
	return out
}

func TestSameSeedSamePeopleWhateverTheOrderOfRequests(t *testing.T) {
	t.Parallel()
	world := func(shuffle uint64, workers int) map[string][]Outcome {
		var got map[string][]Outcome
		synctest.Test(t, func(t *testing.T) {
			h := &hooks{}
			s, c := inBubble(t, Config{Seed: 7, Profile: Messy(), Limit: Limit{NoFixed: true, NoSliding: true}, Client: h.client()})
			s.ClearFaults()
			c.subscribe(EventResponse, DefaultAgentID)
			order := make([]int, 0, 240)
			for i := range 80 {
				order = append(order, i, i, i) // every phone rings three times
			}
			r := rand.New(rand.NewPCG(shuffle, 0))
			r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			work := make(chan int)
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for i := range work {
						phone := fmt.Sprintf("+1312555%04d", i)
						a, err := c.try(context.Background(), "POST", "/contact/create", `{"phone_number":"`+phone+`"}`)
						if err != nil || a.status != 200 {
							t.Error(a.text, err)
							continue
						}
						id := a.id(t)
						if id == "" { // the mixed shape's own: ids of contacts are always plain
							t.Error("no id in " + a.text)
						}
						if a, err := c.try(context.Background(), "POST", "/contact/call", callBody(id, "x")); err != nil || a.status != 200 {
							t.Error(a.text, err)
						}
					}
				})
			}
			for _, i := range order {
				work <- i
			}
			close(work)
			wg.Wait()
			got = rang(s)
		})
		return got
	}
	first := world(1, 1)
	if diff := cmp.Diff(first, world(2, 16)); diff != "" {
		t.Errorf("another order, other people (-one worker +sixteen):\n%s", diff)
	}
	kinds := map[Outcome]bool{}
	for _, list := range first {
		for _, o := range list {
			kinds[o] = true
		}
	}
	moody := 0
	for _, list := range first {
		if list[0] != list[1] || list[1] != list[2] {
			moody++
		}
	}
	if moody < 40 {
		t.Errorf("only %d of 80 people ever do something else", moody)
	}
	if len(kinds) < 8 {
		t.Errorf("only %d kinds of outcome in 240 rings: %v", len(kinds), kinds)
	}
}

func TestPeopleFollowTheWeights(t *testing.T) {
	t.Parallel()
	p := Calm().People
	got := map[Outcome]float64{}
	const n = 20000
	for i := range n {
		got[p.meet(3, fmt.Sprint(i/4), 1+i%4).outcome] += 100.0 / n
	}
	for o, w := range p.Weights { // the weights of Calm sum to 100
		if d := got[o] - w; d < -1.5 || d > 1.5 {
			t.Errorf("%s: %.1f %%, want %.0f", o, got[o], w)
		}
	}
	if got[Suppressed]+got[Stuck]+got[Strange] != 0 {
		t.Error("an outcome of weight 0")
	}
}

func TestAnotherSeedMakesOtherPeople(t *testing.T) {
	t.Parallel()
	differ := 0
	for i := range 100 {
		if Calm().People.meet(1, fmt.Sprint(i), 1).outcome != Calm().People.meet(2, fmt.Sprint(i), 1).outcome {
			differ++
		}
	}
	if differ < 50 {
		t.Errorf("%d of 100 differ", differ)
	}
}

func TestOverridesSayWhatAPhoneDoes(t *testing.T) {
	t.Parallel()
	s, c := overTCP(t, Config{Profile: quiet(func(p *Profile) {
		p.People.Phones = map[string][]Outcome{phone1: {Busy, NoAnswer, OptOut}}
		p.People.Suppressed = []string{phone2}
	})})
	id, blocked := c.contact(phone1), c.contact(phone2)
	for range 4 {
		c.call(id, "a")
	}
	c.call(blocked, "b")
	want := map[string][]Outcome{phone1: {Busy, NoAnswer, OptOut, OptOut}}
	if diff := cmp.Diff(want, rang(s)); diff != "" {
		t.Errorf("a suppressed phone must not ring:\n%s", diff)
	}
	if s.Meet(phone1, 2) != NoAnswer || s.Meet(phone2, 1) != Suppressed || s.Meet(phone3, 1) != Completed {
		t.Error("Meet says otherwise than what rang")
	}
	if a := c.want(200, "GET", "/interview/"+DefaultAgentID+"/responses?search="+strings.TrimPrefix(phone2, "+"), ""); !strings.Contains(a.text, `"SUPPRESSED"`) {
		t.Errorf("no SUPPRESSED record: %s", a.text)
	}
	p := s.Profile()
	p.API.Blocked = BlockedRefuse
	if err := s.SetProfile(p); err != nil {
		t.Fatal(err)
	}
	c.want(400, "POST", "/contact/call", callBody(blocked, "b"))
	s.Suppress(phone1)
	c.want(400, "POST", "/contact/call", callBody(id, "b"))
}

func TestEveryOutcomeHasWords(t *testing.T) {
	t.Parallel()
	if len(wordsOver) != len(Outcomes) {
		t.Errorf("%d outcomes, words for %d", len(Outcomes), len(wordsOver))
	}
	for _, o := range Outcomes {
		if w := wordsOver[o]; w.real == "" || w.documented == "" || slices.Contains(w.others, "") {
			t.Errorf("%s: a word is missing: %+v", o, w)
		}
	}
}
