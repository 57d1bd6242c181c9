package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dialerd/dialerd/config"
)

// leastFree is how much room data_dir should have, in bytes: events of an hour without Redis, and the record of some days.
const leastFree = 256 << 20

// storage is what is known of the file system that a folder is on.
type storage struct {
	passing string // why what is in it goes with a restart; "" = nothing is known to say so
	free    uint64 // bytes
	known   bool   // whether free is
}

// examineData looks at the folder that must outlive this machine's next start.
func (a *app) examineData(s *config.Settings) finding {
	const check = "data_dir"
	if err := writable(s.DataDir); err != nil {
		return finding{check, findingFailed, fmt.Sprintf("nothing can be kept in %s: %v\nName a folder that this user may write to (data_dir, DIALERD_DATA_DIR)", s.DataDir, err)}
	}
	real := slices.ContainsFunc(s.Teams, func(t config.Team) bool { return t.Real() })
	return judgeData(s.DataDir, storageOf(s.DataDir), real)
}

// judgeData says what a place means for the record; real: people are called.
func judgeData(dir string, at storage, real bool) finding {
	const check = "data_dir"
	if at.passing == "" {
		at.passing = passing(dir)
	}
	switch {
	case at.passing != "":
		state := findingWarning
		if real {
			state = findingFailed
		}
		return finding{check, state, fmt.Sprintf("%s is %s: the record of decisions, events that wait for Redis, and an embedded Redis\nwith its "+
			"do-not-call lists would be lost with it. Name a folder that outlives a restart (data_dir, DIALERD_DATA_DIR); in a container, a volume", dir, at.passing)}
	case at.known && at.free < leastFree:
		return finding{check, findingWarning, fmt.Sprintf("%s has %d MiB left; once it is full the record of decisions waits in Redis, and at its limit calls stop", dir, at.free>>20)}
	}
	return finding{check, findingOK, dir + " is writable"}
}

// passing says why a folder is one for passing things, by its name.
func passing(dir string) string {
	full, err := filepath.Abs(dir)
	if err != nil {
		full = dir
	}
	for _, temp := range []string{os.TempDir(), "/tmp", "/var/tmp", "/dev/shm", "/run"} {
		if rest, err := filepath.Rel(temp, full); err == nil && rest != ".." && !strings.HasPrefix(rest, ".."+string(filepath.Separator)) {
			return "in the folder for temporary files " + temp
		}
	}
	return ""
}

// writable reports why a file cannot be written in a folder and synced, or nil. A folder that is not there yet is made.
func writable(dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return err
	}
	return f.Sync()
}
