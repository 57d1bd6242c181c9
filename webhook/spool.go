package webhook

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/gofrs/flock"
)

// DefaultSpoolLimit is how large the spool of one daemon may become, in bytes. Without its store a daemon does not dial, so what comes
// are the events of the calls in flight; this is room for more than ten thousand.
const DefaultSpoolLimit = 256 << 20

const spoolExt = ".jsonl"

// ErrSpoolFull says that an event would make the spool larger than it may be.
var ErrSpoolFull = errors.New("the spool is full; bring the store back or make room")

// Spool keeps events on disk until they can be handed on, in order: a file of JSON lines, each synced before it counts. Each daemon
// has its own file in the folder; what a daemon that died left behind is adopted by the next one that looks.
type Spool struct {
	dir   string
	limit int64
	log   *slog.Logger
	file  *os.File
	lock  *flock.Flock
	wake  chan struct{} // something was appended

	draining sync.Mutex // one pass at a time

	mu      sync.Mutex
	size    int64 // up to here the file is whole and synced
	read    int64 // up to here it has been handed on
	pending int   // lines between the two
}

// SpoolOptions say where and how large a spool is.
type SpoolOptions struct {
	Dir   string       // made if it is not there, for the owner alone
	Limit int64        // bytes; 0 means DefaultSpoolLimit
	Log   *slog.Logger // nil means none
}

// OpenSpool takes the first file of the folder that no other daemon holds, with whatever waits in it.
func OpenSpool(o SpoolOptions) (*Spool, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the spool's folder: %w", err)
	}
	for n := 1; n <= 1000; n++ {
		s, err := o.open(filepath.Join(o.Dir, fmt.Sprintf("events-%d%s", n, spoolExt)))
		if err != nil {
			return nil, fmt.Errorf("open the spool: %w", err)
		}
		if s == nil {
			continue
		}
		if err := syncDir(o.Dir); err != nil { // or the file's name may be gone after a power cut
			return nil, errors.Join(fmt.Errorf("sync the spool's folder: %w", err), s.Close())
		}
		return s, nil
	}
	return nil, fmt.Errorf("open the spool: all of 1000 files in %s are held by other processes", o.Dir)
}

// open takes one file; nil if somebody else holds it.
func (o SpoolOptions) open(path string) (*Spool, error) {
	// A file of its own is locked: where locks bind, nobody else could even read the spool.
	lock := flock.New(strings.TrimSuffix(path, spoolExt)+".lock", flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil || !held {
		return nil, errors.Join(err, lock.Close())
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: the folder is the operator's own setting, the name ours
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &Spool{dir: o.Dir, limit: or(o.Limit, DefaultSpoolLimit), log: o.Log, file: file, lock: lock, wake: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// load counts what is there. A last line without an end is what a crash left of an event that was never acknowledged: it is cut
// off unless it is whole.
func (s *Spool) load() error {
	in := bufio.NewReader(s.file)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case err == nil:
			s.size += int64(len(line))
			s.pending++
			continue
		case !errors.Is(err, io.EOF):
			return err
		}
		if len(line) == 0 {
			return nil
		}
		if err := s.file.Truncate(s.size); err != nil {
			return err
		}
		if _, broken := decodeLine(line); broken == nil {
			return s.write(append(line, '\n'))
		}
		s.log.Warn("the spool ended in half a line, which is cut off", "file", s.file.Name(), "bytes", len(line))
		return nil
	}
}

// Append puts an event at the end. It returns once the event would survive a power cut; after an error it is not there.
func (s *Spool) Append(e Event) error {
	line, err := json.Marshal(lineOf(e))
	if err != nil {
		return fmt.Errorf("spool an event: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size+int64(len(line)) >= s.limit {
		return fmt.Errorf("spool an event: %w", ErrSpoolFull)
	}
	if err := s.write(append(line, '\n')); err != nil {
		return fmt.Errorf("spool an event: %w", err)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// write puts a line behind the last whole one, over whatever an earlier failure left there.
func (s *Spool) write(line []byte) error {
	_, err := s.file.WriteAt(line, s.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		return errors.Join(err, s.file.Truncate(s.size))
	}
	s.size += int64(len(line))
	s.pending++
	return nil
}

// Pending is how many events wait.
func (s *Spool) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending
}

// Drain hands on what waits, in order, and returns how many were taken. It ends at the first that is not, which stays the first.
// Events may be handed on again after a crash.
func (s *Spool) Drain(ctx context.Context, deliver func(context.Context, Event) error) (n int, err error) {
	s.draining.Lock()
	defer s.draining.Unlock()
	for {
		from, to, err := s.waiting()
		if err != nil || from == to {
			return n, err
		}
		in := bufio.NewReaderSize(io.NewSectionReader(s.file, from, to-from), 64<<10)
		for from < to {
			line, err := in.ReadBytes('\n')
			if errors.Is(err, io.EOF) { // somebody else cut the file
				s.log.Error("the spool is shorter than what was written to it", "file", s.file.Name(), "at", from, "missing_bytes", to-from)
				s.passed(to)
				break
			}
			if err != nil {
				return n, fmt.Errorf("read the spool: %w", err)
			}
			if err := ctx.Err(); err != nil {
				return n, err
			}
			e, err := decodeLine(line)
			if err != nil { // the disk lied; nothing can be made of it, and it must not hold up the rest
				s.log.Error("a line of the spool cannot be read and is left out", "file", s.file.Name(), "at", from, "bytes", len(line))
			} else {
				if err := deliver(ctx, e); err != nil {
					return n, err
				}
				n++
			}
			from += int64(len(line))
			s.passed(from)
		}
	}
}

// waiting is the part of the file that has not been handed on. A file without any is emptied.
func (s *Spool) waiting() (from, to int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == s.size && s.size > 0 {
		if err := s.file.Truncate(0); err != nil {
			return 0, 0, fmt.Errorf("empty the spool: %w", err)
		}
		s.read, s.size, s.pending = 0, 0, 0
	}
	return s.read, s.size, nil
}

func (s *Spool) passed(at int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = at
	s.pending--
}

// Adopt hands on what daemons that are gone left in other files of the folder, in order of the files.
func (s *Spool) Adopt(ctx context.Context, deliver func(context.Context, Event) error) (n int, err error) {
	paths, err := filepath.Glob(filepath.Join(s.dir, "events-*"+spoolExt))
	if err != nil {
		return 0, fmt.Errorf("look for orphans of the spool: %w", err)
	}
	o := SpoolOptions{Dir: s.dir, Limit: s.limit, Log: s.log}
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 || path == s.file.Name() {
			continue
		}
		orphan, err := o.open(path)
		if err != nil {
			return n, fmt.Errorf("adopt %s: %w", filepath.Base(path), err)
		}
		if orphan == nil {
			continue // its daemon lives
		}
		taken, err := orphan.Drain(ctx, deliver)
		n += taken
		if err := errors.Join(err, orphan.Close()); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Close lets go of the file. What waits in it stays.
func (s *Spool) Close() error {
	s.draining.Lock()
	defer s.draining.Unlock()
	return errors.Join(s.file.Close(), s.lock.Close())
}

// syncDir makes the names in a folder durable. Windows has no such call and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // G304: the folder is the operator's own setting
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
