package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// hangUp is what a terminal that is closed sends, often twice, and what systemd may send right after SIGTERM: it is never the second signal
// that ends at once, for nobody is in a hurry.
const hangUp = syscall.SIGHUP

// stopSignals are those that end what runs until it is told to. A hang-up that the program was started to ignore, as nohup does, stays
// ignored. Ask before the first of them is listened to.
func stopSignals() []os.Signal {
	signals := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if !signal.Ignored(hangUp) {
		signals = append(signals, hangUp)
	}
	return signals
}

// untilSignal is a context that the first signal ends. The next one ends the program, unless it is a hang-up.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := stopSignals()
	ctx, stop := signal.NotifyContext(ctx, signals...)
	unused := context.AfterFunc(ctx, func() {
		if slices.Contains(signals, os.Signal(hangUp)) {
			signal.Notify(make(chan os.Signal, 1), hangUp) // to no effect
		}
		stop()
	})
	return ctx, func() { unused(); stop() }
}
