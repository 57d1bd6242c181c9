package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whoever names a folder in use keeps what is in it: settings with a real token, or what a demo that was killed left behind.
func TestDemoWritesIntoAFolderOfItsOwnOnly(t *testing.T) {
	t.Parallel()
	c := &cli{t: t, dir: t.TempDir(), now: time.Now}
	const own = "redis: embedded\n"
	path := c.write("dialerd.yaml", own)
	code, out, errs := c.run("demo", "--dir", c.dir)
	if code != exitUsage || out != "" || !strings.Contains(errs, c.dir+" is not empty (dialerd.yaml)") || !strings.Contains(errs, "name a new folder") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != own {
		t.Errorf("the settings are %q, %v", got, err)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		c.write(name, "")
	}
	if err := free(c.dir); err == nil || !strings.Contains(err.Error(), "(a, b, c, …)") {
		t.Errorf("%v", err)
	}
	empty := t.TempDir()
	if err := free(empty); err != nil {
		t.Error(err)
	}
	if err := free(filepath.Join(empty, "new")); err != nil {
		t.Error(err)
	}
	if err := free(path); err == nil {
		t.Error("a file is taken for a folder")
	}
}
