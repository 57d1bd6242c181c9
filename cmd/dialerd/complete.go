package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/embedded"
)

// completeWithin bounds how long a shell waits for the names of campaigns.
const completeWithin = 500 * time.Millisecond

// complete gives the commands below root what a shell completes: names of campaigns, and the words that some flags take.
func (a *app) complete(root *cobra.Command) {
	flags := map[string]cobra.CompletionFunc{
		"campaign": a.campaignNames,
		"format":   cobra.FixedCompletions(exportFormats, cobra.ShellCompDirectiveNoFileComp),
		"profile":  cobra.FixedCompletions(simulator.Profiles, cobra.ShellCompDirectiveDefault),
		"roles":    roleNames,
	}
	for _, cmd := range root.Commands() {
		words := strings.Fields(cmd.Use)
		if len(words) > 1 && words[1] == "NAME" && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = a.campaignNames
		}
		for name, complete := range flags {
			if cmd.Flags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, complete) // it fails for a flag that is not there alone
			}
		}
		a.complete(cmd)
	}
}

// roleNames completes the last of some roles with commas between them.
func roleNames(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndex(typed, ",")+1]
	var words []cobra.Completion
	for _, role := range allRoles {
		if !slices.Contains(strings.Split(before, ","), role) {
			words = append(words, before+role)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// campaignNames completes the name of a campaign. It starts no Redis, and of one that does not answer at once it says nothing.
func (a *app) campaignNames(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if strings.Contains(cmd.Use, " NAME") && len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	found := make(chan []string, 1)
	go func() { found <- a.quietNames() }()
	limit := time.NewTimer(completeWithin)
	defer limit.Stop()
	select {
	case names := <-found:
		return names, cobra.ShellCompDirectiveNoFileComp
	case <-limit.C:
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *app) quietNames() []string {
	look := &app{streams: streams{in: a.in, out: io.Discard, err: io.Discard}, lookup: a.lookup, now: a.now, configPath: a.configPath}
	s, err := look.load()
	if err != nil {
		return nil
	}
	url := s.Redis.Reveal()
	if s.Redis.Embedded() {
		var running bool
		if url, running = embedded.Running(s.DataDir); !running {
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
	defer cancel()
	client, err := store.Open(ctx, url)
	if err != nil {
		return nil
	}
	look.use(client)
	defer func() { _ = look.close() }() // it was for reading only
	records, err := look.store.Campaigns(ctx)
	if err != nil {
		return nil
	}
	names := make([]string, len(records))
	for i, r := range records {
		names[i] = r.Name
	}
	return names
}
