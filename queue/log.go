package queue

import (
	"context"
	"fmt"
	"log/slog"
)

// logger passes asynq's own messages on. Those that tell of starting and stopping are of no interest to an operator, and
// while Redis is down each part of asynq complains every few seconds, where one line says it all (see patient).
type logger struct {
	log  *slog.Logger
	down func() bool
}

// Debug logs at debug level.
func (l logger) Debug(args ...any) { l.write(slog.LevelDebug, args) }

// Info logs at debug level.
func (l logger) Info(args ...any) { l.write(slog.LevelDebug, args) }

// Warn logs as a warning, or at debug level while Redis is down.
func (l logger) Warn(args ...any) { l.write(slog.LevelWarn, args) }

// Error logs as an error, or at debug level while Redis is down.
func (l logger) Error(args ...any) { l.write(slog.LevelError, args) }

// Fatal logs as an error and returns: whether the process ends is not for a library to say.
func (l logger) Fatal(args ...any) { l.log.Error("asynq gives up", "text", fmt.Sprint(args...)) }

func (l logger) write(level slog.Level, args []any) {
	if l.down() {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "asynq says", "text", fmt.Sprint(args...))
}
