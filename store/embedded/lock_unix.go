//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

const (
	shared    = syscall.LOCK_SH
	exclusive = syscall.LOCK_EX
)

// lock is a lock on a file. It lasts until it is released, or until every process that inherited its file has ended.
type lock struct {
	file *os.File
}

// try takes a lock at once, or returns nil if another holds it.
func (p place) try(name string, how int) (*lock, error) {
	f, err := os.OpenFile(p.path(name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return &lock{f}, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil //nolint:nilnil // held by another is no error
	}
	return nil, fmt.Errorf("lock %s: %w", p.path(name), err)
}

func (l *lock) release() {
	if l != nil {
		_ = l.file.Close()
	}
}

// files are what a child must inherit to share the lock.
func (l *lock) files() []*os.File { return []*os.File{l.file} }

// detach puts the child into a session of its own: no terminal, no Ctrl-C.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
}

// ownPrivate returns nil if dir is a folder of this user that nobody else can enter.
func ownPrivate(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(sys.Uid) != os.Getuid() || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s is not a private folder of this user", dir)
	}
	return nil
}
