package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/thoughtly"
)

// agentJSON is an agent as `agents` prints it.
type agentJSON struct {
	ID        string `json:"id"`
	Title     text   `json:"title"`
	Status    text   `json:"status"`
	Phone     text   `json:"phone"`
	CreatedAt stamp  `json:"created_at"`
}

func (a *app) agentsCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "agents",
		Short: "List the voice agents of a team",
		Long: "Asks the API for the voice agents of a team; their ids go into agents: of a campaign file. The request passes the limit\n" +
			"that the whole fleet shares, so on a new Redis it may wait for up to the limit's window.",
		Example: "  dialerd agents\n  dialerd agents --team west --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.teamOr(name)
			if err != nil {
				return err
			}
			agents, err := a.agents(cmd.Context(), t)
			if err != nil {
				return err
			}
			listed := make([]agentJSON, 0, len(agents))
			for _, g := range agents {
				listed = append(listed, agentJSON{g.ID, text(g.Title), text(g.Status), text(g.Phone), stamp(g.CreatedAt)})
			}
			if a.json {
				return a.printJSON(struct {
					Team   string      `json:"team"`
					Agents []agentJSON `json:"agents"`
				}{t.Name, listed})
			}
			rows := make([][]string, len(listed))
			for i, g := range listed {
				rows[i] = []string{g.ID, string(g.Title), string(g.Status), dash(string(g.Phone)), g.CreatedAt.String()}
			}
			printTable(a.out, []string{"id", "title", "status", "phone", "created"}, rows)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "team", "", "team of the settings (default: the only one)")
	a.jsonFlag(cmd)
	return cmd
}

// waitNotice is how often a wait for the request limit is explained.
const waitNotice = 10 * time.Second

// explainWait says on stderr, as long as a request waits for its slot, why and how long that may take. The end is the caller's.
func (a *app) explainWait(t *config.Team) (end func()) {
	began, done, ended := a.now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		next := time.NewTimer(time.Second)
		defer next.Stop()
		for {
			select {
			case <-done:
				return
			case <-next.C:
			}
			if left := t.Rate.Per - a.now().Sub(began); left > 0 {
				a.note("waiting for a slot of the request limit, %.0f s at most: on a Redis that is new or was just started, nobody knows what was "+
					"sent before, so the limit counts as used up for %s\n", left.Seconds(), config.FormatDuration(t.Rate.Per))
			} else {
				a.note("still waiting for a slot of the request limit (%d in %s)\n", t.Rate.Requests, config.FormatDuration(t.Rate.Per))
			}
			next.Reset(waitNotice)
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// agents asks for all agents of a team, archived ones too.
func (a *app) agents(ctx context.Context, t *config.Team) ([]thoughtly.Agent, error) {
	if t.APIToken.Reveal() == "" {
		return nil, usagef("team %s has no API token: set THOUGHTLY_API_TOKEN, or api_token in the settings (Thoughtly: Settings, Developer)", t.Name)
	}
	if _, err := a.open(ctx); err != nil {
		return nil, err
	}
	api, limiter, err := a.api(t, nil)
	if err != nil {
		return nil, err
	}
	a.onClose("request limit", func() error { return limiter.Close(context.WithoutCancel(ctx)) })
	defer a.explainWait(t)()
	var all []thoughtly.Agent
	seen := map[string]bool{}
	for page := 0; ; page++ {
		got, err := api.ListAgents(ctx, thoughtly.ListAgentsRequest{All: true, Page: thoughtly.Page{Page: page, Limit: thoughtly.MaxLimit}})
		if err != nil {
			if failure, ok := errors.AsType[*thoughtly.Error](err); ok && failure.Kind == thoughtly.KindUnauthorized {
				err = fmt.Errorf("%w\nCopy api_token and team_id anew from Settings, Developer in Thoughtly", err)
			}
			return nil, fmt.Errorf("list the agents of team %s: %w", t.Name, err)
		}
		before := len(all)
		for _, g := range got.Items {
			if !seen[g.ID] {
				seen[g.ID] = true
				all = append(all, g)
			}
		}
		if !got.More || len(all) == before { // a server may ignore the page and give the first one for ever
			return all, nil
		}
	}
}
