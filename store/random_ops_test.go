package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

func (w *world) addSome() {
	name := pickOf(w, w.names)
	var leads []NewLead
	for range w.rng.IntN(8) {
		l := newLead(w.rng.IntN(phones))
		l.Lane = pickOf(w, []string{testLane, "west"})
		l.Row[3] = pickOf(w, []string{"gold", "gold", "tin"})
		l.Priority = pickOf(w, []int{0, 0, 0, 7, -1000, 1000})
		switch w.rng.IntN(10) {
		case 0:
			l.Key = fmt.Sprintf("order/%d", w.rng.IntN(4)) // two rows may give it different phones
		case 1:
			l.State, l.Reason = campaign.LeadHeld, campaign.ReasonNoZone
			l.Lane = pickOf(w, []string{"", testLane})
		case 2:
			l.State = campaign.LeadClosed
		case 3:
			l.Urgent = true
		case 4:
			l.Due = w.now.Add(time.Hour)
			l.Promised = w.rng.IntN(2) == 0
		}
		leads = append(leads, l)
	}
	preview, err := w.store().PreviewLeads(w.Context(), name, leads)
	w.must(err)
	added, err := w.store().AddLeads(w.Context(), name, leads)
	w.must(err)
	if !slices.Equal(preview, added) {
		w.broken("the preview said %v, and it became %v", preview, added)
	}
	w.note("add %d leads to %s: %v", len(leads), name, added)
	again, err := w.store().AddLeads(w.Context(), name, leads)
	w.must(err)
	for i := range again {
		if got := again[i].Outcome; got != LeadUnchanged && got != LeadDuplicate {
			w.broken("lead %d of a repeated import was %s", i, got)
		}
	}
}

func (w *world) remember(c *Claim) {
	f, err := w.store().Facts(w.Context(), c.Lead, w.day(), w.now)
	w.must(err)
	w.facts[c] = f
	w.claims = append(w.claims, c)
}

func (w *world) stage() {
	name := pickOf(w, w.names)
	claims, err := w.store().Stageable(w.Context(), StageRequest{
		Campaign: name, Lanes: []string{testLane, "west"}, N: 1 + w.rng.IntN(5), Now: w.now, Lease: time.Minute,
	})
	w.must(err)
	w.note("stage %d of %s", len(claims), name)
	for _, c := range claims {
		w.remember(c)
		if w.rng.IntN(8) > 0 {
			_, err := w.store().Staged(w.Context(), c, fmt.Sprintf("contact%d-%s", w.rng.IntN(2), c.Lead.Phone))
			w.ordinary(err)
		}
	}
}

func (w *world) take() *Claim {
	name := pickOf(w, w.names)
	c, err := w.store().Pick(w.Context(), PickRequest{
		Campaign: name, Lanes: []string{testLane, "west"}[w.rng.IntN(2):], Now: w.now, Lease: time.Duration(w.rng.IntN(10)) * time.Hour,
	})
	w.must(err)
	if c != nil {
		w.note("pick %s of %s, token %s", c.Lead.ID, name, c.Token)
		w.remember(c)
	}
	if c != nil && c.Lead.State == campaign.LeadNew { // an urgent one: staged on the way
		_, err := w.store().Staged(w.Context(), c, "contact-"+string(c.Lead.Phone))
		w.ordinary(err)
	}
	return c
}

// tryBegin begins an attempt and holds what was allowed against the model.
func (w *world) tryBegin(c *Claim) {
	if w.rng.IntN(3) > 0 { // decided anew
		f, err := w.store().Facts(w.Context(), c.Lead, w.day(), w.now)
		w.must(err)
		w.facts[c] = f
	}
	f := w.facts[c]
	if f.Suppressed == campaign.ScopeGlobal {
		return // the one list that Begin leaves to the decision
	}
	caps := []Cap{{2, 24 * time.Hour, campaign.ReasonCap24h}, {4, 7 * 24 * time.Hour, campaign.ReasonCap7d}}
	q := BeginRequest{
		Claim: c, Agent: pickOf(w, []string{"agent1", "agent2"}), Now: w.now, Deadline: w.now.Add(20 * time.Second), Day: w.day(),
		Caps: caps, Gap: 40 * time.Minute, Lifetime: 4, MaxInFlight: MaxInFlight{Campaign: 4, Team: 5, Agent: 3}, CallsPerDay: 6,
		Reserve: time.Duration(w.rng.IntN(2)) * time.Minute, TalkTime: time.Hour, TeamEpoch: f.TeamEpoch, CampaignEpoch: f.CampaignEpoch,
	}
	id, refusal, err := w.store().Begin(w.Context(), q)
	w.note("begin %s: %q %+v", c.AttemptID(), id, refusal)
	if !w.ordinary(err) || refusal != nil {
		return
	}
	if old := w.known[id]; old != nil {
		if old.token != c.Token || old.over {
			w.broken("attempt %s was begun twice", id)
		}
		return // the reply to the same request, again
	}
	team := w.team(c.Lead.Campaign)
	for other, a := range w.known {
		if a.team != team || a.phone != c.Lead.Phone {
			continue
		}
		if !a.over {
			w.broken("%s began while %s was open on the same phone", id, other)
		}
		if !a.refused && w.now.Sub(a.at) < q.Gap {
			w.broken("%s began %s after %s", id, w.now.Sub(a.at), other)
		}
	}
	for _, limit := range caps {
		n := 0
		for _, a := range w.known {
			if a.team == team && a.phone == c.Lead.Phone && !a.refused && w.now.Sub(a.at) < limit.Window {
				n++
			}
		}
		if n >= limit.N {
			w.broken("%s is attempt %d in %s", id, n+1, limit.Window)
		}
	}
	if w.paused[team] || w.holds[c.Lead.Campaign] == campaign.HoldPaused || w.holds[c.Lead.Campaign] == campaign.HoldStopped {
		w.broken("%s began while it was held", id)
	}
	for _, list := range []string{"global", "team " + team, "campaign " + c.Lead.Campaign} {
		if w.listed[list+" "+string(c.Lead.Phone)] {
			w.broken("%s began although its phone is on the list %s", id, list)
		}
	}
	w.known[id] = &attempted{team: team, phone: c.Lead.Phone, at: w.now, token: c.Token}
}

