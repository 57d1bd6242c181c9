// Package arch holds the shape of the tree: who may import whom, and what no file may contain.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dialerd/dialerd/"

// architecture lists every package, and the packages of this module that it may import. What is not listed is not
// allowed. Tests may import more.
var architecture = map[string][]string{
	// Leaves: the law of places, the API client, the wake-ups.
	"region":    {},
	"thoughtly": {},
	"queue":     {},

	// The rules of calling people.
	"campaign": {"region"},

	// Each knows one outside thing, none knows another.
	"store":           {"campaign"},
	"store/audit":     {"store"},
	"store/embedded":  {},
	"store/redistest": {},
	"importer":        {"campaign", "region"},
	"config":          {"campaign"},
	"forecast":        {"campaign"},
	"webhook":         {"thoughtly"},
	"simulator":       {},

	// The work, and the operator's view of it.
	"dialer": {"campaign", "queue", "store", "thoughtly"},
	"web":    {"campaign", "store"},

	"cmd/dialerd": {
		"campaign", "config", "dialer", "forecast", "importer", "queue", "region", "simulator", "store", "store/audit", "store/embedded",
		"thoughtly", "web", "webhook",
	},
}

// later lists packages of the architecture that nobody has written yet. Once there is one, it is to be taken off.
var later = []string{"forecast"}

// owners names, for a module from outside, the packages that alone may import it.
var owners = map[string][]string{
	"github.com/hibiken/asynq":            {"queue"},
	"github.com/redis/go-redis":           {"store", "store/embedded", "store/redistest", "queue", "cmd/dialerd"},
	"github.com/alicebob/miniredis":       {"store/embedded", "store/redistest"},
	"github.com/yuin/gopher-lua":          {"store/redistest"},
	"golang.org/x/time/rate":              {"thoughtly", "store"},
	"github.com/robfig/cron":              {"campaign"},
	"github.com/nyaruka/phonenumbers":     {"region"},
	"github.com/gocarina/gocsv":           {"importer"},
	"github.com/xuri/excelize":            {"importer"},
	"google.golang.org/api":               {"importer"},
	"github.com/goccy/go-yaml":            {"config"},
	"github.com/prometheus/client_golang": {"web"},
	"github.com/spf13/cobra":              {"cmd/dialerd"},
	"github.com/schollz/progressbar":      {"cmd/dialerd"},
	"github.com/jedib0t/go-pretty":        {"cmd/dialerd"},

	// In tests only.
	"testing":                         {"store/redistest"},
	module + "store/redistest":        {},
	"github.com/google/go-cmp":        {},
	"github.com/rogpeppe/go-internal": {},
	"github.com/go-redis/redis_rate":  {},
	"github.com/chromedp/chromedp":    {},
}

// testOwners is owners for tests, where a module that is not listed is free.
var testOwners = map[string][]string{
	"github.com/chromedp/chromedp":   {"web"},
	"github.com/go-redis/redis_rate": {"store"},
	"github.com/stretchr/testify":    {},
	"go.uber.org/mock":               {},
	"github.com/golang/mock":         {},
}

// maxLines bounds a file that is not a test: longer, it is more than one thing.
const maxLines = 500

// machine names places that exist on one machine only. They are taken apart here so that this file passes, too.
var machine = []string{"/" + "work/", "/" + "root/", "/tmp/" + "w/"}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, path := range files(t) {
		if !strings.HasSuffix(path, ".go") {
			continue
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		isTest := strings.HasSuffix(path, "_test.go")
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		if isTest {
			checkOwners(t, path, f, testOwners)
			continue
		}
		may, ok := architecture[pkg]
		if !ok {
			t.Errorf("%s: package %s is not in the architecture", path, pkg)
		}
		for _, imp := range imports(f) {
			if in, ours := strings.CutPrefix(imp, module); ours && !slices.Contains(may, in) {
				t.Errorf("%s: %s may not import %s", path, pkg, in)
			}
		}
		checkOwners(t, path, f, owners)
		name := "Package " + f.Name.Name + " "
		if f.Name.Name == "main" {
			name = "Command " + filepath.Base(pkg) + " "
		}
		documented[pkg] = documented[pkg] || f.Doc != nil && strings.HasPrefix(f.Doc.Text(), name)
	}
	for _, pkg := range slices.Sorted(maps.Keys(architecture)) {
		_, err := os.Stat(pkg)
		missing := os.IsNotExist(err)
		switch expected := slices.Contains(later, pkg); {
		case missing && !expected:
			t.Errorf("%s is in the architecture and does not exist", pkg)
		case !missing && expected:
			t.Errorf("%s exists: take it off the list of later packages", pkg)
		case !missing && !documented[pkg]:
			t.Errorf("%s has no package comment that says what it is", pkg)
		}
	}
}

