package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dialerd/dialerd/importer"
)

// rejects is the file of rejected rows of an import.
type rejects struct {
	to      string
	asked   bool // by name: it is written even when it is empty
	dryRun  bool
	columns []string

	file *outFile
	buf  *bufio.Writer
	w    *importer.Rejects
	done bool
	told bool // that it cannot be written
}

// check refuses to replace a list by its own rejects.
func (r *rejects) check(list string) error {
	in, err1 := os.Stat(list)
	out, err2 := os.Stat(r.to)
	if err1 == nil && err2 == nil && os.SameFile(in, out) {
		return usagef("the rejects would replace the list itself (%s): name another file with --rejects", list)
	}
	return nil
}

func (r *rejects) open() error {
	if err := os.MkdirAll(filepath.Dir(r.to), 0o700); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	file, err := createOut(r.to)
	if err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	buf := bufio.NewWriter(file)
	w, err := importer.NewRejects(buf, r.columns)
	if err != nil {
		return file.place(err)
	}
	r.file, r.buf, r.w = file, buf, w
	return nil
}

// write adds a row of a list, if it was rejected.
func (r *rejects) write(l *list, row importer.Row) error {
	if row.Reject == nil {
		return nil
	}
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	cells := make([]string, len(r.columns))
	for i, cell := range row.Cells {
		if i < len(l.at) {
			cells[l.at[i]] = cell
		}
	}
	row.Cells = cells
	err := r.w.Write(row)
	r.told = r.told || err != nil
	return err
}

// finish puts the file in its place. Without rejects, one of an earlier import is taken away, so that nobody mends it in vain.
func (r *rejects) finish() error {
	if r.file == nil {
		if !r.asked && r.dryRun {
			return nil
		}
		if !r.asked {
			if err := os.Remove(r.to); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove the rejects of an earlier import: %w", err)
			}
			return nil
		}
		if err := r.open(); err != nil {
			return err
		}
	}
	err := r.w.Flush()
	if err == nil {
		err = r.buf.Flush()
	}
	if err = r.file.place(err); err != nil && r.told {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write rejects to %s: %w", r.to, err)
	}
	r.done = true
	return nil
}

// path is where the file is; nil when there is none.
func (r *rejects) path() *string {
	if !r.done {
		return nil
	}
	return &r.to
}
