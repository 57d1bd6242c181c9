//go:build !unix

package embedded

import (
	"errors"
	"os"
	"os/exec"
)

const (
	shared    = 1
	exclusive = 2
)

var errUnsupported = errors.New("needs a Unix system; set redis (REDIS_URL) to the address of a running Redis")

// lock has no meaning here: there is neither flock nor a redis-server.
type lock struct{}

func (place) try(string, int) (*lock, error) { return nil, errUnsupported }

func (*lock) release() {}

func (*lock) files() []*os.File { return nil }

func detach(*exec.Cmd) {}

func ownPrivate(string) error { return errUnsupported }