func (w *world) giveBack() {
	c := w.anyClaim()
	if c == nil {
		return
	}
	s, ctx := w.store(), w.Context()
	n := w.rng.IntN(6)
	w.note("give back %s of %s, way %d, token %s", c.Lead.ID, c.Lead.Campaign, n, c.Token)
	switch n {
	case 0, 1:
		w.ordinary(s.Defer(ctx, c, w.now.Add(time.Duration(w.rng.IntN(5))*time.Hour), campaign.ReasonOutsideWindow))
	case 2:
		w.ordinary(s.Hold(ctx, c, campaign.ReasonNoWindow, "nobody is there"))
	case 3:
		w.ordinary(s.Close(ctx, c, "", campaign.ReasonLifetime))
	case 4:
		_, err := s.StageFailed(ctx, c, w.now, time.Minute, "no")
		w.ordinary(err)
	default:
		w.ordinary(s.Return(ctx, c))
	}
}

// report says what became of an attempt: once, twice, too late, in any order.
func (w *world) report() {
	id := w.anyAttempt()
	a := w.known[id]
	s, ctx := w.store(), w.Context()
	n := w.rng.IntN(10)
	w.note("report on %s, way %d", id, n)
	switch n {
	case 0, 1:
		w.calls++
		_, err := s.Accepted(ctx, id, pickOf(w, []string{"", fmt.Sprintf("call%d", w.calls)}), w.now.Add(5*time.Minute), w.now)
		w.ordinary(err)
	case 2:
		_, err := s.InDoubt(ctx, id, "timeout", w.now)
		w.ordinary(err)
	case 3:
		_, err := s.MarkTransferred(ctx, id)
		w.ordinary(err)
	case 4, 5:
		token := pickOf(w, []string{"somebody else's", "", ""})
		if token == "" && a != nil {
			token = a.token
		}
		applied, err := s.Refused(ctx, id, Denial{
			Token: cmp.Or(token, "nobody's"),
			Next:  pickOf(w, []NextStep{StepAgain, StepPutOff, StepHeld, StepRestage}), Due: pickOf(w, []time.Time{{}, w.now.Add(time.Minute)}),
			Now: w.now, Wait: time.Minute,
			Reason: campaign.ReasonInvalidContact, Note: "no",
		})
		if w.ordinary(err) && applied {
			if a.over {
				w.broken("attempt %s was refused after its end", id)
			}
			if token != a.token {
				w.broken("attempt %s was taken back by another than who began it", id)
			}
			a.over, a.refused = true, true
		}
	default:
		w.settleOne(s, id, a)
	}
}

func (w *world) settleOne(s *Store, id string, a *attempted) {
	next := pickOf(w, []Next{
		closedNext,
		{State: campaign.LeadWaiting, Due: w.now.Add(time.Hour), Reason: campaign.ReasonGap},
		{State: campaign.LeadWaiting, Due: w.now.Add(30 * time.Minute), Promised: true},
		{State: campaign.LeadWaiting, Due: w.now, Phone: w.phone()},
		{State: campaign.LeadHeld, Reason: campaign.ReasonInvalidContact, Note: "strange"},
	})
	w.calls++
	q := Settlement{
		AttemptID: id, CallID: pickOf(w, []string{"", fmt.Sprintf("call%d", w.calls)}), Status: "DONE",
		Disposition: pickOf(w, campaign.Dispositions()), Duration: time.Duration(w.rng.IntN(90)) * time.Second,
		Conversation: w.rng.IntN(2) == 0, Next: next, Summary: "said hello", Follow: w.calls%3 == 0,
	}
	if w.rng.IntN(15) == 0 {
		q.Suppress = pickOf(w, []campaign.Scope{campaign.ScopeCampaign, campaign.ScopeTeam, campaign.ScopeGlobal})
	}
	applied, err := s.Settle(w.Context(), q, w.now)
	if !w.ordinary(err) {
		if q.Suppress != "" && a != nil {
			w.relist()
		}
		return
	}
	if q.Suppress != "" {
		w.relist()
	}
	if !applied {
		return
	}
	if a.over && !a.refused {
		w.broken("attempt %s was settled after its end", id)
	}
	a.over, a.refused = true, false
	a.settled = w.attemptJSON(id)
}

