package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/region"
)

// diffJSON is what `rules diff` prints.
type diffJSON struct {
	Old     string       `json:"old"` // name of the rules
	New     string       `json:"new"`
	Changes []changeJSON `json:"changes"`
}

type changeJSON struct {
	Table string `json:"table"`
	Key   string `json:"key"`
	Field string `json:"field"` // row = the whole row
	Old   text   `json:"old"`   // null = added
	New   text   `json:"new"`   // null = removed
}

func (a *app) rulesDiffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OLD [NEW]",
		Short: "Show what differs between two versions of the rule tables",
		Long: "Compares two versions of the rule tables row by row: folders or zip files as dialerd rules export writes them, or\n" +
			"\"built-in\" for those of this program, which is what NEW is when it is left out.",
		Example: "  dialerd rules diff ./tables-2026-08\n  dialerd rules diff built-in ./tables --json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			paths := [2]string{args[0], builtIn}
			if len(args) == 2 {
				paths[1] = args[1]
			}
			var tables [2]*region.Tables
			var errs [2]error
			for i, path := range paths {
				tables[i], errs[i] = readTables(path)
			}
			if err := errors.Join(errs[:]...); err != nil {
				return err
			}
			out := diffJSON{Old: tables[0].Name(), New: tables[1].Name(), Changes: []changeJSON{}}
			for _, c := range region.Diff(tables[0], tables[1]) {
				out.Changes = append(out.Changes, changeJSON{c.Table, c.Key, c.Field, text(c.Old), text(c.New)})
			}
			if a.json {
				return a.printJSON(out)
			}
			a.say("%s → %s: %s\n", out.Old, out.New, plural(len(out.Changes), "change"))
			for _, c := range out.Changes {
				switch {
				case c.Field == "row" && c.Old == "":
					a.say("+ %s: %s\n    %s\n", c.Table, c.Key, c.New)
				case c.Field == "row":
					a.say("- %s: %s\n    %s\n", c.Table, c.Key, c.Old)
				default:
					a.say("~ %s: %s: %s\n    %s → %s\n", c.Table, c.Key, c.Field, dash(string(c.Old)), dash(string(c.New)))
				}
			}
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) rulesExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR",
		Short: "Write the rule tables of this program into a folder",
		Long: "Writes the rule tables of this program into a folder, which is made if need be, to be read, kept, and compared with those\n" +
			"of another version. Nothing there is overwritten. The program itself always uses its own tables.",
		Example: "  dialerd rules export ./tables-2026-11",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o750); err != nil {
				return fmt.Errorf("export rule tables: %w", err)
			}
			files := 0
			err := fs.WalkDir(region.Embedded(), ".", func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				data, err := fs.ReadFile(region.Embedded(), path)
				if err != nil {
					return err
				}
				files++
				return writeNew(filepath.Join(args[0], path), data)
			})
			if err != nil {
				return fmt.Errorf("export rule tables: %w", err)
			}
			a.note("%s of rules %s written to %s\n", plural(files, "file"), region.Default().Name(), args[0])
			return nil
		},
	}
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640) //nolint:gosec // G302, G304: the operator names the folder, for others to read
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(data)
	return err
}
