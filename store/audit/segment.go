package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

const segmentExt = ".jsonl"

// segment is a file of the chain.
type segment struct {
	path  string
	first int64 // number of its first entry in the chain
}

func (s segment) name() string { return filepath.Base(s.path) }

func segmentPath(dir string, first int64) string {
	return filepath.Join(dir, fmt.Sprintf("%016d%s", first, segmentExt))
}

// segments lists a folder's segments in order.
func segments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []segment
	for _, e := range entries {
		digits, ours := strings.CutSuffix(e.Name(), segmentExt)
		first, err := strconv.ParseInt(digits, 10, 64)
		if ours && err == nil && first > 0 && e.Type().IsRegular() {
			all = append(all, segment{filepath.Join(dir, e.Name()), first})
		}
	}
	slices.SortFunc(all, func(a, b segment) int { return int(min(1, max(-1, a.first-b.first))) })
	return all, nil
}

// errStop ends a walk early; it is no error.
var errStop = errors.New("stop")

// lines calls fn for each line of a segment, the end of line included; what fn keeps of it it must copy. A last line without an end is
// not handed out: torn is its length.
func (s segment) lines(fn func(line []byte, at int64) error) (torn int, err error) {
	f, err := os.Open(s.path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	in := bufio.NewReaderSize(f, 1<<20)
	var long []byte // a line longer than the buffer
	at := int64(0)
	for {
		part, err := in.ReadSlice('\n')
		line := part
		if long != nil || errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, part...)
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			line, long = long, nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return len(line), nil
		case err != nil:
			return 0, err
		}
		if err := fn(line, at); err != nil {
			if errors.Is(err, errStop) {
				return 0, nil
			}
			return 0, err
		}
		at += int64(len(line))
	}
}

// head is the first entry of a segment; nil when it holds none that can be read.
func (s segment) head() (*Entry, error) {
	var e *Entry
	_, err := s.lines(func(line []byte, _ int64) error {
		if l, err := parseLine(line); err == nil {
			if e, err = l.entry(); err != nil {
				return err
			}
		}
		return errStop
	})
	return e, err
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

// writeWhole writes a file so that it is there whole or not at all, after a power cut as well.
func writeWhole(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}
