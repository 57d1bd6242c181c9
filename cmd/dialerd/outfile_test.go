package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fifo makes a named pipe and holds it open, so that nobody waits for the other end. What is written fits into it.
func fifo(t *testing.T, dir string) (path string, reader *os.File) {
	t.Helper()
	path = filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() }) // some tests close it themselves
	return path, reader
}

// piped is what stands in a pipe.
func piped(t *testing.T, reader *os.File) string {
	t.Helper()
	if err := reader.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	n, err := reader.Read(buf)
	if err != nil {
		t.Fatalf("nothing came through the pipe: %v", err)
	}
	return string(buf[:n])
}

func writes(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// wantFile checks that a path is a file itself, no link, with a text and with who may read it.
func wantFile(t *testing.T, path, text string, perm fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text || info.Mode() != perm {
		t.Errorf("%s holds %q with mode %s, want %q with %s", path, got, info.Mode(), text, perm)
	}
}

// alone checks that a folder holds these names and no others.
func alone(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", dir, diff)
	}
}

func put(t *testing.T, path, text string, perm fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, perm); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// Every command that writes into a file which somebody names leaves a pipe a pipe, and its reader gets all of it.
func TestACommandWritesIntoAPipeAndReplacesNone(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.must("dnc", "add", "+16465550186", "--reason", "by letter")
	c.must("lead", "hold", "+12125550123", "--campaign", "always")
	c.must("audit", "archive")
	list := c.write("bad.csv", "phone,name\n12,Short\n")
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"export":           {[]string{"export", "always", "-o"}, "dialerd_lead,dialerd_phone"},
		"export --format":  {[]string{"export", "always", "--format", "xlsx", "-o"}, "PK"},
		"dnc export":       {[]string{"dnc", "export", "-o"}, "+16465550186"},
		"audit export":     {[]string{"audit", "export", "-o"}, `"kind":"hold`},
		"import --rejects": {[]string{"import", list, "--campaign", "always", "--country", "US", "--rejects"}, "Short"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, reader := fifo(t, dir)
			c.must(append(test.args, path)...)
			if text := piped(t, reader); !strings.Contains(text, test.want) {
				t.Errorf("through the pipe came %q, want %q in it", text, test.want)
			}
			if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
				t.Errorf("the pipe is no pipe any more: %v, %v", info.Mode(), err)
			}
			alone(t, dir, "pipe")
		})
	}
}

// The rejects of an import keep the rules of all files that are written.
func TestRejectsFollowALink(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	dir := t.TempDir()
	real, name := filepath.Join(dir, "real.csv"), filepath.Join(dir, "name.csv")
	put(t, real, "old\n", 0o640)
	link(t, "real.csv", name)
	c.must("import", c.write("bad.csv", "phone,name\n12,Short\n"), "--campaign", "always", "--country", "US", "--rejects", name)
	if info, err := os.Lstat(name); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is no link any more: %v, %v", info.Mode(), err)
	}
	info, err := os.Lstat(real)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(real); err != nil || !strings.Contains(string(text), "Short") || info.Mode() != 0o640 {
		t.Errorf("the file behind the link has mode %s and holds %q, %v", info.Mode(), text, err)
	}
}

func TestAFileIsReplacedWholeAndKeepsWhoMayReadIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	if err := writeFile(path, writes("one")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "one", 0o600)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := writeFile(path, func(w io.Writer) error {
		wantFile(t, path, "one", 0o644) // until the new one is whole
		return writes("two")(w)
	}); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "two", 0o644)
	if text, err := io.ReadAll(before); err != nil || string(text) != "one" {
		t.Errorf("who has the earlier file open reads %q, %v", text, err)
	}
	broken := errors.New("broken")
	if err := writeFile(path, func(w io.Writer) error { return errors.Join(writes("half")(w), broken) }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	wantFile(t, path, "two", 0o644)
	alone(t, dir, "out.csv")
}

func TestALinkStaysAndWhatItNamesIsWritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make func(t *testing.T, dir string) // makes the link dir/a/name, with real/sub for what it leads to
		file string
		perm fs.FileMode
	}{
		"to a file": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "real", "file"), "old", 0o640)
			link(t, "../real/file", filepath.Join(dir, "a", "name"))
		}, "real/file", 0o640},
		"to a link to a file": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "real", "file"), "old", 0o640)
			link(t, "../real/file", filepath.Join(dir, "a", "next"))
			link(t, filepath.Join(dir, "a", "next"), filepath.Join(dir, "a", "name"))
		}, "real/file", 0o640},
		"to a file that is not there": {func(t *testing.T, dir string) {
			link(t, "../real/file", filepath.Join(dir, "a", "name"))
		}, "real/file", 0o600},
		"through a linked folder and back": {func(t *testing.T, dir string) {
			link(t, "../real/sub", filepath.Join(dir, "a", "folder"))
			link(t, "folder/../file", filepath.Join(dir, "a", "name"))
		}, "real/file", 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, sub := range []string{"a", "real/sub"} {
				if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			test.make(t, dir)
			path := filepath.Join(dir, "a", "name")
			if err := writeFile(path, writes("new")); err != nil {
				t.Fatal(err)
			}
			wantFile(t, filepath.Join(dir, test.file), "new", test.perm)
			if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("the link is no link any more: %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestWhatCannotBeWrittenIsSaidAndStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	link(t, "loop", loop)
	if err := writeFile(loop, writes("new")); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
	if err := writeFile(dir, writes("new")); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a folder: %v", err)
	}
	if err := writeFile(filepath.Join(dir, "none", "out.csv"), writes("new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	alone(t, dir, "loop")
}

// A reader that goes away is an error, and the pipe stays.
func TestAPipeThatIsClosedIsAnError(t *testing.T) {
	t.Parallel()
	path, reader := fifo(t, t.TempDir())
	err := writeFile(path, func(w io.Writer) error {
		if err := reader.Close(); err != nil {
			return err
		}
		return writes("nobody reads this")(w)
	})
	if !errors.Is(err, syscall.EPIPE) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe is no pipe any more: %v, %v", info.Mode(), err)
	}
}

// An import whose rejects cannot be written fails, and says so once.
func TestAnImportWhoseRejectsNobodyReadsFails(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	path, reader := fifo(t, t.TempDir())
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	first := make(chan error, 1)
	go func() { // reads a little and leaves
		r, err := os.Open(path)
		if err == nil {
			_, err = io.CopyN(io.Discard, r, 20)
			err = errors.Join(err, r.Close())
		}
		first <- err
	}()
	list := c.write("bad.csv", "phone,name\n"+strings.Repeat("12,Short and with a long name\n", 20_000))
	code, out, errs := c.run("import", list, "--campaign", "always", "--country", "US", "--rejects", path)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if code != exitFailed || out != "" || strings.Count(errs, "broken pipe") != 1 || !strings.Contains(errs, path) {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
