package webhook

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// forgottenLine stands where an event was erased; blanks fill the rest of its line.
const forgottenLine = `{"forgotten":true}`

// Forget erases the events of files of JSON lines that names says are about a person, and returns how many. They are overwritten where they
// stand, so daemons may go on writing behind them. The folder is an archive's or a spool's; one that is not there has none.
func Forget(dir string, names func(line []byte) bool) (int, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+archiveExt))
	if err != nil {
		return 0, fmt.Errorf("forget events: %w", err)
	}
	erased := 0
	for _, path := range paths {
		n, err := forgetIn(path, names)
		erased += n
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it went for its age
			return erased, fmt.Errorf("forget events: %w", err)
		}
	}
	return erased, nil
}

func forgetIn(path string, names func(line []byte) bool) (erased int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // G304: the folder is the operator's own setting
	if err != nil {
		return 0, err
	}
	defer func() {
		if erased > 0 {
			err = errors.Join(err, f.Sync())
		}
		err = errors.Join(err, f.Close())
	}()
	in := bufio.NewReaderSize(f, 64<<10)
	for at := int64(0); ; {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return erased, nil // half a line is still being written
		}
		if err != nil {
			return erased, err
		}
		if body := bytes.TrimSuffix(line, []byte("\n")); names(body) {
			blank := bytes.Repeat([]byte(" "), len(body))
			if len(blank) >= len(forgottenLine) {
				copy(blank, forgottenLine)
			}
			if _, err := f.WriteAt(blank, at); err != nil {
				return erased, err
			}
			erased++
		}
		at += int64(len(line))
	}
}
