package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// Counts are a campaign's counters. They always equal what counting the records would give; what is zero is absent.
type Counts struct {
	Leads        int                                            // all of them
	States       map[campaign.LeadState]int                     // leads by state
	Reasons      map[campaign.LeadState]map[campaign.Reason]int // leads that have a reason, by state
	Dispositions map[campaign.Disposition]int                   // leads by their last disposition
	Attempts     map[campaign.AttemptState]int                  // attempts by state
	InFlight     int                                            // attempts that are open
	Calls        int                                            // attempts that may have rung
	Days         map[string]int                                 // of them, by day ("2006-01-02")
	OddWords     map[string]int                                 // of them, by the API's last word for them, where nobody knows that word
	Talked       time.Duration                                  // spent by settled attempts
	Reserved     time.Duration                                  // kept back for those that are open
}

// Held are the held leads by reason.
func (c *Counts) Held() map[campaign.Reason]int {
	if held := c.Reasons[campaign.LeadHeld]; held != nil {
		return held
	}
	return map[campaign.Reason]int{}
}

// Open is how many leads may still be called.
func (c *Counts) Open() int {
	return c.States[campaign.LeadNew] + c.States[campaign.LeadStaged] + c.States[campaign.LeadWaiting] + c.States[campaign.LeadCalling]
}

// Talk is what the campaign has talked, at a price for a minute; 0 = not known.
func (c *Counts) Talk(perMinute float64) campaign.Talk {
	return campaign.Talk{Spent: c.Talked, Reserved: c.Reserved, PerMinute: perMinute}
}

// Counts reads the counters of a campaign; what it costs does not depend on the number of leads.
func (s *Store) Counts(ctx context.Context, name string) (*Counts, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	fields, err := s.client.HGetAll(ctx, r.key("count")).Result()
	if err != nil {
		return nil, fmt.Errorf("read counters of %q: %w", name, err)
	}
	return readCounts(fields), nil
}

func readCounts(fields map[string]string) *Counts {
	c := &Counts{
		States: map[campaign.LeadState]int{}, Reasons: map[campaign.LeadState]map[campaign.Reason]int{},
		Dispositions: map[campaign.Disposition]int{}, Attempts: map[campaign.AttemptState]int{}, Days: map[string]int{},
		InFlight: atoi(fields["inflight"]), Calls: atoi(fields["calls"]),
		Talked: time.Duration(atoi(fields["sec:spent"])) * time.Second, Reserved: time.Duration(atoi(fields["sec:reserved"])) * time.Second,
	}
	for field, value := range fields {
		kind, rest, _ := strings.Cut(field, ":")
		n := atoi(value)
		switch kind {
		case "s":
			c.States[campaign.LeadState(rest)] += n
			c.Leads += n
		case "r":
			state, reason, _ := strings.Cut(rest, ":")
			by := c.Reasons[campaign.LeadState(state)]
			if by == nil {
				by = map[campaign.Reason]int{}
				c.Reasons[campaign.LeadState(state)] = by
			}
			by[campaign.Reason(reason)] += n
		case "z":
			c.Dispositions[campaign.Disposition(rest)] += n
		case "a":
			c.Attempts[campaign.AttemptState(rest)] += n
		case "w":
			if c.OddWords == nil {
				c.OddWords = map[string]int{}
			}
			c.OddWords[rest] += n
		case "day":
			if day, err := time.Parse("20060102", rest); err == nil {
				c.Days[day.Format(time.DateOnly)] += n
			}
		}
	}
	return c
}
