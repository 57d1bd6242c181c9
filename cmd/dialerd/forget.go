package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/audit"
)

// forgetJSON is what `forget` prints.
type forgetJSON struct {
	Teams   []forgetTeam `json:"teams"`
	Kept    int          `json:"kept_events"` // events erased from the kept webhooks and the spool on this machine
	Rejects int          `json:"rejects"`     // rows erased from the rejects on this machine
	Redis   bool         `json:"redis_rewritten"`
	Remains []string     `json:"remains"` // what only somebody else can erase, and what is kept on purpose
}

type forgetTeam struct {
	Team    string `json:"team"`
	Leads   int    `json:"leads"`
	Events  int    `json:"events"`
	Contact text   `json:"contact"` // at Thoughtly
	Key     bool   `json:"key"`     // the key of the record of decisions was there, and is destroyed
}

func (a *app) forgetCommand() *cobra.Command {
	var team, reason string // no reason is none: whoever asks to be forgotten owes none
	var hereOnly bool
	cmd := &cobra.Command{
		Use:   "forget PHONE",
		Short: "Erase a person",
		Long: "Erases a person from leads and lists in Redis, contacts, attempts, waiting events, kept webhooks, the spool and rejects, and\n" +
			"destroys the key that the record of decisions is sealed with: what it says of the person nobody can read after that, and it\n" +
			"still verifies. The number itself goes on the team's do-not-call list, or stays there, and is the one thing that is kept: a\n" +
			"list that still has the person must not lead to a call. A call to the phone that has no outcome yet has to end first.\n" +
			"It cannot reach what is not its own: source lists, exports, backups, and Thoughtly, whose contact it names.\n" +
			"Kept webhooks and the spool are on the machine that received them: run it with --here-only on each other one.",
		Example: "  dialerd forget +12125550123 --reason \"request 4711\"\n  dialerd forget +12125550123 --team west --reason \"request 4711\" --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			phone, err := a.phone(cmd.Context(), args[0], "")
			if err != nil {
				return err
			}
			out := &forgetJSON{Teams: []forgetTeam{}, Remains: []string{}}
			if !hereOnly {
				if err := errors.Join(a.forget(cmd.Context(), phone, team, reason, out), a.sweepImports(cmd.Context())); err != nil {
					return err
				}
			}
			if err := a.forgetFiles(phone, out); err != nil {
				return err
			}
			if !hereOnly {
				if err := a.forgetHistory(cmd.Context(), out); err != nil {
					return err
				}
			}
			if a.json {
				return a.printJSON(out)
			}
			a.printForgotten(out)
			return nil
		},
	}
	cmd.Flags().StringVar(&team, "team", "", "in this team only (default: in all)")
	cmd.Flags().StringVar(&reason, "reason", "", "why, without naming the person, for it goes into the record")
	cmd.Flags().BoolVar(&hereOnly, "here-only", false, "only the kept webhooks, the spool and the rejects of this machine")
	a.jsonFlag(cmd)
	return cmd
}

// forget erases a person from Redis and from the record of decisions.
func (a *app) forget(ctx context.Context, phone campaign.Phone, name, reason string, out *forgetJSON) error {
	teams, err := a.auditTeams(ctx, name)
	if err != nil {
		return err
	}
	// Before anything is erased: the keys must be within reach.
	for _, team := range teams {
		st, err := a.store.Audit(ctx, team)
		if err != nil {
			return err
		}
		if st.Head == nil {
			continue
		}
		r, err := audit.NewReaderFor(a.auditDir(team), string(phone))
		if errors.Is(err, audit.ErrNone) || err == nil && r.ID() != st.Head.Archive {
			return fmt.Errorf("%w\nRun it there: only there can the person's key be destroyed. Nothing was erased yet",
				&audit.ElsewhereError{Team: team, Archive: st.Head.Archive, Host: st.Head.Host})
		}
		if err != nil {
			return err
		}
	}
	// From here on no call to the phone begins, and what is on its way is waited for.
	for _, team := range teams {
		if team == store.GlobalTeam {
			continue
		}
		q := store.Suppression{Scope: campaign.ScopeTeam, Team: team, Phones: []campaign.Phone{phone}, Bulk: true}
		if _, err := a.store.Suppress(ctx, q, a.now()); err != nil {
			return err
		}
	}
	if err := a.quiet(ctx, store.Scope{Team: name, Phones: []campaign.Phone{phone}}); err != nil {
		return err
	}
	for _, team := range teams {
		if told, err := a.told(ctx, team); err != nil || !told {
			if err != nil {
				return err
			}
			continue
		}
		sum, err := a.store.Forget(ctx, store.ForgetRequest{Team: team, Phone: phone, Reason: reason, Names: phonePattern(phone).Match})
		if errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("%w\nThe phone is suppressed by now, so no other call begins; run it again when that call has its outcome (dialerd unresolved)", err)
		}
		if err != nil {
			return err
		}
		if err := a.drainAudit(ctx, team); err != nil {
			return err
		}
		gone, err := audit.Forget(a.auditDir(team), string(phone))
		if err != nil {
			return err
		}
		if team == store.GlobalTeam && !gone {
			continue
		}
		out.Teams = append(out.Teams, forgetTeam{team, sum.Leads, sum.Events, text(sum.Contact), gone})
	}
	a.remains(ctx, phone, out)
	return nil
}

