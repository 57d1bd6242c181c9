package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandHasAnExampleAndASentence(t *testing.T) {
	t.Parallel()
	a := &app{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Name() == "help" {
			return
		}
		if cmd.Short == "" || !strings.Contains(cmd.Example, "dialerd") {
			t.Errorf("%s: short %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
		if strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: the short text ends with a dot: %q", cmd.CommandPath(), cmd.Short)
		}
		for line := range strings.SplitSeq(cmd.Long+"\n"+cmd.Example, "\n") {
			if n := len([]rune(line)); n > 130 {
				t.Errorf("%s: a line of its help has %d characters: %q", cmd.CommandPath(), n, line)
			}
		}
		if cmd.Name() == "completion" {
			return // its commands are cobra's own
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(a.root())
}

func TestCommandsThatPrintAResultHaveJSON(t *testing.T) {
	t.Parallel()
	a := &app{}
	for _, path := range []string{
		"import", "lead add", "lead show", "lead list", "lead set", "lead hold", "lead release", "lead close", "lead reopen", "campaign apply", "campaign list",
		"campaign status", "campaign start", "campaign pause", "campaign resume", "campaign stop", "campaign next", "why", "where", "dnc add",
		"dnc remove", "dnc check", "dnc import", "agents", "unresolved", "config check", "version", "fsck", "doctor", "rules show", "rules check", "audit verify", "forget",
		"demo", "export",
	} {
		cmd, rest, err := a.root().Find(strings.Fields(path))
		if err != nil || len(rest) > 0 {
			t.Errorf("%s: %v, left over %v", path, err, rest)
			continue
		}
		if cmd.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", path)
		}
	}
}
