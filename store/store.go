// Package store is the record of truth in Redis; each change of state is one Lua script.
//
// What the record says is what happened: a task, a webhook or a worker that comes late, twice or never changes nothing that
// the record does not allow. The package never reads a clock; every method that needs the time takes it.
//
// Errors of single records are ErrNotFound, ErrConflict and ErrFenced. Any other error means that Redis was not reached or
// did not answer, so a change may or may not have been made: every method may be called again with the same arguments.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// Store is the record. It may be used by many goroutines.
type Store struct {
	client redis.UniversalClient
	log    *slog.Logger
	by     string // who uses it, for the record of decisions

	offset  time.Duration
	backlog int // entries of the record that may wait for the archiver before nothing begins any more

	mu      sync.RWMutex
	names   map[string]ref    // campaigns by name: neither team nor number ever changes
	numbers map[int64]string  // names of campaigns by number
	damaged map[string]Damage // campaigns that could not be read, by name
	defs    map[int64]definition
	lists   map[listKey]*campaign.List
	servers map[string]serverView // by serverOf
	most    int                   // replicas at once that any server was seen to have
	recent  map[string][]recent   // attempts that this process began, by team
	book    atomic.Pointer[book]  // the rules as they were read last
	ids     map[string]bool       // teams whose replies to a call were seen to have the id of the call's record
}

// Options are what a Store may be given beside its client.
type Options struct {
	Log *slog.Logger // where broken invariants are reported; nil = nowhere
	By  string       // who changes things by hand through it, for the record of decisions: "operator ann"
	// Offset is what this process' clock is ahead of Redis' on purpose (a demo's shifted clock).
	Offset time.Duration
	// Backlog is how many entries of the record of decisions may wait for the archiver: at that many Begin lets no call begin.
	// 0 = DefaultBacklog.
	Backlog int
}

// New makes a Store on a client, which the caller keeps and closes. The client must not retry by itself (see Open).
func New(client redis.UniversalClient, o Options) *Store {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Backlog <= 0 {
		o.Backlog = DefaultBacklog
	}
	return &Store{
		client:  client,
		log:     o.Log,
		by:      o.By,
		offset:  o.Offset,
		backlog: o.Backlog,
		names:   make(map[string]ref),
		numbers: make(map[int64]string),
		damaged: make(map[string]Damage),
		defs:    make(map[int64]definition),
		lists:   make(map[listKey]*campaign.List),
		servers: make(map[string]serverView),
		recent:  make(map[string][]recent),
		ids:     make(map[string]bool),
	}
}

// Client is the client that the Store was made with.
func (s *Store) Client() redis.UniversalClient { return s.client }

// Ping reports whether Redis answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

// The errors that a caller can act upon.
var (
	// ErrNotFound: there is no such campaign, lead, attempt or event.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the record is not in a state that allows this; a *ConflictError says which it wanted and which it got.
	ErrConflict = errors.New("conflict")
	// ErrFenced: the claim is no longer the caller's: its lease ran out, or somebody changed the lead. Drop the work.
	ErrFenced = errors.New("the claim has passed to somebody else")
	// ErrDamaged: what is kept of one lead, phone or lane cannot be read. The others go on; fsck tells where, and mends what it can.
	ErrDamaged = errors.New("cannot be read")
)

// ConflictError says what the record would have to be, and what it is. It matches ErrConflict.
type ConflictError struct{ Want, Got string }

func (e *ConflictError) Error() string { return fmt.Sprintf("want %s, got %s", e.Want, e.Got) }

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }
