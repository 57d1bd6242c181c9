package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// format is the version of the layout of the data folder, raised when an older dialerd could not read it.
const format = 1

// longestSocket is the longest path of a unix socket on every system we know, in bytes.
const longestSocket = 103

// place is the folder DIR/redis.
type place struct {
	dir string
}

// newPlace makes the folder if need be; it is for this user only.
func newPlace(dataDir string) (place, error) {
	if dataDir == "" {
		return place{}, errors.New("no data folder given (data_dir)")
	}
	dir, err := filepath.Abs(filepath.Join(dataDir, "redis"))
	if err != nil {
		return place{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return place{}, fmt.Errorf("data_dir: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs its x
		return place{}, fmt.Errorf("data_dir: %w", err)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // one folder, one lock, whatever it is called
	}
	return place{dir}, nil
}

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

// write replaces a small file at once.
func (p place) write(name, text string) error {
	tmp := p.path(name + ".new")
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, p.path(name))
}

func (p place) read(name string) string {
	b, err := os.ReadFile(p.path(name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// socket is where the server listens, as its supervisor wrote it; empty before the first start.
func (p place) socket() string { return p.read("socket") }

// failure is why a supervisor gave up.
func (p place) failure() error {
	if why := p.read("error"); why != "" {
		return errors.New(why)
	}
	return fmt.Errorf("the supervisor ended without a word; see %s", p.path("supervisor.log"))
}

// chooseSocket picks the path of the socket: in the folder, or, where that is too long, in a private folder under the
// one for temporary files.
func (p place) chooseSocket() (string, error) {
	if s := p.path("redis.sock"); len(s) <= longestSocket {
		return s, nil
	}
	sum := sha256.Sum256([]byte(p.dir))
	name := "dialerd-" + strconv.Itoa(os.Getuid()) + "-" + hex.EncodeToString(sum[:6])
	var err error
	for _, tmp := range []string{os.TempDir(), "/tmp"} {
		dir := filepath.Join(tmp, name)
		socket := filepath.Join(dir, "redis.sock")
		if len(socket) > longestSocket {
			err = fmt.Errorf("the path of the socket is too long: %s", socket)
			continue
		}
		if err = os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			continue
		}
		if err = ownPrivate(dir); err == nil { // somebody else may have put it there
			return socket, nil
		}
	}
	return "", fmt.Errorf("no place for the socket: %w; set data_dir to a shorter path", err)
}

// stamp is the file data/dialerd.
type stamp struct {
	Format int    `json:"format"`
	Redis  string `json:"redis"` // the newest version that has written here, as 7.0.15
}

// checkData refuses data that are not ours, or newer than what we can read; version is that of the redis-server.
func (p place) checkData(version string) error {
	dir := p.path("data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b, err := os.ReadFile(p.path("data/dialerd"))
	if errors.Is(err, os.ErrNotExist) {
		found, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("%s holds data that dialerd did not write (%s): move it away, or choose another data_dir",
				dir, found[0].Name())
		}
		return p.stampData(version)
	}
	if err != nil {
		return err
	}
	var s stamp
	if err := json.Unmarshal(b, &s); err != nil || s.Format < 1 {
		return fmt.Errorf("%s is damaged: restore it from a backup, or choose another data_dir", filepath.Join(dir, "dialerd"))
	}
	if s.Format > format {
		return fmt.Errorf("%s was written by a newer dialerd (format %d, this one reads %d): update dialerd", dir, s.Format, format)
	}
	if newer(s.Redis, version) {
		return fmt.Errorf("%s was written by Redis %s, installed is %s, which cannot read it: install Redis %s or newer",
			dir, s.Redis, version, s.Redis)
	}
	return p.stampData(version)
}

func (p place) stampData(version string) error {
	b, err := json.Marshal(stamp{format, version})
	if err != nil {
		return err
	}
	return p.write(filepath.Join("data", "dialerd"), string(b)+"\n")
}

// newer says whether version a is of a newer minor release than b; unknown versions are not.
func newer(a, b string) bool {
	var x, y [2]int
	for v, n := range map[string]*[2]int{a: &x, b: &y} {
		parts := strings.SplitN(v, ".", 3)
		if len(parts) < 2 {
			return false
		}
		for i := range n {
			var err error
			if n[i], err = strconv.Atoi(parts[i]); err != nil {
				return false
			}
		}
	}
	return x[0] > y[0] || x[0] == y[0] && x[1] > y[1]
}

// lock waits for a lock until ctx ends.
func (p place) lock(ctx context.Context, name string, how int) (*lock, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		l, err := p.try(name, how)
		if l != nil || err != nil {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", p.path(name), ctx.Err())
		case <-tick.C:
		}
	}
}

// free says whether nobody holds a lock exclusively.
func (p place) free(name string) (bool, error) {
	l, err := p.try(name, shared)
	if l == nil {
		return false, err
	}
	l.release()
	return true, nil
}
