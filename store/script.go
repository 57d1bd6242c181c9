package store

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// script is one change of state.
type script struct {
	name string
	src  func() *redis.Script // put together when it is first run: a command runs few of them
}

// preludes are the files that scripts begin with, taken apart.
var preludes = sync.OnceValue(func() map[string][]luaPart {
	parts := map[string][]luaPart{}
	for _, file := range []string{"common", "audit", "queue", "attempt"} {
		parts[file] = luaParts(luaFile(file))
	}
	return parts
})

// newScript names a script of the record and the files that it begins with beside common and audit.
func newScript(name string, begins ...string) *script {
	return &script{name, sync.OnceValue(func() *redis.Script {
		// The first line names it in Redis' slow log and MONITOR.
		return redis.NewScript("-- dialerd " + name + "\n" + assemble(luaFile(name), append([]string{"common", "audit"}, begins...)))
	})}
}

// assemble puts a script together from its own text and what that needs of the preludes.
func assemble(body string, begins []string) string {
	var parts []luaPart
	for _, file := range begins {
		parts = append(parts, preludes()[file]...)
	}
	needed := neededParts(parts, body)
	var src strings.Builder
	counts := false
	for _, p := range needed {
		src.WriteString(p.text)
		counts = counts || p.names["write_counters"]
	}
	if counts {
		body = "local function change()\n" + body + "\nend\nlocal reply = change()\nwrite_counters()\nreturn reply\n"
	}
	src.WriteString(body)
	return src.String()
}

func luaFile(name string) string {
	text, err := luaFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // the files are compiled in
	}
	return string(text)
}

var (
	scriptName        = newScript("name")
	scriptApply       = newScript("apply")
	scriptSetHold     = newScript("set_hold")
	scriptPauseTeam   = newScript("pause_team")
	scriptAddList     = newScript("add_list")
	scriptAddLeads    = newScript("add_leads")
	scriptWithdraw    = newScript("withdraw")
	scriptPutLanes    = newScript("put_lanes")
	scriptStageable   = newScript("stageable", "queue")
	scriptStaged      = newScript("staged")
	scriptMake        = newScript("make_contact")
	scriptLeave       = newScript("leave_contact")
	scriptOwnContact  = newScript("own_contact")
	scriptKeep        = newScript("keep_claim")
	scriptAdopt       = newScript("adopt")
	scriptStageFailed = newScript("stage_failed")
	scriptPick        = newScript("pick", "queue")
	scriptReturn      = newScript("return")
	scriptDefer       = newScript("defer")
	scriptHold        = newScript("hold")
	scriptClose       = newScript("close")
	scriptReopen      = newScript("reopen")
	scriptEdit        = newScript("edit")
	scriptBegin       = newScript("begin", "attempt")
	scriptReassert    = newScript("reassert", "attempt")
	scriptAccepted    = newScript("accepted", "attempt")
	scriptInDoubt     = newScript("in_doubt", "attempt")
	scriptRefused     = newScript("refused", "attempt")
	scriptSettle      = newScript("settle", "attempt")
	scriptTransferred = newScript("transferred", "attempt")
	scriptOdd         = newScript("odd", "attempt")
	scriptTouch       = newScript("touch")
	scriptLapse       = newScript("lapse", "attempt")
	scriptInbox       = newScript("inbox")
	scriptDropInbox   = newScript("drop_inbox")
	scriptSuppress    = newScript("suppress")
	scriptNational    = newScript("national")
	scriptUnsuppress  = newScript("unsuppress")
	scriptListed      = newScript("listed")
	scriptListPart    = newScript("list_part")
	scriptClaims      = newScript("sweep_claims")
	scriptSending     = newScript("sweep_sending", "attempt")
	scriptOld         = newScript("sweep_old")
	scriptDays        = newScript("sweep_days")
	scriptLock        = newScript("lock")
	scriptRules       = newScript("rules")
	scriptRulesTeam   = newScript("rules_team")
	scriptNote        = newScript("note")
	scriptRoster      = newScript("roster")
	scriptFollow      = newScript("follow")
	scriptForgetLead  = newScript("forget_lead")
	scriptForgetPhone = newScript("forget_phone")
	scriptArchived    = newScript("archived")
	scriptMendLead    = newScript("repair_lead", "attempt", "queue")
	scriptMendIndex   = newScript("repair_index", "attempt")
	scriptMendPhone   = newScript("repair_phone", "attempt")
	scriptMendBeside  = newScript("repair_beside")
	scriptRecount     = newScript("recount")
)

// reply is what a script of the record answers: a word, then what belongs to it.
type reply []string

// again reports that the change had been made before.
func (r reply) again() bool { return r[0] == "again" }

// run runs a script on a team's keys.
func (s *Store) run(ctx context.Context, sc *script, team string, args ...any) (reply, error) {
	cmd := sc.src().Run(ctx, s.client, []string{teamKey(team, "team")}, args...)
	return sc.reply(cmd)
}

// commandsAtOnce is how many commands go out in one round trip. A miniredis in our own process is reached through a pipe without a
// buffer: it could not answer while we still write, and we would not read.
const commandsAtOnce = 32

// inParts sends the commands 0 to n-1 in as many round trips as needed. A value that is not there is no error.
func (s *Store) inParts(ctx context.Context, n int, command func(pipe redis.Pipeliner, i int)) error {
	for first := 0; first < n; first += commandsAtOnce {
		pipe := s.client.Pipeline()
		for i := first; i < min(n, first+commandsAtOnce); i++ {
			command(pipe, i)
		}
		if err := execAll(ctx, pipe); err != nil {
			return err
		}
	}
	return nil
}

// reply reads a script's answer; what it says went wrong becomes an error.
func (sc *script) reply(cmd *redis.Cmd) (reply, error) {
	words, err := cmd.StringSlice()
	if err != nil {
		return nil, fmt.Errorf("script %s: %w", sc.name, err)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("script %s: no reply", sc.name)
	}
	switch words[0] {
	case "gone":
		return nil, errGone
	case "missing":
		return nil, ErrNotFound
	case "fenced":
		return nil, ErrFenced
	case "damaged":
		return nil, fmt.Errorf("%s %w", words[1], ErrDamaged)
	case "conflict":
		return nil, &ConflictError{Want: words[1], Got: words[2]}
	case "lane":
		return nil, fmt.Errorf("lane %q is not known to the campaign: put it first", words[1])
	}
	return words, nil
}

// errGone is an ErrNotFound: the campaign itself is missing.
var errGone = fmt.Errorf("campaign %w", ErrNotFound)
