package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dialerd/dialerd/importer"
)

const (
	// watchEvery is how often a watched folder is looked at.
	watchEvery = time.Second
	// watchQuiet is how long a list must not have changed before it is read: who writes it may pause.
	watchQuiet = 5 * time.Second
)

// The folders that lists are moved to, inside of the watched one.
const (
	watchDone   = "done"
	watchFailed = "failed"
)

// watch reads every list that is put into a folder, one after the other, until the command is ended. Read lists are moved to done,
// those that cannot be read to failed, each with a file beside it that says why.
func (a *app) watch(ctx context.Context, name, dir string, o importOptions) error {
	for _, d := range []string{watchDone, watchFailed} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return fmt.Errorf("watch %s: %w", dir, err)
		}
	}
	o.silent = true
	a.note("watching %s for lists of campaign %s\n", dir, name)
	w := &watcher{app: a, name: name, dir: dir, o: o, seen: map[string]sighting{}}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		err := w.look(ctx, a.now())
		if ctx.Err() != nil {
			return a.unwatched(err)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watcher is a folder that is watched.
type watcher struct {
	*app
	name string // of the campaign
	dir  string
	o    importOptions
	seen map[string]sighting
}

// sighting is a list as it has been since a time.
type sighting struct {
	info  fs.FileInfo
	since time.Time
}

// same reports whether a file is the same one, and was not written to in between.
func same(before, after fs.FileInfo) bool {
	return os.SameFile(before, after) && before.Size() == after.Size() && before.ModTime().Equal(after.ModTime())
}

// look reads the lists of the folder that have not changed for a while. How long that is, looks tell and no file's date: another machine's
// clock may have set it.
func (w *watcher) look(ctx context.Context, now time.Time) error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return fmt.Errorf("watch %s: %w", w.dir, err)
	}
	before := w.seen
	w.seen = map[string]sighting{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !importer.IsList(e.Name()) || aside(e.Name()) {
			continue
		}
		s, known := before[e.Name()]
		if !known || !same(s.info, info) {
			s = sighting{info, now}
		}
		if now.Sub(s.since) < cmp.Or(w.settle, watchQuiet) {
			w.seen[e.Name()] = s
			continue
		}
		if err := w.watched(ctx, w.name, filepath.Join(w.dir, e.Name()), w.o); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// aside reports whether a file stands beside a list and is none: what spreadsheets lock one with, and what is hidden.
func aside(name string) bool { return strings.HasPrefix(name, "~$") || strings.HasPrefix(name, ".") }

// watchedJSON is what came of one list of a folder.
type watchedJSON struct {
	File string `json:"file"`
	*imported
}

// printWatched says what became of the rows of one list.
func (a *app) printWatched(path string, sum *imported) error {
	if a.json {
		return a.printJSON(watchedJSON{filepath.Base(path), sum})
	}
	a.say("%s: %s", oneLine(filepath.Base(path)), importText(sum))
	return nil
}

// watched reads one list of the folder and moves it away, unless it was written to meanwhile. Only what keeps every list from being read is
// an error.
func (a *app) watched(ctx context.Context, name, path string, o importOptions) error {
	began, err := os.Stat(path)
	if err != nil {
		return nil //nolint:nilerr // somebody took it away again
	}
	r, err := a.record(ctx, name) // again for each list: it may have been applied anew
	if err != nil {
		return err
	}
	o.once = true
	lists, err := a.lists(r, []string{path}, o)
	var done *imported
	if err == nil {
		done, err = a.importAll(ctx, r, lists, o)
	}
	if err != nil && ctx.Err() != nil {
		return err // the command was ended in the middle: the list stays, and is read again the next time
	}
	if done != nil {
		if err := a.printWatched(path, done); err != nil {
			return err
		}
	}
	if err != nil {
		a.note("%v\n", err)
	}
	now, gone := os.Stat(path)
	if gone != nil {
		return nil //nolint:nilerr // whoever took it away has it
	}
	if !same(began, now) {
		a.note("%s was written to while it was read; it stays, and is read again once it has not changed for a while\n", path)
		return nil
	}
	if err == nil {
		return moveAside(path, watchDone)
	}
	to := filepath.Join(filepath.Dir(path), watchFailed, filepath.Base(path)+".why")
	if err := os.WriteFile(to, []byte(err.Error()+"\n"), 0o600); err != nil {
		return fmt.Errorf("write why %s was not read: %w", path, err)
	}
	return moveAside(path, watchFailed)
}

// unwatched says what went wrong beside the signal that ended the command, which itself is no error: that is how a watch ends.
func (a *app) unwatched(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(besideCancel(err)...)
}

// moveAside moves a file into a folder beside it, under a name that is free.
func moveAside(path, folder string) error {
	base := filepath.Base(path)
	for n := 1; ; n++ {
		to := filepath.Join(filepath.Dir(path), folder, base)
		if n > 1 {
			ext := filepath.Ext(base)
			to = filepath.Join(filepath.Dir(path), folder, fmt.Sprintf("%s-%d%s", base[:len(base)-len(ext)], n, ext))
		}
		if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := os.Rename(path, to); err != nil {
			return fmt.Errorf("move %s away: %w", path, err)
		}
		return nil
	}
}
