package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
	"github.com/dialerd/dialerd/web"
)

// finding is one thing that doctor looked at.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"` // ok, warning or failed
	Detail string `json:"detail"`
}

const (
	findingOK      = "ok"
	findingWarning = "warning"
	findingFailed  = "failed"
)

func (a *app) doctorCommand() *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check settings, rules, data_dir, Redis, clocks, credentials and agents",
		Long: "Looks at everything that keeps calls from being placed, and says what to do about it: settings, calling rules and zone\n" +
			"data, data_dir, Redis, its version, replicas and how it keeps its data, this machine's clock, each team's credentials and\n" +
			"the agents of its campaigns.\n" +
			"The exit code is 1 when something failed.",
		Example: "  dialerd doctor\n  dialerd doctor --offline --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := a.examine(cmd.Context(), offline)
			if err != nil {
				return err
			}
			failed := 0
			for _, f := range found {
				if f.State == findingFailed {
					failed++
				}
			}
			if a.json {
				if err := a.printJSON(struct {
					OK     bool      `json:"ok"`
					Checks []finding `json:"checks"`
				}{failed == 0, found}); err != nil {
					return err
				}
			} else {
				marks := map[string]string{findingOK: "✓", findingWarning: "!", findingFailed: "✗"}
				for _, f := range found {
					a.say("%s %-22s %s\n", marks[f.State], f.Check, strings.ReplaceAll(f.Detail, "\n", "\n"+strings.Repeat(" ", 25)))
				}
			}
			if failed > 0 {
				return &exitError{code: exitFailed, err: fmt.Errorf("%s failed", plural(failed, "check"))}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "ask the API nothing")
	a.jsonFlag(cmd)
	return cmd
}

// examine looks at everything, each thing as far as the earlier ones let it. Settings that cannot be read are an error.
func (a *app) examine(ctx context.Context, offline bool) ([]finding, error) {
	s, err := a.load()
	if err != nil {
		return nil, err
	}
	var found []finding
	note := func(check string, err error, ok string) bool {
		if err != nil {
			found = append(found, finding{check, findingFailed, err.Error()})
			return false
		}
		found = append(found, finding{check, findingOK, ok})
		return true
	}
	note("settings", s.CheckServe(), "complete")
	note("rules and zone data", region.Check(a.now()), fmt.Sprintf("rules %s, tzdata %s", region.Default().Name(), region.ZoneVersion()))
	found = append(found, a.examineData(s))
	st, err := a.open(ctx)
	if !note("redis", err, a.looked()) {
		return found, nil
	}
	found = append(found, a.examineRules(ctx)...)
	found = append(found, a.examineRedis(ctx, s)...)
	found = append(found, a.examineReplicas(ctx, s)...)
	daemons, err := st.Daemons(ctx, a.now())
	switch {
	case err != nil:
		note("daemons", err, "")
	case len(daemons) == 0:
		found = append(found, finding{"daemons", findingWarning, "none runs, so nothing is called: start one with dialerd serve"})
	default:
		state := findingOK
		if slices.ContainsFunc(daemons, func(d store.Daemon) bool { return d.ClockOff() }) {
			state = findingFailed
		}
		found = append(found, finding{"daemons", state, heard(daemons, a.now())})
	}
	for i := range s.Teams {
		found = append(found, a.examineTeam(ctx, &s.Teams[i], offline)...)
	}
	return found, nil
}

// heard says which daemons there are, by their heartbeats: one that was killed a moment ago is still among them.
func heard(daemons []store.Daemon, now time.Time) string {
	parts := make([]string, len(daemons))
	for i, d := range daemons {
		parts[i] = fmt.Sprintf("%s heard of %.0f s ago", d.ID, max(0, now.Sub(d.Seen).Seconds()))
		if d.ClockOff() {
			parts[i] += fmt.Sprintf(", and calls nobody: its clock is %.1f s off from Redis', set both by NTP", *d.Clock)
		}
	}
	return strings.Join(parts, "\n")
}

// pausedText says why a team is paused, and what lifts that.
func pausedText(reason string, records []*store.Record) string {
	text := "the team is paused, so nothing of it is called: " + reason
	resume := ""
	if len(records) > 0 {
		resume = "dialerd campaign resume " + records[0].Name
	}
	switch {
	case dialer.RefusedCredentials(reason) && resume != "":
		return text + "\nOnce api_token and team_id are right, the start of dialerd serve lifts the pause; so does " + resume
	case dialer.RefusedCredentials(reason):
		return text + "\nOnce api_token and team_id are right, the start of dialerd serve lifts the pause"
	case resume != "":
		return text + "\nLift that with: " + resume
	}
	return text
}

