package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// DefaultDays is how many days the archive keeps.
const DefaultDays = 30

// Archive keeps raw bodies in files of one UTC day each, YYYY-MM-DD.jsonl, so that a payload nobody foresaw can be looked at. It is no
// record: its lines are not synced, and nothing reads them. They hold phone numbers and what people said, so the files are the
// owner's alone and go after some days. They hold no secret.
type Archive struct {
	Dir  string
	Days int // 0 means DefaultDays

	room sync.Pool // of buffers for lines: a burst of events would else be mostly garbage collection
}

const archiveExt = ".jsonl"

// Keep writes events that came together to the file of the first one's day. Several daemons may share a folder: the lines are one write.
func (a *Archive) Keep(events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	lines, ok := a.room.Get().(*bytes.Buffer)
	if !ok {
		lines = &bytes.Buffer{}
	}
	defer func() {
		if lines.Reset(); lines.Cap() <= 2*groupBytes {
			a.room.Put(lines)
		}
	}()
	out := json.NewEncoder(lines)
	for _, e := range events {
		if err := out.Encode(lineOf(e)); err != nil {
			return fmt.Errorf("archive an event: %w", err)
		}
	}
	if err := a.append(events[0].At.UTC().Format(time.DateOnly)+archiveExt, lines.Bytes()); err != nil {
		return fmt.Errorf("archive %d events: %w", len(events), err)
	}
	return nil
}

func (a *Archive) append(name string, lines []byte) error {
	path := filepath.Join(a.Dir, name)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // G304: the folder is the operator's own setting, the name a date
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(a.Dir, 0o700); err != nil {
			return err
		}
		file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // as above
	}
	if err != nil {
		return err
	}
	_, err = file.Write(lines)
	return errors.Join(err, file.Close())
}

// Trim deletes the files of days that ended more than Days days before now, and returns how many. It touches no file that has another name.
func (a *Archive) Trim(now time.Time) (removed int, err error) {
	entries, err := os.ReadDir(a.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("trim the archive: %w", err)
	}
	oldest := now.UTC().AddDate(0, 0, -or(a.Days, DefaultDays)).Format(time.DateOnly)
	var errs []error
	for _, entry := range entries {
		day, ours := strings.CutSuffix(entry.Name(), archiveExt)
		if _, err := time.Parse(time.DateOnly, day); !ours || err != nil || day >= oldest {
			continue
		}
		if err := os.Remove(filepath.Join(a.Dir, entry.Name())); err != nil {
			errs = append(errs, fmt.Errorf("trim the archive: %w", err))
			continue
		}
		removed++
	}
	return removed, errors.Join(errs...)
}
