// Command dialerd calls the people on your lists, when it is allowed and not twice.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Exit codes. Scripts rely on them.
const (
	exitDone    = 0   // done; rejected rows and "not callable" are answers, not failures
	exitFailed  = 1   // failed, or not found
	exitUsage   = 2   // wrong usage, or settings or a campaign file that cannot be used
	exitBroken  = 3   // a promise is broken (fsck)
	exitSecond  = 130 // a second signal ended the daemon at once
	serverChild = "redis-supervisor"
)

// version is set when a release is built.
var version = "dev"

func main() { os.Exit(mainCode()) }

// mainCode is main for tests that run the program inside their own process.
func mainCode() int {
	return run(context.Background(), os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}

// streams are where a command reads and writes. Results go to out, everything else to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

func run(ctx context.Context, args []string, s streams) int {
	return (&app{streams: s, lookup: os.LookupEnv, now: time.Now}).run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	s, root := a.streams, a.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	coded, ok := errors.AsType[*exitError](err)
	if !ok || coded.code != exitSecond { // "at once" leaves the daemon's workers running: nothing is closed under their hands
		if closeErr := a.close(); err == nil {
			err = closeErr
		}
	}
	if err == nil {
		return exitDone
	}
	if ok {
		if coded.err != nil {
			a.note("dialerd: %v\n", coded.err)
		}
		return coded.code
	}
	a.note("dialerd: %v\n", err)
	return exitFailed
}

// exitError ends the program with a code of its own. Without an error inside, what there was to say has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage marks an error as the caller's.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitUsage, err: err}
}

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "dialerd",
		Short: "Calls the people on your lists, when it is allowed and not twice",
		Long: "dialerd is a bulk outbound campaign dialer on top of the Thoughtly voice API.\n" +
			"It calls each lead inside the lead's own calling window, under one request limit\n" +
			"shared by the whole fleet, and closes every call with a disposition.",
		Example:       "  dialerd demo\n  dialerd campaign apply spring.yaml\n  dialerd serve",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&a.configPath, "config", "", "settings file (default: ./dialerd.yaml if there, else the environment alone)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w\nTry: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		a.serveCommand(), a.demoCommand(), a.importCommand(), a.leadCommand(), a.campaignCommand(), a.whyCommand(),
		a.whereCommand(), a.exportCommand(), a.dncCommand(), a.agentsCommand(), a.automationCommand(), a.unresolvedCommand(), a.mockCommand(),
		a.configCommand(), a.versionCommand(), a.fsckCommand(), a.doctorCommand(),
		a.rulesCommand(), a.auditCommand(), a.forgetCommand(), a.supervisorCommand(),
	)
	wrapArgs(root)
	a.complete(root)
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		c.Example = "  dialerd completion bash > /etc/bash_completion.d/dialerd"
		needShell(c)
	}
	return root
}

// named says which argument is meant when their number is wrong. The arguments themselves may be phones, so they are not shown.
func named(cmd *cobra.Command, args []string, err error) error {
	words := strings.Fields(cmd.Use)
	if len(words) < 2 || !strings.Contains(err.Error(), "arg(s)") {
		return err
	}
	if len(args) == 0 {
		return fmt.Errorf("%s is missing: %s %s", words[1], cmd.CommandPath(), strings.Join(words[1:], " "))
	}
	return fmt.Errorf("one %s is wanted, and there are %d arguments: put what has spaces in it into quotes", words[1], len(args))
}

// needShell makes it wrong usage to leave the shell out, or to name one that there is no script for: the help would end up in the file
// that the script was meant for.
func needShell(cmd *cobra.Command) {
	var shells []string
	for _, sub := range cmd.Commands() {
		shells = append(shells, sub.Name())
	}
	names := strings.Join(shells, ", ")
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("SHELL is missing: name one of %s", names)
		}
		return usagef("%q is no shell that there is a script for; name one of %s", args[0], names)
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}

// filled refuses flags that were given and are empty, which is what a script's variable that is not set looks like: left out they would
// mean something else.
func filled(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return usagef("--%s %q: it is empty; give it a value, or leave it out", name, "")
		}
	}
	return nil
}

// wrapArgs makes wrong arguments an error of usage in every command, and an unknown subcommand one as well.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usagef("%w\nTry: %s --help", named(cmd, args, err), cmd.CommandPath())
			}
			return filled(cmd, "campaign", "team") // without them a number would leave a whole team's list, and not a campaign's
		}
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}
