package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// spawn is a supervisor that this process has started.
type spawn struct {
	lock *lock
	code chan int
}

// exited receives the supervisor's exit code.
func (s *spawn) exited() <-chan int {
	if s == nil {
		return nil
	}
	return s.code
}

func (s *spawn) release() {
	if s != nil {
		s.lock.release()
	}
}

// spawn starts a supervisor, unless another process is at it: then it returns nil.
func (p place) spawn() (*spawn, error) {
	held, err := p.try("spawn.lock", exclusive)
	if held == nil {
		return nil, err
	}
	fail := func(err error) (*spawn, error) {
		held.release()
		return nil, fmt.Errorf("start the supervisor: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	out, err := os.OpenFile(p.path("supervisor.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(self) //nolint:gosec,noctx // ourselves; it outlives the caller's context
	cmd.Args = []string{"dialerd", SupervisorCommand, p.dir}
	cmd.Dir = string(filepath.Separator)
	// Never the caller's output: a pipe behind it would stay open. None of its secrets either.
	cmd.Stdout, cmd.Stderr = out, out
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return fail(err)
	}
	s := &spawn{lock: held, code: make(chan int, 1)}
	go func() {
		_ = cmd.Wait()
		s.code <- cmd.ProcessState.ExitCode()
	}()
	return s, nil
}
