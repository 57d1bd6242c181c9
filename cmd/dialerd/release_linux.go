package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// releaseProgram gives back the pages of the program's file: a start goes through most of it, and the kernel maps large pieces around each
// place. They stay in the kernel's cache, and what is needed is mapped again when it is touched.
func releaseProgram() error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was read
	spans, err := unwritten(f)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range spans {
		if _, _, no := syscall.Syscall(syscall.SYS_MADVISE, s.from, s.to-s.from, syscall.MADV_DONTNEED); no != 0 {
			errs = append(errs, no)
		}
	}
	return errors.Join(errs...)
}

// span is a stretch of memory.
type span struct{ from, to uintptr }

// unwritten finds the mappings of files, in Linux' own list, that nobody may write to and that hold no page of their own, as a loader or a
// debugger leaves behind: they can be read again from the file.
func unwritten(smaps io.Reader) ([]span, error) {
	var (
		found []span
		at    span
		file  bool
	)
	in := bufio.NewScanner(smaps)
	for in.Scan() {
		fields := strings.Fields(in.Text())
		switch {
		case len(fields) >= 5 && !strings.HasSuffix(fields[0], ":"): // from-to perms offset dev inode path
			at, file = span{}, len(fields) > 5 && strings.HasPrefix(fields[5], "/") && strings.HasPrefix(fields[1], "r-")
			if _, err := fmt.Sscanf(fields[0], "%x-%x", &at.from, &at.to); err != nil {
				return nil, fmt.Errorf("a mapping: %w", err)
			}
		case len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0" && file:
			found = append(found, at)
		}
	}
	return found, in.Err()
}
