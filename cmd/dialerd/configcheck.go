package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/config"
)

func (a *app) configCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "config",
		Short:   "Look at the settings",
		Example: "  dialerd config check --config /etc/dialerd/dialerd.yaml",
	}, a.configCheckCommand(), a.configSchemaCommand())
}

// schemas are what there is for files that people write, by the kind of file.
var schemas = map[string]func() []byte{"settings": config.SettingsSchema, "campaign": config.CampaignSchema, "rules": config.RulesSchema}

func (a *app) configSchemaCommand() *cobra.Command {
	kinds := slices.Sorted(maps.Keys(schemas))
	return &cobra.Command{
		Use:   "schema " + strings.Join(kinds, "|"),
		Short: "Print the JSON Schema of a kind of file",
		Long: "Prints the JSON Schema of dialerd.yaml (settings), of a campaign file, or of a file for `dialerd rules apply`, as this binary\n" +
			"reads them. An editor that is told of it completes and checks such files while they are written.",
		Example:   "  dialerd config schema campaign > campaign.schema.json",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: kinds,
		RunE: func(_ *cobra.Command, args []string) error {
			_, err := fmt.Fprintf(a.out, "%s\n", bytes.TrimSpace(schemas[args[0]]()))
			return err
		},
	}
}

// checkedConfig is what `config check` prints.
type checkedConfig struct {
	OK       bool             `json:"ok"`
	File     text             `json:"file"`
	Settings *config.Settings `json:"settings"`
	Problems config.Problems  `json:"problems"`
}

func (a *app) configCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the settings and print them",
		Long: "Reads the settings file and the environment, reports every mistake at once, and prints the settings as they will hold:\n" +
			"defaults filled in, secrets masked. What only serve needs and is missing is named as well. With a mistake the exit\n" +
			"code is 2.",
		Example: "  dialerd config check\n  dialerd config check --config dialerd.yaml --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.load()
			if err == nil {
				err = usage(s.CheckServe())
			}
			out := checkedConfig{OK: err == nil, File: text(a.configPath), Settings: s, Problems: config.Problems{}}
			if s != nil {
				out.File = text(s.File)
			}
			problems, listed := errors.AsType[config.Problems](err)
			if a.json && (err == nil || listed) {
				out.Problems = append(out.Problems, problems...)
				if printErr := a.printJSON(out); printErr != nil {
					return printErr
				}
				if err != nil {
					return &exitError{code: exitUsage}
				}
				return nil
			}
			if s != nil {
				shown, yamlErr := s.YAML()
				if yamlErr != nil {
					return yamlErr
				}
				source := "the environment alone"
				if s.File != "" {
					source = s.File + " and the environment"
				}
				a.say("# from %s\n%s", source, shown)
			}
			return err
		},
	}
	a.jsonFlag(cmd)
	return cmd
}
