package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

// start is the time at which tests begin.
var start = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)

const team = "acme"

// desk is a team with a record on a Redis and in a folder of its own.
type desk struct {
	*testing.T
	store *store.Store
	data  string
	now   time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{T: t, store: store.New(redistest.Mini(t), store.Options{By: "operator ann"}), data: t.TempDir(), now: start}
}

// eachDesk runs fn on both servers.
func eachDesk(t *testing.T, fn func(d *desk)) {
	t.Helper()
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		fn(&desk{T: t, store: store.New(client, store.Options{By: "operator ann"}), data: t.TempDir(), now: start})
	})
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// archiver is one process' archiver; its segments hold a few entries each.
func (d *desk) archiver() *Archiver {
	a := &Archiver{
		Store: d.store, Team: team, Dir: filepath.Join(d.data, "audit"), Host: "here", Now: func() time.Time { return d.now }, SegmentSize: 2000,
	}
	d.Cleanup(func() { _ = a.Close() })
	return a
}

func (d *desk) dir() string { return Dir(d.data, team) }

func phone(i int) campaign.Phone { return campaign.Phone(fmt.Sprintf("+1212555%04d", i)) }

// tell writes n entries to the stream, each about a phone, beginning with phone from.
func (d *desk) tell(from, n int) {
	d.Helper()
	for i := from; i < from+n; i++ {
		_, err := d.store.Suppress(d.Context(), store.Suppression{
			Scope: campaign.ScopeTeam, Team: team, Phones: []campaign.Phone{phone(i)}, Reason: fmt.Sprintf("Ann Example asked, letter %d", i),
		}, d.now)
		d.must(err)
	}
}

// archive brings all that waits to disk, as a process that then ends.
func (d *desk) archive() int {
	d.Helper()
	a := d.archiver()
	n, err := a.Once(d.Context(), 0)
	d.must(errors.Join(err, a.Close()))
	return n
}

func (d *desk) verify() *Verdict {
	d.Helper()
	v, err := Verify(d.Context(), d.store, d.dir(), team)
	d.must(err)
	return v
}

// sound checks that the record verifies and holds n entries, with the numbers of the stream from 1 to n.
func (d *desk) sound(n int) {
	d.Helper()
	v := d.verify()
	for _, p := range v.Problems {
		d.Errorf("verify: %s", p)
	}
	if v.Last != int64(n) {
		d.Errorf("the record ends with %d, want %d", v.Last, n)
	}
	r, err := NewReader(d.dir())
	d.must(err)
	next := int64(1)
	d.must(r.Each(d.Context(), Filter{}, func(e *Entry, _ *Private) error {
		if e.Number != next || e.Sequence != next {
			d.Errorf("entry %d has number %d, want both to be %d", e.Sequence, e.Number, next)
		}
		next++
		return nil
	}))
	if next != int64(n)+1 {
		d.Errorf("%d entries were read, want %d", next-1, n)
	}
}

// files are the segments' paths in order.
func (d *desk) files() []string {
	d.Helper()
	all, err := segments(d.dir())
	d.must(err)
	var paths []string
	for _, s := range all {
		paths = append(paths, s.path)
	}
	return paths
}

func (d *desk) read(path string) []byte {
	d.Helper()
	b, err := os.ReadFile(path)
	d.must(err)
	return b
}

func (d *desk) write(path string, b []byte) {
	d.Helper()
	d.must(os.WriteFile(path, b, 0o600))
}

// holding lists the files under the data folder that have a text in them.
func (d *desk) holding(text string) []string {
	d.Helper()
	var found []string
	d.must(filepath.WalkDir(d.data, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && bytes.Contains(d.read(path), []byte(text)) {
			found = append(found, path)
		}
		return err
	}))
	return found
}

// told reports whether one of the problems has all of the words.
func told(v *Verdict, words ...string) bool {
	for _, p := range v.Problems {
		all := true
		for _, w := range words {
			all = all && strings.Contains(p.String(), w)
		}
		if all {
			return true
		}
	}
	return false
}

func suppression(i int) store.Suppression {
	return store.Suppression{Scope: campaign.ScopeTeam, Team: team, Phones: []campaign.Phone{phone(i)}, Reason: "signed up again"}
}
