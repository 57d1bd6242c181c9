package main

import (
	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/embedded"
)

// supervisorCommand is how the program starts itself as the keeper of the embedded Redis.
func (a *app) supervisorCommand() *cobra.Command {
	return &cobra.Command{
		Use:     serverChild + " DIR",
		Short:   "Keep the embedded Redis running (started by dialerd itself)",
		Example: "  dialerd " + serverChild + " ./data/redis",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if code := embedded.Supervise(args, store.SealLimits); code != 0 {
				return &exitError{code: code} // it has said why
			}
			return nil
		},
	}
}
