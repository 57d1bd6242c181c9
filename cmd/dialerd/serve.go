package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/store"
)

// The roles of a daemon. A fleet may split them over machines; one daemon has them all.
const (
	roleHooks = "hooks"        // receives webhooks
	roleAdmin = "admin"        // dashboard, metrics, health
	roleFeed  = "feed"         // keeps tickets queued
	roleWork  = store.RoleWork // stages, dials, settles, reconciles
)

var allRoles = []string{roleHooks, roleAdmin, roleFeed, roleWork}

// usualConcurrency is how many tasks a daemon handles at once unless it is told otherwise.
const usualConcurrency = 64

// stopMargin is what a stop may take beside the longest request: the results that are written down, the listeners, the last of the record.
const stopMargin = 30 * time.Second

func (a *app) serveCommand() *cobra.Command {
	var o daemonOptions
	var debug bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon",
		Long: "Runs the daemon until SIGTERM, SIGINT or SIGHUP (which stays ignored under nohup): it stages contacts, places calls inside\n" +
			"each lead's window, receives webhooks and closes every call. Many daemons on one Redis are a fleet; they share one request\n" +
			"limit.\n" +
			"On the first signal it finishes what is under way and ends with 0, within the longest request timeout of its teams and 30 s\n" +
			"(with the usual 15s: 45 s); no call is in doubt then. A second SIGTERM or SIGINT ends it at once with 130, which is safe: what\n" +
			"was under way is in the record and the rest of the fleet, or the next start, goes on with it.\n\n" +
			"A daemon has all roles, or those that --roles names:\n" +
			"  hooks  takes Thoughtly's webhooks at `listen`, the one address that the internet may reach\n" +
			"  admin  the page, /api/v1, /metrics and health at `admin`\n" +
			"  feed   looks which leads could be called now, keeps work queued, follows the campaigns' schedules\n" +
			"  work   stages contacts, places calls, settles outcomes, looks up calls whose webhook was lost\n" +
			"A fleet needs each of them at least once.",
		Example: "  dialerd serve --config /etc/dialerd/dialerd.yaml\n  dialerd serve --roles feed,work",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			level := slog.LevelInfo
			if debug {
				level = slog.LevelDebug
			}
			a.serving = true
			return a.serve(cmd.Context(), o, a.logger(level))
		},
	}
	cmd.Flags().StringSliceVar(&o.roles, "roles", allRoles, "what this daemon does")
	cmd.Flags().IntVar(&o.concurrency, "concurrency", usualConcurrency, "most tasks handled at once")
	cmd.Flags().BoolVar(&o.acceptDataLoss, "accept-data-loss", false, "dial the real API on a Redis that can lose what it was told")
	cmd.Flags().BoolVar(&debug, "debug", false, "log every request to the API")
	return cmd
}

// check says what is wrong with the flags.
func (o *daemonOptions) check() error {
	roles := strings.Join(allRoles, ", ")
	if len(o.roles) == 0 {
		return usagef("--roles %q: a daemon has a role at least; name some of %s, or leave --roles out for all", "", roles)
	}
	for _, r := range o.roles {
		if !slices.Contains(allRoles, r) {
			return usagef("--roles: %q is no role; the roles are %s", r, roles)
		}
	}
	if o.concurrency < 1 {
		return usagef("--concurrency %d: a daemon handles a task at once at least; write 1 or more, or leave it out for %d", o.concurrency, usualConcurrency)
	}
	return nil
}

// serve runs a daemon until a signal ends it.
func (a *app) serve(ctx context.Context, o daemonOptions, log *slog.Logger) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, stopSignals()...)
	defer signal.Stop(signals)
	// Who reads the log may go away, as tee does with the same terminal. Listened to, a line that cannot be written is an error and no end.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	started := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := a.newDaemon(ctx, o, log)
	if err != nil {
		return err
	}
	go func() { started <- d.start(ctx) }()
	for {
		select {
		case err := <-started:
			if err != nil {
				cancel()
				d.stop()
				return err
			}
			started = nil
		case err := <-d.failed:
			cancel()
			d.stop()
			return err
		case s := <-signals:
			log.Info("stopping", "signal", s.String())
			cancel()
			stopped := make(chan struct{})
			go func() {
				d.stop()
				close(stopped)
			}()
			for {
				select {
				case <-stopped:
					log.Info("stopped")
					return nil
				case s := <-signals:
					if s != hangUp {
						return &exitError{code: exitSecond, err: fmt.Errorf("second signal (%s): ended at once; the record goes on from where it was", s)}
					}
				}
			}
		}
	}
}
