package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// The bounds of a walk through the contacts that a team's account has already.
const (
	// AdoptLeads is for how many leads that have come since the last walk a page may be read that brings nothing, adoptPages the most
	// such pages of one walk: so walks cost at most one request for 50 leads, and each at most ten, more than they save. A walk among
	// newer contacts of others goes on by a page for every AdoptLeads contacts that were made since: two requests in a hundred, and leaps
	// keep them few: some twenty for an account of 200,000 contacts.
	AdoptLeads = 50
	adoptPages = 10
	// adoptRest is the time between two walks. After each walk that did not pay twice as many new leads are needed for the next, up to 32
	// times; after adoptForgiven a page's worth is enough again.
	adoptRest     = 10 * time.Second
	adoptForgiven = 24 * time.Hour
	// adoptStale is how long a walk may rest at its page: after that the list is another one.
	adoptStale = 10 * time.Minute
	// adoptPart is how many contacts one script looks at. A page has no more, unless the API gives more than it was asked for.
	adoptPart = 200
)

// Walk is whose leads want contacts.
type Walk struct {
	Team      string
	Campaigns []string
}

// AdoptTurn is the answer to one who offers to read a page.
type AdoptTurn struct {
	Token  string // not empty: the turn is the caller's, who ends it by Adopt
	Page   int
	Sorted bool // the API is to be asked for the newest first: it has not refused that yet
	Busy   bool // somebody else is at it, or will be in a moment
	// Until is when the turn of whoever has it has certainly ended, or before when nobody gets one. Zero with a turn.
	Until time.Time
}

// TakeAdoptTurn asks whether a page of the account's contacts is to be read, until a time by which that has certainly ended: it is where many
// leads (of unstaged) have come that no walk has looked for, and goes on while pages bring more than they cost.
func (s *Store) TakeAdoptTurn(ctx context.Context, w Walk, unstaged int, now, until time.Time) (AdoptTurn, error) {
	a := adoptArgs{Now: ms(now), Token: newToken(), Until: ms(until), Unstaged: unstaged}
	words, _, err := s.adopt(ctx, w, a)
	if err != nil {
		return AdoptTurn{}, err
	}
	if words[2] == "page" {
		page, err := strconv.Atoi(words[3])
		return AdoptTurn{Token: a.Token, Page: page, Sorted: words[4] == "1"}, err
	}
	return AdoptTurn{Busy: words[2] == "busy", Until: fromMS(words[3])}, nil
}

// What became of the turn to read a page.
const (
	AdoptRead   = "read"
	AdoptLast   = "last"   // nothing follows the page
	AdoptFailed = "failed" // a request was spent for nothing
	AdoptUnsent = "unsent"
	adoptMore   = "part"
)

// AdoptPage is what became of a turn.
type AdoptPage struct {
	Walk
	Token    string
	What     string
	Contacts map[campaign.Phone]string // of the page
	Unsorted bool                      // the API refuses to sort its list
	Wait     time.Time                 // after AdoptFailed and AdoptUnsent: nobody gets a turn before
}

// Adopted is what a page brought.
type Adopted struct {
	Phones int   // that were given a contact
	Leads  []int // that were staged by that, for each campaign of the walk
	// Ended says that the walk is over, Requests and Saved what all of it cost and brought.
	Ended           bool
	Requests, Saved int
}

// Adopt ends a turn: phones of unstaged leads that have no contact yet take those of the page, and their leads are ready to be called. A
// phone that nobody waits for is not written down.
func (s *Store) Adopt(ctx context.Context, page AdoptPage, now time.Time) (Adopted, error) {
	phones := make([]campaign.Phone, 0, len(page.Contacts))
	for phone := range page.Contacts {
		if err := checkPhone(phone); err != nil {
			return Adopted{}, fmt.Errorf("adopt contacts of team %q: %w", page.Team, err)
		}
		phones = append(phones, phone)
	}
	slices.Sort(phones)
	all := Adopted{Leads: make([]int, len(page.Campaigns))}
	for first := true; first || len(phones) > 0; first = false {
		part := phones[:min(len(phones), adoptPart)]
		phones = phones[len(part):]
		a := adoptArgs{Now: ms(now), Token: page.Token, What: page.What, Unsorted: flag(page.Unsorted), Wait: ms(page.Wait), Phones: part}
		if len(phones) > 0 {
			a.What = adoptMore
		}
		for _, phone := range part {
			a.Contacts = append(a.Contacts, shortID(page.Contacts[phone]))
		}
		words, leads, err := s.adopt(ctx, page.Walk, a)
		if err != nil {
			return all, err
		}
		all.Phones += atoi(words[1])
		for i, n := range leads {
			all.Leads[i] += n
		}
		all.Ended, all.Requests, all.Saved = words[5] != "", atoi(words[5]), atoi(words[6])
	}
	return all, nil
}

// adoptArgs is what adopt.lua is asked.
type adoptArgs struct {
	Now      int64            `json:"t"`
	Token    string           `json:"o"`
	Until    int64            `json:"g,omitempty"`
	Unstaged int              `json:"u"`
	What     string           `json:"r,omitempty"`
	Unsorted int              `json:"x,omitempty"`
	Wait     int64            `json:"w,omitempty"`
	Numbers  []string         `json:"n"`
	Phones   []campaign.Phone `json:"p,omitempty"`
	Contacts []string         `json:"i,omitempty"`
	Leads    [][]string       `json:"l,omitempty"`
	Min      int              `json:"min"`
	Most     int              `json:"most"`
	Rest     int64            `json:"rest"`
	Forgiven int64            `json:"day"`
	Stale    int64            `json:"stale"`
}

// adopt runs the script. It returns its words and how many leads of each campaign were staged.
func (s *Store) adopt(ctx context.Context, w Walk, a adoptArgs) (words reply, leads []int, err error) {
	fail := func(err error) (reply, []int, error) {
		return nil, nil, fmt.Errorf("adopt contacts of team %q: %w", w.Team, err)
	}
	a.Min, a.Most = AdoptLeads, adoptPages
	a.Rest, a.Forgiven, a.Stale = adoptRest.Milliseconds(), adoptForgiven.Milliseconds(), adoptStale.Milliseconds()
	for _, name := range w.Campaigns {
		r, err := s.campaignRef(ctx, name)
		if err != nil {
			return fail(err)
		}
		a.Numbers = append(a.Numbers, strconv.FormatInt(r.n, 10))
		if len(a.Phones) == 0 {
			continue
		}
		own := make([]string, len(a.Phones))
		for i, phone := range a.Phones {
			own[i] = campaign.LeadID(w.Team, name, string(phone))
		}
		a.Leads = append(a.Leads, own)
	}
	if len(a.Numbers) == 0 {
		return fail(fmt.Errorf("no campaign named"))
	}
	question, err := json.Marshal(a)
	if err != nil {
		return fail(err)
	}
	if words, err = s.run(ctx, scriptAdopt, w.Team, question); err != nil {
		return fail(err)
	}
	for _, n := range words[7:] {
		leads = append(leads, atoi(n))
	}
	return words, leads, nil
}
