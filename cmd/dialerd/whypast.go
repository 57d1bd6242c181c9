package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/audit"
)

// whyAttempt is an attempt with the decision that it was begun by.
type whyAttempt struct {
	attemptJSON
	Decision *pastDecision `json:"decision"` // null when the record does not have it, or not here
}

// pastDecision is a decision as the record of decisions has it.
type pastDecision struct {
	Verdict  string          `json:"verdict"`
	Rules    string          `json:"rules"`
	TZData   string          `json:"tzdata"`
	Version  int             `json:"campaign_version"`
	Regions  []string        `json:"regions"`
	Zones    []string        `json:"zones"`
	Local    []string        `json:"local_times"`
	Rows     []string        `json:"rule_rows"`
	Caps     json.RawMessage `json:"caps"`
	DNC      json.RawMessage `json:"dnc"`
	Until    string          `json:"until"`
	Deadline string          `json:"deadline"`
	Trace    []pastStep      `json:"trace"`
}

type pastStep struct {
	Rule   string `json:"rule"`
	Pass   bool   `json:"pass"`
	Input  string `json:"input"`
	Detail string `json:"detail"`
	Source string `json:"source"`
}

// pastShown is for how many of a lead's attempts, the newest, the record is asked: each costs a look into one segment.
const pastShown = 20

// past looks up what the record of decisions says about a lead's attempts.
func (a *app) past(ctx context.Context, team string, phone campaign.Phone, attempts []campaign.Attempt) ([]whyAttempt, error) {
	out := make([]whyAttempt, 0, len(attempts))
	var reader *audit.Reader
	for i, plain := range attemptsJSON(attempts) {
		t := whyAttempt{attemptJSON: plain}
		if i >= len(attempts)-pastShown {
			number, err := a.store.DecisionEntry(ctx, plain.ID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			if number > 0 {
				if t.Decision, err = a.pastDecision(ctx, team, phone, number, plain.ID, &reader); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// pastDecision reads one entry: from Redis while it waits there, else from the record on disk, if that is on this machine.
func (a *app) pastDecision(ctx context.Context, team string, phone campaign.Phone, number int64, attempt string, reader **audit.Reader) (*pastDecision, error) {
	st, err := a.store.Audit(ctx, team)
	if err != nil {
		return nil, err
	}
	var e *audit.Entry
	var p *audit.Private
	if st.Head == nil || number > st.Head.Number {
		waiting, err := a.store.AuditEntry(ctx, team, number)
		if err == nil {
			e, p = audit.Waiting(waiting)
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	if e == nil {
		if *reader == nil {
			if *reader, err = audit.NewReaderFor(a.auditDir(team), string(phone)); errors.Is(err, audit.ErrNone) {
				return nil, nil //nolint:nilnil // the record is on another machine
			}
			if err != nil {
				return nil, err
			}
		}
		if e, err = (*reader).Find(number); errors.Is(err, audit.ErrNone) {
			return nil, nil //nolint:nilnil // as above, or it is older than the record is kept
		}
		if err != nil {
			return nil, err
		}
		if p, err = (*reader).Private(e); err != nil {
			return nil, err
		}
	}
	if p == nil || p.Attempt != attempt {
		return nil, nil //nolint:nilnil // it is about somebody else: Redis has lost data since, and its numbers began anew
	}
	return readDecision(e, p), nil
}

func readDecision(e *audit.Entry, p *audit.Private) *pastDecision {
	var d pastDecision
	var person struct {
		Trace []pastStep `json:"trace"`
	}
	if len(e.Data) == 0 || json.Unmarshal(e.Data, &d) != nil || len(p.Detail) > 0 && json.Unmarshal(p.Detail, &person) != nil || d.Verdict == "" {
		return nil
	}
	d.Trace = person.Trace
	return &d
}

func (a *app) printPast(t *whyAttempt) {
	a.say("  attempt %s  %s  %s %s\n", t.ID, t.At, t.State, t.Disposition)
	d := t.Decision
	if d == nil {
		return
	}
	a.say("    decided: %s; %s; rules %s, tzdata %s, campaign version %d\n", d.Verdict, strings.Join(d.Local, ", "), d.Rules, d.TZData, d.Version)
	for n, step := range d.Trace {
		mark := "✓"
		if !step.Pass {
			mark = "✗"
		}
		a.say("    %2d %s %-13s %s  [%s]\n", n+1, mark, step.Rule, step.Input, step.Source)
	}
}
