package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// outFile is a file that somebody named for what a command writes. A file appears under its name when it is whole: before that an earlier
// one stands there untouched. What is no file (a pipe, a device) is never replaced, but written into.
type outFile struct {
	*os.File
	to string // the file that it takes the place of when it is whole; "" = it is written in place
}

const (
	// newPerm is who may read a file that was not there: phones stand in it.
	newPerm = 0o600
	// mostLinks is how many symbolic links may lead from one to the next, as Linux has it.
	mostLinks = 40
)

// descriptors is the folder of a process' open files: what /dev/stdout leads to.
var descriptors = regexp.MustCompile(`^/proc/[0-9]+(/task/[0-9]+)?/fd$`)

// createOut opens the file that a path names. Links are followed, also one to a file that is not there yet. A file that is there keeps who
// may read it.
func createOut(path string) (*outFile, error) {
	perm := fs.FileMode(newPerm)
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSocket != 0:
		return nil, errors.New("it is a socket, which cannot be opened: name a file, a pipe or a device")
	case !info.Mode().IsRegular():
		return openOut(path, 0)
	default:
		perm = info.Mode().Perm()
	}
	to, opened, err := follow(path)
	if err != nil {
		return nil, err
	}
	if opened { // a shell's > or >>: what others have written there stays
		return openOut(path, os.O_APPEND)
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".dialerd-*")
	if err != nil {
		return nil, err
	}
	o := &outFile{File: f, to: to}
	if perm != newPerm {
		if err := f.Chmod(perm); err != nil {
			return nil, o.place(err)
		}
	}
	return o, nil
}

// openOut opens what is written in place. A pipe is waited for until somebody reads it.
func openOut(path string, flag int) (*outFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|flag, 0) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return nil, err
	}
	return &outFile{File: f}, nil
}

// follow is where the links of a path lead to; opened says that it is a file which a process, most likely this one, has open.
func follow(path string) (to string, opened bool, err error) {
	for range mostLinks {
		dir, base := filepath.Split(path)
		if dir, err = filepath.EvalSymlinks(cmp.Or(dir, ".")); err != nil {
			return "", false, err
		}
		path = filepath.Join(dir, base)
		if descriptors.MatchString(dir) {
			return path, true, nil
		}
		link, err := os.Readlink(path)
		if err != nil {
			return path, false, nil //nolint:nilerr // it is no link, or not there
		}
		if !filepath.IsAbs(link) {
			link = dir + string(filepath.Separator) + link // not joined: its .. leave the folder that a link leads to, not the link's own
		}
		path = link
	}
	return "", false, fmt.Errorf("%s: more than %d links, one behind the other", path, mostLinks)
}

// place ends the writing. A whole file takes its place; of one that failed nothing stays, and failed comes back with what went wrong
// beside it.
func (o *outFile) place(failed error) error {
	err := errors.Join(failed, o.Close())
	switch {
	case o.to == "":
		return err
	case err == nil:
		err = os.Rename(o.Name(), o.to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(o.Name()))
	}
	return nil
}

// writeFile writes what a command was asked to put into a file.
func writeFile(path string, write func(io.Writer) error) error {
	o, err := createOut(path)
	if err == nil {
		err = o.place(write(o))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