// examineRedis looks at what Redis can lose, and at the clocks.
func (a *app) examineRedis(ctx context.Context, s *config.Settings) []finding {
	var found []finding
	kept, err := a.store.Durability(ctx)
	switch {
	case err != nil:
		found = append(found, finding{"redis durability", findingFailed, err.Error()})
	case kept.Old != "":
		found = append(found, finding{"redis version", findingFailed, "redis " + kept.Old})
	case len(kept.Unsafe) > 0:
		state := findingWarning
		for i := range s.Teams {
			if s.Teams[i].Real() {
				state = findingFailed
			}
		}
		found = append(found, finding{"redis durability", state, strings.Join(kept.Unsafe, "\n")})
	case len(kept.Unknown) > 0:
		found = append(found, finding{"redis durability", findingWarning, strings.Join(kept.Unknown, "\n")})
	default:
		found = append(found, finding{"redis durability", findingOK, "every write is on disk before it is answered"})
	}
	before := a.now()
	now, err := a.store.Now(ctx)
	if err != nil {
		return append(found, finding{"clock", findingFailed, err.Error()})
	}
	off := before.Add(a.now().Sub(before) / 2).Sub(now)
	if off.Abs() > store.ClockTolerance {
		return append(found, finding{"clock", findingFailed, fmt.Sprintf("this machine's clock is %s off from Redis', so it would place no call: "+
			"set both by NTP", off.Round(time.Millisecond))})
	}
	return append(found, finding{"clock", findingOK, fmt.Sprintf("%s off from Redis'", off.Round(time.Millisecond))})
}

// examineAudit looks at whether the record of decisions comes to disk.
func (a *app) examineAudit(ctx context.Context, team string) finding {
	check := "record of " + team
	st, err := a.store.Audit(ctx, team)
	if err != nil {
		return finding{check, findingFailed, err.Error()}
	}
	where := "nothing archived yet"
	if st.Head != nil {
		where = fmt.Sprintf("entry %d on host %s", st.Head.Sequence, st.Head.Host)
	}
	const mend = "\nA daemon with the role work or admin archives it, on the machine whose data_dir has the record; is that one up?\n" +
		"If its folder is lost: dialerd audit adopt"
	switch {
	case st.Full():
		return finding{check, findingFailed, fmt.Sprintf("%d entries wait in Redis, so no call begins (the limit is %d); %s%s", st.Backlog, st.Limit, where, mend)}
	case st.Behind > web.AuditLate:
		return finding{check, findingWarning, fmt.Sprintf("%d entries wait in Redis, the oldest for %s; at %d calls stop; %s%s", st.Backlog,
			st.Behind.Round(time.Second), st.Limit, where, mend)}
	}
	return finding{check, findingOK, fmt.Sprintf("%s, %d waiting", where, st.Backlog)}
}

// examineTeam looks at a team's pause, credentials and agents.
func (a *app) examineTeam(ctx context.Context, t *config.Team, offline bool) []finding {
	check := "team " + t.Name
	var found []finding
	fail := func(err error) []finding { return append(found, finding{check, findingFailed, err.Error()}) }
	state, err := a.store.Team(ctx, t.Name)
	if err != nil {
		return fail(err)
	}
	found = append(found, a.examineAudit(ctx, t.Name))
	records, err := a.store.TeamCampaigns(ctx, t.Name)
	if err != nil {
		return fail(err)
	}
	if state.Paused != "" {
		found = append(found, finding{check, findingFailed, pausedText(state.Paused, records)})
	}
	for _, damage := range a.store.Damaged(t.Name) {
		found = append(found, finding{"campaign " + damage.Campaign, findingFailed, damage.String()})
	}
	settings, err := a.load()
	if err != nil {
		return fail(err)
	}
	asks := !offline && t.APIToken.Reveal() != "" // the API about the agents
	for _, r := range records {
		problem := r.Problem
		if mine := forbidden(settings, &r.Campaign); mine != "" && r.AgentProblem == "" {
			problem = "these settings forbid it: " + mine
		}
		if problem != "" && (problem != r.AgentProblem || !asks) {
			found = append(found, finding{"campaign " + r.Name, findingFailed, problem})
		}
	}
	if !asks {
		return found
	}
	agents, err := a.agents(ctx, t)
	if err != nil {
		return fail(err)
	}
	found = append(found, finding{check, findingOK, fmt.Sprintf("credentials are good, %s", plural(len(agents), "agent"))})
	status := map[string]thoughtly.Agent{}
	for _, g := range agents {
		status[g.ID] = g
	}
	for _, r := range records {
		for _, want := range r.Agents {
			switch g, ok := status[want.ID]; {
			case !ok:
				found = append(found, finding{"campaign " + r.Name, findingFailed, fmt.Sprintf("agent %q is unknown to the team; dialerd agents lists them", want.ID)})
			case g.Archived():
				found = append(found, finding{"campaign " + r.Name, findingFailed, fmt.Sprintf("agent %q is archived: publish it in Thoughtly, or name another one", want.ID)})
			}
		}
	}
	return found
}