// TestTheArchitectureHasFloors holds the table itself: nothing imports, even through others, what imports it.
func TestTheArchitectureHasFloors(t *testing.T) {
	t.Parallel()
	var walk func(pkg string, path []string)
	walk = func(pkg string, path []string) {
		if slices.Contains(path, pkg) {
			t.Errorf("a circle: %s", strings.Join(append(path, pkg), " -> "))
			return
		}
		for _, next := range architecture[pkg] {
			if _, ok := architecture[next]; !ok {
				t.Errorf("%s may import %s, which is not in the architecture", pkg, next)
			}
			walk(next, append(slices.Clone(path), pkg))
		}
	}
	for pkg := range architecture {
		walk(pkg, nil)
	}
}

func TestNoFileIsTooLong(t *testing.T) {
	t.Parallel()
	for _, path := range files(t) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		if n := strings.Count(read(t, path), "\n"); n > maxLines {
			t.Errorf("%s has %d lines, at most %d: is it one noun or verb?", path, n, maxLines)
		}
	}
}

func TestNoFileNamesAPlaceOnOneMachine(t *testing.T) {
	t.Parallel()
	for _, path := range files(t) {
		for i, line := range strings.Split(read(t, path), "\n") {
			for _, place := range machine {
				if strings.Contains(line, place) {
					t.Errorf("%s:%d names %s", path, i+1, place)
				}
			}
		}
	}
}

func TestModuleReplacesNothing(t *testing.T) {
	t.Parallel()
	if regexp.MustCompile(`(?m)^\s*replace\b`).MatchString(read(t, "go.mod")) {
		t.Error("go.mod has a replace directive: nobody could install the program with go install")
	}
}

// What a reader types from the documents must exist.
func TestCommandsInTheDocumentsExist(t *testing.T) {
	t.Parallel()
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z-]*):`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	var program strings.Builder
	sources, err := filepath.Glob("cmd/dialerd/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range sources {
		program.WriteString(read(t, path))
	}
	command := regexp.MustCompile(`^\s*(?:\$ )?(?:\./bin/)?(make|dialerd) +([a-z][a-z-]*)`)
	for _, document := range []string{"README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"} {
		found, fenced := 0, false
		for i, line := range strings.Split(read(t, document), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			}
			m := command.FindStringSubmatch(line)
			if !fenced || m == nil {
				continue
			}
			found++
			switch {
			case m[1] == "make" && !targets[m[2]]:
				t.Errorf("%s:%d: there is no target %s in the Makefile", document, i+1, m[2])
			case m[1] == "dialerd" && !regexp.MustCompile(`Use:\s*"`+m[2]+`[ "]`).MatchString(program.String()):
				t.Errorf("%s:%d: cmd/dialerd has no command with Use: %q", document, i+1, m[2])
			}
		}
		if found == 0 && document == "README.md" {
			t.Error("README.md names no command in a fenced block")
		}
	}
}

func imports(f *ast.File) []string {
	var all []string
	for _, spec := range f.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			all = append(all, path)
		}
	}
	return all
}

func checkOwners(t *testing.T, path string, f *ast.File, owners map[string][]string) {
	t.Helper()
	pkg := filepath.ToSlash(filepath.Dir(path))
	for _, imp := range imports(f) {
		for mod, who := range owners {
			if (imp == mod || strings.HasPrefix(imp, mod+"/")) && !slices.Contains(who, pkg) {
				t.Errorf("%s: %s may not import %s, only %v may", path, pkg, imp, who)
			}
		}
	}
}

// files lists the files of the tree that are text, without what is built and what is hidden.
func files(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (path == ".git" || path == "bin" || path == "data"):
			return filepath.SkipDir
		case e.Type().IsRegular() && slices.Contains(textFiles, filepath.Ext(path)):
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// textFiles are the ends of names of files that people write; "" stands for Makefile and scripts.
var textFiles = []string{"", ".css", ".go", ".html", ".js", ".lua", ".md", ".mod", ".service", ".sh", ".tmpl", ".txtar", ".yaml", ".yml"}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
