package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

// tallied is one counter of a team.
type tallied struct {
	hash  string // its key, behind the team's prefix: c:N:count, flight or days
	field string
}

// weight is what one lead adds to the counters. Many leads weigh the same and share one.
type weight map[tallied]int

// weigh says what a lead adds to the counters; tally_lead and the scripts of attempts do the same step by step.
func (rec *leadRecord) weigh(n int64) weight {
	w := weight{}
	of := tallied{hash: "c:" + strconv.FormatInt(n, 10) + ":count"}
	add := func(field string, by int) {
		of.field = field
		w[of] += by
	}
	add("s:"+string(rec.State), 1)
	if rec.Reason != "" {
		add("r:"+string(rec.State)+":"+string(rec.Reason), 1)
	}
	if rec.Disposition != "" {
		add("z:"+string(rec.Disposition), 1)
	}
	add("a:refused", rec.Unlisted)
	for i := range rec.Attempts {
		a := &rec.Attempts[i]
		add("a:"+string(a.State), 1)
		if a.State == campaign.Refused {
			continue
		}
		day := strconv.FormatInt(a.Day, 10)
		add("calls", 1)
		add("day:"+day, 1)
		w[tallied{"days", "agent:" + a.Agent + ":" + day}]++
		w[tallied{"days", "team:" + strconv.FormatInt(cmp.Or(a.TeamDay, a.Day), 10)}]++
		add("sec:spent", a.charged())
		w[tallied{"days", "talk:" + strconv.FormatInt(cmp.Or(a.TeamDay, a.Day)/100, 10)}] += a.charged()
		if a.Odd != 0 {
			add("w:"+a.Status, 1)
		}
		if a.State.Open() {
			add("inflight", 1-a.Lapsed)
			w[tallied{"flight", "team"}] += 1 - a.Lapsed
			w[tallied{"flight", "agent:" + a.Agent}] += 1 - a.Lapsed
			add("sec:reserved", int(a.Reserved))
		}
	}
	for c, n := range w {
		if n == 0 {
			delete(w, c)
		}
	}
	return w
}

// plain is the weight of a lead without attempts, shared by all that weigh the same.
type plain struct {
	n           int64
	state       campaign.LeadState
	reason      campaign.Reason
	disposition campaign.Disposition
}

// scale sums weights up, and remembers of each lead what it put in, where that is asked for.
type scale struct {
	sum    weight
	of     map[string]weight // "N.lead" → what it put in; nil = nobody asks
	shared map[plain]weight
}

func newScale(remember bool) *scale {
	s := &scale{sum: weight{}, shared: map[plain]weight{}}
	if remember {
		s.of = map[string]weight{}
	}
	return s
}

// put adds a lead.
func (s *scale) put(r ref, lead string, rec *leadRecord) {
	var w weight
	if len(rec.Attempts) == 0 && rec.Unlisted == 0 {
		p := plain{r.n, rec.State, rec.Reason, rec.Disposition}
		if w = s.shared[p]; w == nil {
			w = rec.weigh(r.n)
			s.shared[p] = w
		}
	} else {
		w = rec.weigh(r.n)
	}
	s.add(w, 1)
	if s.of != nil {
		s.of[r.member(lead)] = w
	}
}

// add adds a weight so many times.
func (s *scale) add(w weight, times int) {
	for c, n := range w {
		s.sum[c] += times * n
	}
}

// take takes a lead out again that was put in before.
func (s *scale) take(member string) {
	s.add(s.of[member], -1)
	delete(s.of, member)
}

// hash is the sums of one hash; what is zero is left out.
func (s *scale) hash(name string) map[string]int {
	all := map[string]int{}
	for c, n := range s.sum {
		if c.hash == name && n != 0 {
			all[c.field] = n
		}
	}
	return all
}

// again puts leads in anew, as they are now.
func (s *scale) again(ctx context.Context, st *Store, refs map[int64]ref, members []string) error {
	byCampaign := map[int64][]string{}
	for _, member := range members {
		s.take(member)
		number, lead, _ := strings.Cut(member, ".")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return fmt.Errorf("lead %q that was changed: %w", member, err)
		}
		byCampaign[n] = append(byCampaign[n], lead)
	}
	for n, leads := range byCampaign {
		r, ok := refs[n]
		if !ok {
			return fmt.Errorf("a campaign, number %d, was made during the recount", n)
		}
		for part := range slices.Chunk(leads, 500) {
			raws, err := st.client.HMGet(ctx, r.key("leads"), part...).Result()
			if err != nil {
				return fmt.Errorf("read changed leads of %q: %w", r.name, err)
			}
			for i, raw := range raws {
				text, there := raw.(string)
				if !there {
					continue // forgotten
				}
				if rec, _, err := parseRecord(text); err == nil {
					s.put(r, part[i], rec)
				}
			}
		}
	}
	return nil
}
