package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
)

// Five hundred rows of a megabyte each are more than an import may hold.
func TestABatchOfLongRowsIsShort(t *testing.T) {
	t.Parallel()
	const rows = 12
	var text strings.Builder
	text.WriteString("Phone,Note\n")
	for i := range rows {
		text.WriteString("41555526" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "," + strings.Repeat("x", importBytes*2/3) + "\n")
	}
	reader, err := importer.NewReader(strings.NewReader(text.String()), importer.Options{
		Plan: campaign.NewPlan(&campaign.Campaign{Name: "spring", Team: "default"}), Now: tuesday10, Source: "list.csv", Country: "US",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	n := 0
	for b := range ahead(t.Context(), reader) {
		if len(b.rows) > 2 {
			t.Errorf("%d rows of %d bytes at once", len(b.rows), importBytes*2/3)
		}
		if n += len(b.rows); b.err != nil && !errors.Is(b.err, io.EOF) {
			t.Error(b.err)
		}
	}
	if n != rows {
		t.Errorf("%d rows", n)
	}
}

// Nor is a batch that waits for the record: it goes as soon as it has importBytes, however few its rows are.
func TestLongRowsDoNotWaitForABatchToBeFull(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	var out bytes.Buffer
	a := c.app(&out, &out)
	defer func() { _ = a.close() }()
	record, err := a.record(t.Context(), "spring")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := a.plan(t.Context(), record)
	if err != nil {
		t.Fatal(err)
	}
	const rows, size = 7, importBytes * 2 / 5
	var text strings.Builder
	text.WriteString("Phone,Note\n")
	for i := range rows {
		fmt.Fprintf(&text, "212555267%d,%s\n", i, strings.Repeat("x", size))
	}
	reader, err := importer.NewReader(strings.NewReader(text.String()), importer.Options{Plan: plan, Now: tuesday10, Source: "list.csv", Country: "US"})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := a.store.AddList(t.Context(), "spring", reader.List()); err != nil {
		t.Fatal(err)
	}
	run := &importRun{
		a: a, name: "spring", plan: plan, sum: importer.NewSummary("spring"), lanes: map[string]bool{}, places: map[string]store.Place{},
	}
	for i := range rows {
		row, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := run.row(t.Context(), &list{}, row); err != nil {
			t.Fatal(err)
		}
		if want := (i + 1) % 3; len(run.batch) != want || run.pending() > 3*importLanes || (run.bytes == 0) != (want == 0) {
			t.Errorf("after row %d: %d rows and %d bytes wait, %d are pending", i+1, len(run.batch), run.bytes, run.pending())
		}
	}
	if err := run.flush(t.Context()); err != nil || run.sum.Added != rows {
		t.Errorf("%d added, %v", run.sum.Added, err)
	}
}

// What no list has ends in failed/ with the reason beside it, and the lists that come after it are read.
func TestAWatchedFolderTakesNoMoreThanAListHas(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	if err := os.MkdirAll(filepath.Join(c.dir, "in", watchFailed), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(c.dir, "in", watchDone), 0o700); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	blank := append(bytes.Repeat([]byte(" "), 1<<16), '\n')
	_, err := io.WriteString(z, "Phone\n2125550123\n")
	for range 1100 { // 69 MiB
		_, more := z.Write(blank)
		err = errors.Join(err, more)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	a := c.app(&out, &errs)
	defer func() { _ = a.close() }()
	for name, l := range map[string]struct{ text, why string }{
		"long.csv":   {"Phone,Note\n2125550123," + strings.Repeat("x", 1<<20) + "\n", "line 2 is longer than 1 MiB, so this is no list"},
		"wide.csv":   {"Phone" + strings.Repeat(",x", 512) + "\n2125550123\n", "the header has 513 columns, more than 512"},
		"bomb.gz":    {packed.String(), "the text is more than 200 times larger than its file, which no list is"},
		"binary.csv": {"Phone\n\x00\x01\x02\x00\x03\n", "the file is not text"},
	} {
		path := c.write("in/"+name, l.text)
		if err := a.watched(t.Context(), "spring", path, importOptions{country: "US", silent: true}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		why, err := os.ReadFile(filepath.Join(c.dir, "in", watchFailed, name+".why"))
		if err != nil || !strings.Contains(string(why), l.why) || !strings.Contains(errs.String(), l.why) {
			t.Errorf("%s: %s, %v; said %s", name, why, err, errs.String())
		}
		if _, err := os.Stat(filepath.Join(c.dir, "in", watchFailed, name)); err != nil {
			t.Error(err)
		}
	}
	good := c.write("in/good.csv", "Phone\n2125550124\n")
	ended, end := context.WithCancel(t.Context())
	end()
	if err := a.watched(ended, "spring", good, importOptions{country: "US", silent: true}); err == nil || a.unwatched(err) != nil {
		t.Errorf("after a signal: %v, of which %v counts", err, a.unwatched(err))
	}
	if err := a.watched(t.Context(), "spring", good, importOptions{country: "US", silent: true}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "in", watchDone, "good.csv")); err != nil || !strings.Contains(out.String(), "1 added") {
		t.Errorf("got %s, %v", out.String(), err)
	}
}

func TestRejectsAreNotForStandardOutput(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	code, _, errs := c.run("import", c.write("a.csv", "Phone\n12\n"), "--campaign", "spring", "--rejects", "-")
	if code != exitUsage || !strings.Contains(errs, "--rejects -: rejected rows go into a file") {
		t.Errorf("%d: %s", code, errs)
	}
}

func TestAListThatIsSaidToBeWrittenInAWayThatThereIsNotIsWrongUsage(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	list := c.write("list.csv", "Phone\n2125550123\n")
	for want, args := range map[string][]string{
		`encoding "utf-9" is not known; name utf-8`:         {"--encoding", "utf-9"},
		`delimiter 'x' is none; name one of , ; | or a tab`: {"--delimiter", "x"},
		`country "NARNIA" is not known`:                     {"--country", "narnia"},
	} {
		code, _, errs := c.run(append([]string{"import", list, "--campaign", "spring"}, args...)...)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}

// brokenList ends in a row that no list has.
var (
	brokenList = "Phone,Note\n2125550123,a\n12,b\n" + strings.Repeat("2125550123,a\n", 100) + "2125550124,c\n2125550125," + strings.Repeat("x", 1<<20) + "\n2125550126,d\n"
	brokenWhy  = "line 105 is longer than 1 MiB, so this is no list; check the file and its encoding; 103 rows (1 rejected, in "
)

// An import that breaks off says what it took in, and prints its counts.
func TestAnImportThatBreaksOffPrintsWhatItTookIn(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	list := c.write("a.csv", brokenList)
	rejects := filepath.Join(c.env["DIALERD_DATA_DIR"], "rejects", "spring-a.csv")
	again := brokenWhy + rejects + ") had been taken in: mend the list and import it again, nothing comes twice"
	code, out, errs := c.run("import", list, "--campaign", "spring", "--country", "US", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if code != exitFailed || got["added"] != 2.0 || got["rejects_file"] != rejects || !strings.Contains(errs, again) || !strings.Contains(errs, fmt.Sprint(got["error"])) {
		t.Errorf("%d: %v, %s", code, got, errs)
	}
	code, out, errs = c.run("import", list, "--campaign", "spring", "--country", "US")
	if code != exitFailed || !strings.Contains(out, "103 rows: 0 added, 0 updated, 2 unchanged, 100 duplicate, 1 rejected") || !strings.Contains(out, "not all rows were read") || !strings.Contains(errs, again) {
		t.Errorf("%d: %s, %s", code, out, errs)
	}
	code, out, errs = c.run("import", list, "--campaign", "spring", "--country", "US", "--dry-run", "--json")
	if code != exitFailed || out != "" || strings.Contains(errs, "taken in") {
		t.Errorf("dry run: %d: %s, %s", code, out, errs)
	}
	var rows strings.Builder
	rows.WriteString("Phone,Note\n")
	for i := range 20_000 {
		fmt.Fprintf(&rows, "212%03d%04d,%x\n", 220+i%700, i/3, i*i)
	}
	whole := packed(t, rows.String())
	code, out, errs = c.run("import", c.write("b.csv.gz", whole[:len(whole)*3/4]), "--campaign", "spring", "--country", "US")
	if code != exitFailed || !strings.Contains(out, "not all rows were read") || !strings.Contains(errs, ": unpack: the file is cut off before its end; copy it again; 1") {
		t.Errorf("%d: %s, %s", code, out, errs)
	}
}

// A scheduled import reads every list as far as it can be read, and tells which could not.
func TestAListThatBreaksOffKeepsNoOtherFromBeingRead(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write("a.csv", brokenList)
	c.write("b.csv", "Phone\n2125550129\n")
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nleads: [{source: \"*.csv\", country: US}]\nconsent: {basis: \"our own customers\"}\n"))
	var out bytes.Buffer
	a := c.app(&out, &out)
	defer func() { _ = a.close() }()
	sum, err := a.importLists(t.Context(), "spring", importOptions{tolerant: true, silent: true})
	if err == nil || !strings.Contains(err.Error(), "a.csv: line 105 is longer") || sum == nil || sum.Added != 3 {
		t.Errorf("got %+v, %v", sum, err)
	}
}

// signalled gives a signal before it is read.
type signalled struct {
	io.Reader
	signal func()
}

func (s *signalled) Read(p []byte) (int, error) {
	s.signal()
	return s.Reader.Read(p)
}

// A signal is told in words, and is no excuse for what goes wrong beside it.
func TestASignalIsBlamedForWhatItEndedAlone(t *testing.T) {
	t.Parallel()
	const words = "ended by a signal; what was read before is in the campaign: import the list again to go on, nothing comes twice"
	c := newCLI(t)
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	c.write("file", "no folder")
	text := "Phone\nnobody\n" + strings.Repeat("2125550123\n", 20_000)
	half := packed(t, text)
	half = half[:len(half)/2]
	for name, k := range map[string]struct {
		answer  string // what comes of a list from a server until the signal; nothing of its answer when it is empty
		stdin   string // the list, whose reading the signal comes before
		before  bool   // the signal comes before everything
		dryRun  bool
		rejects string
		want    string // the error's beginning
	}{
		"before everything":       {before: true, want: words},
		"in a dry run":            {before: true, dryRun: true, want: "ended by a signal; nothing was changed"},
		"before an answer":        {want: words},
		"in a header":             {answer: "Phone,Na", want: words},
		"in a text":               {answer: text, want: words},
		"in a packed text":        {answer: half, want: words},
		"in an archive":           {answer: "PK\x03\x04 and what comes then", want: words},
		"as the list is no list":  {stdin: "Name\nAnn\n", want: "-: no column is for the phone"},
		"as rejects have no room": {stdin: text, rejects: "file/rejects.csv", want: words + "\nwrite rejects: mkdir "},
	} {
		ctx, signal := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if k.answer != "" {
				_, _ = io.WriteString(w, k.answer)
				_ = http.NewResponseController(w).Flush()
			}
			signal()
			<-r.Context().Done()
		}))
		var out bytes.Buffer
		a := c.app(&out, &out)
		source := server.URL + "/leads.csv"
		if k.stdin != "" {
			a.in, source = &signalled{strings.NewReader(k.stdin), signal}, importer.Stdin
		}
		o := importOptions{country: "US", silent: true, dryRun: k.dryRun}
		if k.rejects != "" {
			o.rejects = filepath.Join(c.dir, k.rejects)
		}
		record, err := a.record(t.Context(), "spring")
		if err != nil {
			t.Fatal(err)
		}
		lists, err := a.lists(record, []string{source}, o)
		if err != nil {
			t.Fatal(err)
		}
		if k.before {
			signal()
		}
		_, err = a.importAll(ctx, record, lists, o)
		if err = ended(ctx, err, o.dryRun); err == nil || ctx.Err() == nil {
			t.Fatalf("%s: got %v; %v", name, err, ctx.Err())
		}
		if got := err.Error(); !strings.HasPrefix(got, k.want) || strings.HasPrefix(k.want, "ended") && strings.Count(got, "\n") != strings.Count(k.want, "\n") {
			t.Errorf("%s: got %s", name, got)
		}
		signal()
		server.Close()
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}
}
