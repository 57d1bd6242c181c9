package main

import (
	"archive/zip"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/region"
)

// builtIn stands for the tables of this program where a folder of tables is asked for.
const builtIn = "built-in"

// readTables reads rule tables from a folder or a zip file, or takes those of this program.
func readTables(path string) (t *region.Tables, err error) {
	if path == builtIn {
		return region.Load()
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read rule tables: %w", err)
	}
	if info.IsDir() {
		t, err = region.Parse(os.DirFS(path))
	} else {
		var archive *zip.ReadCloser
		if archive, err = zip.OpenReader(path); err != nil {
			return nil, fmt.Errorf("read rule tables from %s: %w; name a folder of tables, or a zip file of one", path, err)
		}
		defer func() { _ = archive.Close() }()
		t, err = region.Parse(archive)
	}
	if err != nil {
		return nil, fmt.Errorf("read rule tables from %s:\n%w", path, err)
	}
	return t, nil
}

// rulesCheck is what `rules check` prints.
type rulesCheck struct {
	OK       bool        `json:"ok"`
	At       stamp       `json:"at"`
	Rules    string      `json:"rules"`
	TZData   string      `json:"tzdata"`
	Zones    []zoneCheck `json:"zones"`
	Lists    []listCheck `json:"lists"`
	Unlisted []string    `json:"unlisted"` // regions whose no-call days nobody knows
	Problems []string    `json:"problems"`
}

type zoneCheck struct {
	Zone    string `json:"zone"`
	OffsetS int    `json:"offset_s"` // on 2026-12-01
	WantS   int    `json:"want_s"`
}

type listCheck struct {
	Region string `json:"region"`
	Last   string `json:"last"`
	Days   int    `json:"days"`
}

func (a *app) rulesCheckCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "check [TABLES]",
		Short: "Check that the rules and the zone data are whole and not out of date",
		Long: "Checks the tables of this program, or of a folder or zip file: every row, the hours for an unknown state against those\n" +
			"of all states, how far the no-call days reach, and zones whose offsets changed in 2026. The exit code is 1 when something\n" +
			"is wrong, and from the day on which a list of no-call days ends: nobody is called there after it.",
		Example: "  dialerd rules check\n" +
			"  dialerd rules check --at 2027-06-01\n" +
			"  dialerd rules check ./tables",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := filled(cmd, "at"); err != nil {
				return err
			}
			when := a.now()
			if at != "" {
				var err error
				if when, err = a.time(cmd.Context(), "", "--at", at); err != nil {
					return err
				}
			}
			path := builtIn
			if len(args) > 0 {
				path = args[0]
			}
			t, err := readTables(path)
			if err != nil {
				return err
			}
			return a.printRulesCheck(t, when)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "check for this time (default: now)")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printRulesCheck(t *region.Tables, at time.Time) error {
	err := region.CheckTables(t, at)
	c := rulesCheck{
		OK: err == nil, At: stamp(at), Rules: t.Name(), TZData: region.ZoneVersion(), Zones: []zoneCheck{}, Lists: []listCheck{},
		Unlisted: append([]string{}, t.Unlisted()...), Problems: []string{},
	}
	if err != nil {
		c.Problems = slices.Collect(strings.SplitSeq(err.Error(), "\n"))
	}
	for _, p := range region.Probes() {
		c.Zones = append(c.Zones, zoneCheck{p.Zone, p.Got, p.Want})
	}
	for _, l := range t.Lists() {
		c.Lists = append(c.Lists, listCheck{l.Region, string(date(l.Last)), l.Days})
	}
	if a.json {
		if err := a.printJSON(c); err != nil {
			return err
		}
		if !c.OK {
			return &exitError{code: exitFailed}
		}
		return nil
	}
	for _, z := range c.Zones {
		mark := "✓"
		if z.OffsetS != z.WantS {
			mark = "✗"
		}
		a.say("%s %-20s %s on 2026-12-01\n", mark, z.Zone, offset(z.OffsetS))
	}
	first := c.Lists[0]
	a.say("  no-call days of %s end first, on %s; %s\n", first.Region, first.Last, plural(len(c.Lists), "list"))
	a.say("  no-call days of %s are not known: nobody there is called before an operator adds them\n", strings.Join(c.Unlisted, " "))
	if err != nil {
		return err
	}
	a.say("rules %s and tzdata %s are whole and hold on %s\n", c.Rules, c.TZData, at.Format(time.DateOnly))
	return nil
}

// offset writes seconds east of UTC as -05:00.
func offset(s int) string {
	sign := "+"
	if s < 0 {
		sign, s = "-", -s
	}
	return fmt.Sprintf("%s%02d:%02d", sign, s/3600, s/60%60)
}
