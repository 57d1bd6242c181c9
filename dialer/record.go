package dialer

import (
	"encoding/json"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// decided is a binding decision as the record of decisions keeps it: what was decided, and everything that it was decided from. What
// names the person stands apart, since it is sealed with the person's own key.
type decided struct {
	Verdict  string          `json:"verdict"`         // allow, wait, held or blocked
	Until    string          `json:"until,omitempty"` // when it can be called next; of an allowed one, when the permission ends
	Deadline string          `json:"deadline,omitempty"`
	Regions  []string        `json:"regions"`
	Zones    []string        `json:"zones"`
	Local    []string        `json:"local_times"` // in those zones
	Rows     []string        `json:"rule_rows"`   // where the rules of those regions come from
	Rules    string          `json:"rules"`       // version and checksum of the tables
	TZData   string          `json:"tzdata"`
	Version  int             `json:"campaign_version"`
	Caps     []decidedCap    `json:"caps"`
	DNC      decidedDNC      `json:"dnc"`
	Basis    string          `json:"consent_basis,omitempty"`
	Person   decidedOnPerson `json:"person"`
}

type decidedCap struct {
	Window float64 `json:"window_s"`
	Count  int     `json:"count"`
	Limit  int     `json:"limit"`
	Source string  `json:"source"`
}

// decidedDNC says as of which change the do-not-call lists were read: each raises the epoch of its scope.
type decidedDNC struct {
	Team     int64               `json:"team"`
	Campaign int64               `json:"campaign"`
	National []campaign.National `json:"national,omitempty"`
}

type decidedOnPerson struct {
	Consent   string          `json:"consent,omitempty"`
	ConsentAt string          `json:"consent_at,omitempty"`
	Evidence  string          `json:"evidence,omitempty"` // on what ground, with source, scope and date
	Trace     []campaign.Step `json:"trace"`
}

// newDecided puts a decision with its trace into words for the record.
func newDecided(c *campaignView, s campaign.Subject, decision campaign.Decision, now time.Time) *decided {
	r := &decided{
		Version: c.record.Version, Basis: c.plan.Consent.Basis, DNC: decidedDNC{s.Facts.TeamEpoch, s.Facts.CampaignEpoch, s.Facts.National},
		Person: decidedOnPerson{Consent: s.Lead.Consent, ConsentAt: instant(s.Lead.ConsentAt), Evidence: c.plan.Evidence(s.Lead, now), Trace: campaign.Trace(s, now)},
	}
	r.Rules, r.TZData = c.plan.Versions()
	if s.Place != nil {
		r.Regions, r.Zones, r.Rows = s.Place.Regions(), s.Place.Zones(), s.Place.SourcesAt(now)
		for _, at := range campaign.LocalTimes(s.Place, now) {
			r.Local = append(r.Local, at.Format("Mon 15:04")+" "+at.Location().String())
		}
	}
	for _, l := range c.plan.Limits(s.Place, now) {
		r.Caps = append(r.Caps, decidedCap{l.Per.Seconds(), l.Count(s.Facts.Calls, now), l.N, l.Source()})
	}
	r.Until = instant(decision.Closes)
	return r
}

// allow is the record of a call that the rules allow.
func (r *decided) allow(deadline time.Time) *store.Decision {
	r.Verdict, r.Deadline = "allow", instant(deadline)
	return r.as("")
}

// refuse is the record of a call that is not made.
func (r *decided) refuse(v verdict) *store.Decision {
	r.Verdict, r.Deadline, r.Until = "wait", "", instant(v.until)
	switch {
	case v.never && v.fate == campaign.LeadClosed:
		r.Verdict = "blocked"
	case v.never:
		r.Verdict = "held"
	}
	return r.as(v.reason)
}

func (r *decided) as(reason campaign.Reason) *store.Decision {
	raw, err := json.Marshal(r)
	if err != nil {
		raw = []byte("{}") // text and numbers alone: it cannot be
	}
	return &store.Decision{Reason: reason, Detail: string(raw)}
}

// instant is a time as the record writes it; "" when there is none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
}
