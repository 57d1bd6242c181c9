package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dialerd/dialerd/importer"
)

// rejects is the file of rejected rows of an import. It is written beside its name, and comes there when it is whole: a list that is being
// read, or an earlier file, is never half overwritten.
type rejects struct {
	to      string
	asked   bool          // by name: it is written even when it is empty
	place   *rejectsPlace // finds the name; nil = it is to, whatever lies there
	dryRun  bool
	partial bool // its import broke off
	columns []string

	file *os.File
	buf  *bufio.Writer
	w    *importer.Rejects
	done bool
}

// rejectsList is the column that says which of several lists a row is from. It stands before the lists' own.
const rejectsList = importer.OwnPrefix + "list"

// check refuses to replace a list by its own rejects.
func (r *rejects) check(list string) error {
	if r.place != nil {
		return nil
	}
	in, err1 := os.Stat(list)
	out, err2 := os.Stat(r.to)
	if err1 == nil && err2 == nil && os.SameFile(in, out) {
		return usagef("the rejects would replace the list itself (%s): name another file with --rejects", list)
	}
	return nil
}

func (r *rejects) open() error {
	dir, err := r.beside()
	if err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	if r.file, err = os.CreateTemp(dir, ".rejects-*"); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	r.buf = bufio.NewWriter(r.file)
	r.w, err = importer.NewRejects(r.buf, r.columns)
	return err
}

// beside is the folder that the file is written in: its own, but for a name that is a pipe or a device.
func (r *rejects) beside() (dir string, err error) {
	dir = filepath.Dir(r.to)
	if err := os.MkdirAll(dir, 0o700); err != nil || r.place != nil {
		return dir, err
	}
	if info, err := os.Stat(r.to); err == nil && !info.Mode().IsRegular() {
		return os.TempDir(), nil
	}
	to, opened, err := follow(r.to)
	if opened {
		return os.TempDir(), err
	}
	return filepath.Dir(to), err
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
	if r.columns[0] == rejectsList {
		cells[0] = l.input.Name
	}
	for i, cell := range row.Cells {
		if i < len(l.at) {
			cells[l.at[i]] = cell
		}
	}
	row.Cells = cells
	return r.w.Write(row)
}

// finish puts the file in its place. Without rejects, one of an earlier import of the same lists is taken away, so that nobody mends
// it in vain.
func (r *rejects) finish() error {
	if r.file == nil {
		if !r.asked && r.dryRun {
			return nil
		}
		if r.place != nil {
			return r.place.clear()
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
	err := errors.Join(r.w.Flush(), r.buf.Flush(), r.file.Close())
	if err == nil && r.w.Surplus() {
		err = writeFile(r.file.Name(), r.widen)
	}
	switch {
	case err != nil:
	case r.place != nil:
		r.to, err = r.place.put(r.file.Name(), r.partial)
	default:
		err = writeFile(r.to, r.copy)
	}
	if gone := os.Remove(r.file.Name()); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	if failure, is := errors.AsType[*fs.PathError](err); is && r.place == nil {
		err = failure.Err // the file has another name meanwhile
	}
	if err != nil {
		return fmt.Errorf("write rejects to %s: %w", r.to, err)
	}
	r.done = true
	return nil
}

// leave ends the file of an import that did not come to its end: it does not take the place of one that did.
func (r *rejects) leave() error {
	if r.place != nil && r.file == nil {
		return nil
	}
	r.partial = true
	return r.finish()
}

// widen writes the file again with the column that some of its rows want.
func (r *rejects) widen(to io.Writer) error {
	from, err := os.Open(r.file.Name())
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	out := bufio.NewWriter(to)
	return errors.Join(r.w.Widen(from, out), out.Flush())
}

// copy writes what stands in the file.
func (r *rejects) copy(to io.Writer) error {
	from, err := os.Open(r.file.Name())
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, from.Close())
}

// path is where the file is; nil when there is none.
func (r *rejects) path() *string {
	if !r.done {
		return nil
	}
	return &r.to
}
