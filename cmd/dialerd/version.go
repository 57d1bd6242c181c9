package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
)

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of the program, its calling rules and its zone data",
		Example: "  dialerd version\n  dialerd version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			rules, zones := campaign.Versions()
			if a.json {
				return a.printJSON(struct {
					Version string `json:"version"`
					Go      string `json:"go"`
					Rules   string `json:"rules"`
					TZData  string `json:"tzdata"`
				}{version, runtime.Version(), rules, zones})
			}
			a.say("dialerd %s\n  go      %s\n  rules   %s\n  tzdata  %s\n", version, runtime.Version(), rules, zones)
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}
