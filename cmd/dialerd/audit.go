package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/audit"
)

func (a *app) auditCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "audit",
		Short: "The record of every decision: verify it, export it",
		Long: "Every attempt and its end, every refusal at the last moment, every change by hand is in a record of its own, with the rules\n" +
			"and facts that it rested on. Entries are written with the change itself, in Redis, and brought to data_dir/audit by a daemon:\n" +
			"there each is bound to the one before by its hash, and what names a person is sealed with a key of that person's.",
		Example: "  dialerd audit verify\n  dialerd audit export --from 2026-11-01 --phone +12125550123 -o record.jsonl",
	}, a.auditVerifyCommand(), a.auditExportCommand(), a.auditArchiveCommand(), a.auditAdoptCommand())
}

// auditTeams are the teams whose record is meant.
func (a *app) auditTeams(ctx context.Context, team string) ([]string, error) {
	st, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	if team != "" {
		return []string{team}, nil
	}
	teams, err := st.Teams(ctx)
	if err != nil {
		return nil, err
	}
	for i := range a.settings.Teams {
		if name := a.settings.Teams[i].Name; !slices.Contains(teams, name) {
			teams = append(teams, name)
		}
	}
	return append(teams, store.GlobalTeam), nil
}

func (a *app) auditDir(team string) string { return audit.Dir(a.settings.DataDir, team) }

// verifyJSON is what `audit verify` prints.
type verifyJSON struct {
	OK    bool         `json:"ok"`
	Teams []verifyTeam `json:"teams"`
}

type verifyTeam struct {
	Team     string          `json:"team"`
	Archive  string          `json:"archive"`
	Segments int             `json:"segments"`
	Entries  int64           `json:"entries"`
	From     int64           `json:"from"`
	Last     int64           `json:"last"`
	Hash     string          `json:"hash"`
	Backlog  int             `json:"backlog"`
	Problems []audit.Problem `json:"problems"`
	More     int             `json:"more"` // problems that are not listed
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var team string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that nothing of the record was changed, removed, reordered or cut off",
		Long: "Reads the whole record on this machine and follows its hashes, from the anchor to the head that Redis keeps. A gap, a change,\n" +
			"a removal, another order or a missing end is named by segment and entry; the exit code is 3 then. It may run beside daemons.\n" +
			"Who may write both the disk and Redis could make the whole chain anew: keep a head now and then where he cannot\n" +
			"(campaign status --json, metrics).",
		Example: "  dialerd audit verify\n  dialerd audit verify --team west --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, err := a.verify(cmd.Context(), team)
			if err != nil {
				return err
			}
			if err := a.show(out, func() { a.printVerify(out) }); err != nil {
				return err
			}
			if !out.OK {
				return &exitError{code: exitBroken, err: errors.New("the record is not what it was: keep the folder and Redis as they are and find out who wrote to them")}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&team, "team", "", "check the record of this team only")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) verify(ctx context.Context, name string) (*verifyJSON, error) {
	teams, err := a.auditTeams(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &verifyJSON{OK: true, Teams: []verifyTeam{}}
	var elsewhere []error
	for _, team := range teams {
		v, err := audit.Verify(ctx, a.store, a.auditDir(team), team)
		if _, away := errors.AsType[*audit.ElsewhereError](err); away {
			elsewhere = append(elsewhere, err)
			continue
		}
		if errors.Is(err, audit.ErrNone) {
			continue // nothing was ever archived
		}
		if err != nil {
			return nil, fmt.Errorf("team %s: %w", team, err)
		}
		one := verifyTeam{v.Team, v.Archive, v.Segments, v.Entries, v.From, v.Last, v.Hash, v.Backlog, v.Problems, v.More}
		if one.Problems == nil {
			one.Problems = []audit.Problem{}
		}
		out.OK = out.OK && v.OK()
		out.Teams = append(out.Teams, one)
	}
	if out.OK && len(elsewhere) > 0 {
		return nil, fmt.Errorf("%w\nRun it there", errors.Join(elsewhere...))
	}
	return out, nil
}

func (a *app) printVerify(out *verifyJSON) {
	if len(out.Teams) == 0 {
		a.say("nothing was archived yet\n")
	}
	for i := range out.Teams {
		t := &out.Teams[i]
		for _, p := range t.Problems {
			a.say("team %s: %s\n", t.Team, p)
		}
		if t.More > 0 {
			a.say("team %s: … and %d more\n", t.Team, t.More)
		}
		a.say("team %s: %d entries (%d to %d) in %s, %s, %d waiting; head %s\n", t.Team, t.Entries, t.From, t.Last, plural(t.Segments, "segment"),
			plural(len(t.Problems)+t.More, "problem"), t.Backlog, t.Hash)
	}
}

func (a *app) auditArchiveCommand() *cobra.Command {
	var team string
	cmd := &cobra.Command{
		Use:   "archive",
		Short: "Bring what waits of the record to disk now",
		Long: "Brings the entries that wait in Redis to data_dir/audit, as a daemon does every second. Where no daemon runs this may be\n" +
			"done by hand. The first that archives a team decides in which data folder its record is kept.",
		Example: "  dialerd audit archive",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			teams, err := a.auditTeams(cmd.Context(), team)
			if err != nil {
				return err
			}
			total := 0
			for _, team := range teams {
				archiver := a.archiver(team)
				n, err := archiver.Once(cmd.Context(), 0)
				total += n
				if err := errors.Join(err, archiver.Close()); err != nil {
					return fmt.Errorf("team %s: %w", team, err)
				}
			}
			a.say("%d entries archived\n", total)
			return nil
		},
	}
	cmd.Flags().StringVar(&team, "team", "", "the record of this team only")
	return cmd
}

func (a *app) auditAdoptCommand() *cobra.Command {
	var team, reason string
	cmd := &cobra.Command{
		Use:   "adopt --team TEAM --reason TEXT",
		Short: "Go on with a team's record in this data folder, its own being lost",
		Long: "The record of a team is kept in one data folder. When that is lost (the machine is gone, the disk was cut), this lets it go\n" +
			"on in the folder of this machine, behind the head that Redis keeps. What was in the other one is not here: keep what is\n" +
			"left of it. An entry says so for ever.",
		Example: "  dialerd audit adopt --team default --reason \"the disk of host a1 died\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reason == "" || team == "" {
				return usagef("--team and --reason are needed: whose record, and what became of its folder?")
			}
			if _, err := a.open(cmd.Context()); err != nil {
				return err
			}
			archiver := a.archiver(team)
			n := 0
			err := archiver.Adopt(cmd.Context(), operator()+": "+reason)
			if err == nil {
				n, err = archiver.Once(cmd.Context(), 0)
			}
			if err := errors.Join(err, archiver.Close()); err != nil {
				return err
			}
			a.say("the record of team %s goes on in %s; %d entries that waited are archived\n", team, a.auditDir(team), n)
			return nil
		},
	}
	cmd.Flags().StringVar(&team, "team", "", "whose record")
	cmd.Flags().StringVar(&reason, "reason", "", "what became of the folder that it was in")
	return cmd
}
