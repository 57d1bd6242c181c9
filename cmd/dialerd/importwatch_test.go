package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watchTest is a watched folder, looked at when the test says so.
type watchTest struct {
	*cli
	folder    *watcher
	out, errs bytes.Buffer
}

func newWatchTest(t *testing.T) *watchTest {
	t.Helper()
	m := &watchTest{cli: newCLI(t)}
	m.must("campaign", "apply", m.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	for _, d := range []string{watchDone, watchFailed} {
		if err := os.MkdirAll(filepath.Join(m.dir, "in", d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	a := m.app(&m.out, &m.errs)
	t.Cleanup(func() { _ = a.close() })
	m.folder = &watcher{
		app: a, name: "spring", dir: filepath.Join(m.dir, "in"), o: importOptions{country: "US", silent: true}, seen: map[string]sighting{},
	}
	return m
}

// at looks at the folder so many seconds after the test began, and says which of its files are where.
func (m *watchTest) at(seconds int) string {
	m.t.Helper()
	if err := m.folder.look(m.t.Context(), tuesday10.Add(time.Duration(seconds)*time.Second)); err != nil {
		m.t.Fatal(err)
	}
	return m.files()
}

func (m *watchTest) files() string {
	m.t.Helper()
	var files []string
	for _, pattern := range []string{"*.*", "*/*.*"} {
		found, err := filepath.Glob(filepath.Join(m.dir, "in", pattern))
		if err != nil {
			m.t.Fatal(err)
		}
		for _, f := range found {
			files = append(files, strings.TrimPrefix(f, m.folder.dir+"/"))
		}
	}
	return strings.Join(files, " ")
}

// more writes on at the end of a list.
func (m *watchTest) more(name, text string) {
	m.t.Helper()
	f, err := os.OpenFile(filepath.Join(m.dir, "in", name), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		m.t.Fatal(err)
	}
}

// Who writes a list may pause: it is read once it has not changed for five seconds.
func TestAWatchedListIsReadOnceItsWriterIsDone(t *testing.T) {
	t.Parallel()
	m := newWatchTest(t)
	m.more("a.csv", "Phone\n2125550123\n")
	m.at(0)
	if got := m.at(4); got != "a.csv" {
		t.Errorf("after four seconds: %s", got)
	}
	m.more("a.csv", "2125550124\n")
	m.at(5)
	if got := m.at(9); got != "a.csv" {
		t.Errorf("four seconds after more was written: %s", got)
	}
	if got := m.at(10); got != "done/a.csv" {
		t.Errorf("five seconds after: %s", got)
	}
	if !strings.Contains(m.out.String(), "2 rows: 2 added") {
		t.Errorf("got %s", m.out.String())
	}
}

// A list that is written to while it is read stays, and is read again.
func TestAWatchedListThatIsWrittenToWhileItIsReadIsReadAgain(t *testing.T) {
	t.Parallel()
	m := newWatchTest(t)
	m.more("a.csv", "Phone\n2125550123\n")
	m.more("bad.csv", "Name\nAnn\n")
	m.at(0)
	written := false
	m.now = func() time.Time { // who reads asks for the time before the first row
		if !written {
			written = true
			m.more("a.csv", "2125550124\n")
			m.more("bad.csv", "Bob\n")
		}
		return tuesday10
	}
	m.folder.now = m.now
	if got := m.at(10); got != "a.csv bad.csv" {
		t.Errorf("written to while it was read: %s; %s", got, m.errs.String())
	}
	m.at(11)
	if got := m.at(21); got != "done/a.csv failed/bad.csv failed/bad.csv.why" {
		t.Errorf("another ten seconds later: %s", got)
	}
	if !strings.Contains(m.out.String(), "2 rows: 0 added, 0 updated, 2 unchanged") || !strings.Contains(m.errs.String(), "a.csv was written to while it was read") {
		t.Errorf("got %s, %s", m.out.String(), m.errs.String())
	}
}

// What a spreadsheet locks a list with is no list, and each result says whose it is.
func TestAWatchSaysWhichListItReadAndLeavesLocksAlone(t *testing.T) {
	t.Parallel()
	m := newWatchTest(t)
	m.more("~$a.xlsx", "locked")
	m.more(".a.csv", "half")
	m.more("a.csv", "Phone\n2125550123\n")
	m.at(0)
	if got := m.at(10); got != ".a.csv ~$a.xlsx done/a.csv" {
		t.Errorf("got %s; %s", got, m.errs.String())
	}
	if want := "a.csv: spring: 1 row: 1 added"; !strings.HasPrefix(m.out.String(), want) {
		t.Errorf("got %s", m.out.String())
	}
	m.out.Reset()
	m.folder.json = true
	m.more("b.csv", "Phone\n2125550124\n")
	m.at(20)
	m.at(30)
	if got := m.out.String(); !strings.Contains(got, `"file": "b.csv"`) || !strings.Contains(got, `"added": 1`) {
		t.Errorf("got %s", got)
	}
}
