package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// springCLI has a campaign, and folders for lists of the same name.
func springCLI(t *testing.T) *cli {
	t.Helper()
	c := newCLI(t)
	for _, dir := range []string{"s1", "s2", "s3", "in/" + watchDone} {
		if err := os.MkdirAll(filepath.Join(c.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	return c
}

// rejectsOf imports and returns the name of the file of rejects, "" for none.
func rejectsOf(c *cli, args ...string) string {
	c.t.Helper()
	out := c.json(append([]string{"import", "--campaign", "spring", "--country", "US"}, args...)...).(map[string]any)
	path, _ := out["rejects_file"].(string)
	return path
}

func TestRejectsOfOneListAreNeverLostToAnother(t *testing.T) {
	t.Parallel()
	c := springCLI(t)
	bad := func(cell string) string { return "Phone\n" + cell + "\n" }
	holds := func(path, base, cell string) {
		t.Helper()
		if filepath.Base(path) != base {
			t.Errorf("the file is %q, want %s", path, base)
		}
		if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), cell) {
			t.Errorf("%s holds %q (%v), want %s", base, text, err, cell)
		}
	}
	one, two := c.write("s1/day.csv", bad("bad1")), c.write("s2/day.csv", bad("bad2"))
	first, second := rejectsOf(c, one), rejectsOf(c, two)
	holds(first, "spring-day.csv", "bad1")
	holds(second, "spring-day-2.csv", "bad2")

	// A list without rejects takes nobody else's away, and a list that is read again replaces its own.
	if path := rejectsOf(c, c.write("s3/day.csv", bad("2125550123"))); path != "" {
		t.Errorf("a clean list has rejects in %s", path)
	}
	c.write("s2/day.csv", bad("bad3"))
	holds(rejectsOf(c, two), "spring-day-2.csv", "bad3")
	holds(first, "spring-day.csv", "bad1")

	// What somebody mends stays, also when the list is read again, with rejects or without.
	if err := os.WriteFile(first, []byte(bad("mended")), 0o600); err != nil {
		t.Fatal(err)
	}
	third := rejectsOf(c, one)
	holds(third, "spring-day-3.csv", "bad1")
	holds(first, "spring-day.csv", "mended")
	c.write("s1/day.csv", bad("2125550124"))
	if path := rejectsOf(c, one); path != "" {
		t.Errorf("a clean list has rejects in %s", path)
	}
	holds(first, "spring-day.csv", "mended")
	holds(second, "spring-day-2.csv", "bad3")
	if _, err := os.Stat(third); !os.IsNotExist(err) {
		t.Errorf("what nobody mended is still there, to be mended in vain: %v", err)
	}
}

func TestRejectsOfSeveralListsAreReplacedOnceAllAreReadAgain(t *testing.T) {
	t.Parallel()
	c := springCLI(t)
	one, two, three := c.write("a.csv", "Phone\nbad1\n"), c.write("b.csv", "Phone\nbad2\n"), c.write("c.csv", "Phone\nbad3\n")
	both := rejectsOf(c, one, two)
	if path := rejectsOf(c, one, three); path == both {
		t.Errorf("%s, without the rejects of %s", path, two)
	}
	if path := rejectsOf(c, one, two, three); path != both {
		t.Errorf("all were read again and the file is %s, want %s", path, both)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(both), "*")); err != nil || len(left) != 1 {
		t.Errorf("left are %q, %v", left, err)
	}
}

func TestRejectsThatAPersonIsErasedFromAreStillReplaced(t *testing.T) {
	t.Parallel()
	c := springCLI(t)
	list := c.write("a.csv", "Name,Phone\nAnn +1 212 555 0123,bad1\nBob,bad2\n")
	path := rejectsOf(c, list)
	c.must("forget", "+12125550123", "--here-only")
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "0123") || !strings.Contains(string(text), "bad2") {
		t.Errorf("%q, %v", text, err)
	}
	c.write("a.csv", "Name,Phone\nBob,2125550124\n")
	rejectsOf(c, list)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("what nobody mended is still there: %v", err)
	}
}

func TestAnImportThatFailsLeavesTheRejectsOfAnEarlierOne(t *testing.T) {
	t.Parallel()
	c := springCLI(t)
	endless := strings.Repeat("2125550123\n", 50) + strings.Repeat("x", 1<<20+1)
	list := c.write("a.csv", "Phone\nbad1\nbad2\n")
	path := rejectsOf(c, list)
	for _, text := range []string{"Phone\nbad1\n" + endless, "Phone\n" + endless} {
		c.write("a.csv", text)
		if code, _, errs := c.run("import", "--campaign", "spring", "--country", "US", list); code != exitFailed || !strings.Contains(errs, "longer than 1 MiB") {
			t.Fatalf("exit code %d: %s", code, errs)
		}
		if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "bad2") {
			t.Errorf("%q, %v", text, err)
		}
	}
	left := func(want int) {
		t.Helper()
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != want {
			t.Errorf("left are %q, %v, want %d", left, err, want)
		}
	}
	left(2) // what was rejected before the end of the imports that failed lies beside it
	c.write("a.csv", "Phone\nbad1\n")
	if again := rejectsOf(c, list); again != path {
		t.Errorf("the rejects of the mended list are in %s", again)
	}
	left(1)
}

func TestRejectsOfListsThatCannotBeReadAgainStay(t *testing.T) {
	t.Parallel()
	c := springCLI(t)
	var out, errs bytes.Buffer
	a := c.app(&out, &errs)
	defer func() { _ = a.close() }()
	for range 2 {
		if err := a.watched(t.Context(), "spring", c.write("in/day.csv", "Phone\nbad\n"), importOptions{country: "US", silent: true}); err != nil {
			t.Fatal(err)
		}
		a.in = strings.NewReader("Phone\nbad\n")
		r, err := a.record(t.Context(), "spring")
		if err != nil {
			t.Fatal(err)
		}
		lists, err := a.lists(r, []string{"-"}, importOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.importAll(t.Context(), r, lists, importOptions{silent: true}); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(c.env["DIALERD_DATA_DIR"], "rejects", "*"))
	if err != nil || len(left) != 4 {
		t.Errorf("left are %q, %v", left, err)
	}
}
