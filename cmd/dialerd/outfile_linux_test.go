package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What /dev/stdout leads to may be the file that a shell has opened with >. It is not taken from under the shell.
func TestAFileThatIsOpenIsAddedTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := os.OpenFile(filepath.Join(dir, "out.csv"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("one "); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "name")
	link(t, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), name)
	for _, text := range []string{"two ", "three"} {
		if err := writeFile(name, writes(text)); err != nil {
			t.Fatal(err)
		}
	}
	wantFile(t, f.Name(), "one two three", 0o600)
	if now, err := f.Stat(); err != nil || now.Size() != int64(len("one two three")) {
		t.Errorf("who has it open sees %v, %v", now, err)
	}
}

func TestASocketIsNamedAsWhatItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := writeFile(path, writes("new")); err == nil || !strings.Contains(err.Error(), "it is a socket") {
		t.Errorf("got %v", err)
	}
}

// On a full disk an earlier file stays as it was, and nothing is left beside it.
func TestAFullDiskLeavesTheEarlierFile(t *testing.T) {
	t.Parallel()
	dir, fill := smallDisk(t, 256<<10)
	path := filepath.Join(dir, "out.csv")
	if err := writeFile(path, writes("old")); err != nil {
		t.Fatal(err)
	}
	defer fill()()
	if err := writeFile(path, writes(strings.Repeat("new ", 64<<10))); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	wantFile(t, path, "old", 0o600)
	alone(t, dir, "ballast", "out.csv")
}