// attemptJSON is an attempt as the record has it.
func (w *world) attemptJSON(id string) string {
	r, err := w.attemptRef(w.Context(), id)
	w.must(err)
	got, _, err := w.attempt(w.Context(), r, id)
	w.must(err)
	raw, err := json.Marshal(got)
	w.must(err)
	return string(raw)
}

func (w *world) operate() {
	name := pickOf(w, w.names)
	s, ctx := w.store(), w.Context()
	id := w.pickLead(name)
	n := w.rng.IntN(13)
	w.note("operate on %s of %s, way %d", id, name, n)
	switch n {
	case 0:
		hold := pickOf(w, []campaign.Hold{campaign.HoldNone, campaign.HoldNone, campaign.HoldNone, campaign.HoldPaused, campaign.HoldStopped, campaign.HoldStarted})
		_, err := s.SetHold(ctx, name, hold, w.now)
		w.must(err)
		w.holds[name] = hold
	case 1:
		var err error
		team := w.team(name)
		if w.paused[team] || w.rng.IntN(6) > 0 {
			_, err = s.ResumeTeam(ctx, team)
			w.paused[team] = false
		} else {
			_, err = s.PauseTeam(ctx, team, "401")
			w.paused[team] = true
		}
		w.must(err)
	case 2:
		w.ordinary(s.HoldLead(ctx, name, id, "", "asked for it"))
	case 3, 4:
		w.ordinary(s.ReleaseLead(ctx, name, id, ""))
	case 5:
		w.ordinary(s.CloseLead(ctx, name, id, pickOf(w, []campaign.Disposition{"", campaign.Cancelled}), "enough"))
	case 6, 7, 9, 10, 11, 12:
		w.ordinary(s.ReopenLead(ctx, name, id, pickOf(w, []time.Time{{}, w.now.Add(time.Hour)}), ""))
	case 8:
		edit := Edit{Overrides: map[string]string{campaign.RoleTimezone: pickOf(w, []string{"", "America/Denver"})}}
		if w.rng.IntN(2) == 0 {
			edit.Lane, edit.Priority = new("west"), new(5)
		}
		if w.rng.IntN(2) == 0 {
			edit.Urgent, edit.Due = new(w.rng.IntN(2) == 0), new(w.now.Add(time.Minute))
		}
		w.ordinary(s.EditLead(ctx, name, id, edit))
	}
}

// list puts phones on lists and takes them off again.
func (w *world) list() {
	name := pickOf(w, w.names)
	q := Suppression{
		Scope: pickOf(w, []campaign.Scope{campaign.ScopeCampaign, campaign.ScopeTeam, campaign.ScopeGlobal}), Team: w.team(name), Campaign: name,
		Phones: []campaign.Phone{w.phone()}, Reason: "asked", By: "test", Bulk: w.rng.IntN(2) == 0,
	}
	if w.rng.IntN(3) == 0 {
		w.note("suppress %v %s: %v", q.Scope, name, q.Phones)
		_, err := w.store().Suppress(w.Context(), q, w.now)
		w.must(err)
	} else {
		for i := range phones {
			q.Phones = append(q.Phones, phoneNumber(i))
		}
		w.note("unsuppress %v %s", q.Scope, name)
		_, err := w.store().Unsuppress(w.Context(), q, w.now)
		w.must(err)
	}
	w.relist()
}

// relist reads the lists: the model takes the record's word for them, and only holds Begin against it.
func (w *world) relist() {
	clear(w.listed)
	for _, name := range w.names {
		for i := range phones {
			phone := phoneNumber(i)
			for list, q := range map[string]struct {
				scope      campaign.Scope
				team, name string
			}{
				"global": {campaign.ScopeGlobal, "", ""}, "team " + w.team(name): {campaign.ScopeTeam, w.team(name), ""},
				"campaign " + name: {campaign.ScopeCampaign, "", name},
			} {
				l, err := w.dncList(w.Context(), q.scope, q.team, q.name)
				w.must(err)
				bucket, member, err := bucketOf(phone)
				w.must(err)
				on, err := w.client.SIsMember(w.Context(), l.key(fmt.Sprintf("dnc:%d", bucket)), member).Result()
				w.must(err)
				if on {
					w.listed[list+" "+string(phone)] = true
				}
			}
		}
	}
}

func (w *world) sweepUp() {
	for _, team := range []string{testTeam, "beta"} {
		got, err := w.store().Sweep(w.Context(), team, w.now)
		w.must(err)
		w.note("sweep %s: %+v", team, got)
		if got.Strays > 0 {
			w.broken("%d index entries without a record", got.Strays)
		}
	}
}
