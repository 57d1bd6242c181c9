package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dialerd/dialerd/importer"
)

// watchEvery is how often a watched folder is looked at. A list is read once it has not changed between two looks.
const watchEvery = time.Second

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
	type state struct {
		size int64
		at   time.Time
	}
	before := map[string]state{}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("watch %s: %w", dir, err)
		}
		now := map[string]state{}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || !importer.IsList(e.Name()) {
				continue
			}
			s := state{info.Size(), info.ModTime()}
			now[e.Name()] = s
			if last, seen := before[e.Name()]; !seen || last != s {
				continue
			}
			delete(now, e.Name())
			err = a.watched(ctx, name, filepath.Join(dir, e.Name()), o)
			if ctx.Err() != nil {
				return a.unwatched(err)
			}
			if err != nil {
				return err
			}
		}
		before = now
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watched reads one list of the folder and moves it away. Only what keeps every list from being read is an error.
func (a *app) watched(ctx context.Context, name, path string, o importOptions) error {
	r, err := a.record(ctx, name) // again for each list: it may have been applied anew
	if err != nil {
		return err
	}
	lists, err := a.lists(r, []string{path}, o)
	var done *imported
	if err == nil {
		done, err = a.importAll(ctx, r, lists, o)
	}
	if err != nil && ctx.Err() != nil {
		return err // the command was ended in the middle: the list stays, and is read again the next time
	}
	if err == nil {
		if err := a.printImport(done, r.Schedule.Location()); err != nil {
			return err
		}
		return moveAside(path, watchDone)
	}
	a.note("%v\n", err)
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
