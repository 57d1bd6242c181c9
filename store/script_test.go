package store

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/store/redistest"
)

// scriptFiles are the files of the record's scripts, without the preludes and without those of the request limit.
func scriptFiles(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(luaFiles, "lua/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.HasPrefix(name, "lua/limit") || slices.Contains([]string{"lua/common.lua", "lua/audit.lua", "lua/attempt.lua", "lua/queue.lua"}, name)
	})
}

func TestEveryScriptSaysWhatItTakesAndReturns(t *testing.T) {
	t.Parallel()
	for _, name := range scriptFiles(t) {
		text, err := luaFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		head := regexp.MustCompile(`^(--.*\n)+`).FindString(string(text))
		for _, word := range []string{"KEYS  ", "ARGV  ", "returns ok"} {
			if !strings.Contains(head, "-- "+word) {
				t.Errorf("%s: its head does not say %q", name, word)
			}
		}
	}
}

func TestEveryScriptIsUnderstoodByBothServers(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		all := []*script{
			scriptName, scriptApply, scriptSetHold, scriptPauseTeam, scriptAddList, scriptAddLeads, scriptPutLanes, scriptStageable, scriptStaged, scriptMake, scriptLeave, scriptStageFailed,
			scriptPick, scriptReturn, scriptDefer, scriptHold, scriptClose, scriptReopen, scriptEdit, scriptBegin, scriptAccepted, scriptInDoubt,
			scriptRefused, scriptSettle, scriptTransferred, scriptOdd, scriptTouch, scriptLapse, scriptInbox, scriptDropInbox, scriptSuppress, scriptUnsuppress, scriptListed, scriptListPart,
			scriptClaims, scriptSending, scriptOld, scriptDays, scriptLock, scriptNote, scriptRoster, scriptFollow, scriptArchived, scriptForgetLead, scriptForgetPhone,
			scriptWithdraw, scriptReassert, scriptNational, scriptRules, scriptRulesTeam, scriptMendLead, scriptMendIndex, scriptMendPhone, scriptMendBeside, scriptRecount, scriptKeep, scriptAdopt,
			scriptOwnContact,
		}
		if want := scriptFiles(t); len(all) != len(want) {
			t.Errorf("%d scripts, %d files", len(all), len(want))
		}
		for _, sc := range all {
			if err := sc.src().Load(t.Context(), client).Err(); err != nil {
				t.Errorf("%s: %v", sc.name, err)
			}
		}
	})
}