// told reports whether a team's record, or what belongs to no team, was ever written to: else there is nobody to forget.
func (a *app) told(ctx context.Context, team string) (bool, error) {
	if team != store.GlobalTeam {
		return true, nil
	}
	st, err := a.store.Audit(ctx, team)
	return err == nil && st.Number > 0, err
}

// remains says what is left, and with whom.
func (a *app) remains(ctx context.Context, phone campaign.Phone, out *forgetJSON) {
	out.Remains = append(out.Remains, "the number "+string(phone)+" alone, on the do-not-call list: without it a list that still has the person would lead to a call")
	for _, t := range out.Teams {
		if t.Contact != "" {
			out.Remains = append(out.Remains, fmt.Sprintf("contact %s of team %s at Thoughtly, with the calls' recordings and transcripts: its API erases no contact, ask them to",
				t.Contact, t.Team))
		}
	}
	out.Remains = append(out.Remains, "source lists, exports, and backups of data_dir and Redis: take the person out of the lists, else the next import brings the row back "+
		"(as a suppressed lead, which is not called)")
	if daemons, err := a.store.Daemons(ctx, a.now()); err == nil {
		for _, d := range daemons {
			if d.Host != a.archiver("").Host {
				out.Remains = append(out.Remains, "kept webhooks and the spool on host "+d.Host+": run dialerd forget PHONE --here-only there")
			}
		}
	}
}

// drainTime is the longest that forget waits until the archiver has what was told of the person.
const drainTime = 30 * time.Second

// drainAudit waits until nothing of now waits in Redis any more: whoever archives brings it to disk, or this process does.
func (a *app) drainAudit(ctx context.Context, team string) error {
	st, err := a.store.Audit(ctx, team)
	if err != nil || st.Backlog == 0 {
		return err
	}
	until := st.Number
	archiver := a.archiver(team)
	defer func() { _ = archiver.Close() }() // what it wrote is synced
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if st.Head == nil && !a.settings.Redis.Embedded() {
			return fmt.Errorf("team %s: nothing of the record was archived yet, so what waits in Redis still names the person\n"+
				"Start a daemon, or run dialerd audit archive on the machine that is to keep the record, and then this again", team)
		}
		_, err := archiver.Once(ctx, 0)
		if err != nil && !errors.Is(err, audit.ErrBusy) && !errors.Is(err, store.ErrFenced) {
			return fmt.Errorf("team %s: what waits of the record still names the person: %w", team, err)
		}
		if st, err = a.store.Audit(ctx, team); err != nil {
			return err
		}
		if st.Backlog == 0 || st.Head != nil && st.Head.Number >= until {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("team %s: the archiver of another process does not get on: %d entries wait and may name the person", team, st.Backlog)
		case <-tick.C:
		}
	}
}

func (a *app) printForgotten(out *forgetJSON) {
	for _, t := range out.Teams {
		key := "no key in the record of decisions"
		if t.Key {
			key = "key of the record of decisions destroyed"
		}
		a.say("team %s: %s and %s erased, %s\n", t.Team, plural(t.Leads, "lead"), plural(t.Events, "waiting event"), key)
	}
	a.say("on this machine: %s of kept webhooks and spool, %s of rejects erased\n", plural(out.Kept, "event"), plural(out.Rejects, "row"))
	for _, r := range out.Remains {
		a.say("remains: %s\n", r)
	}
}
