package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/web"
)

// jobsTest is a daemon as far as it takes lists in, over real HTTP.
type jobsTest struct {
	*cli
	*testing.T
	a    *app
	jobs *importJobs
	url  string
}

func newJobsTest(t *testing.T) *jobsTest {
	t.Helper()
	m := &jobsTest{cli: newCLI(t), T: t}
	m.serve()
	m.campaign("*.csv")
	return m
}

// serve begins a daemon anew.
func (m *jobsTest) serve() {
	m.Helper()
	m.a = m.app(new(bytes.Buffer), new(bytes.Buffer))
	if _, err := m.a.open(m.Context()); err != nil {
		m.Fatal(err)
	}
	jobs := newImportJobs(m.Context(), m.a, slog.New(slog.DiscardHandler))
	m.jobs = jobs
	server := httptest.NewServer(web.Handler(web.Config{
		Source:  &web.Source{Store: m.a.store, Now: m.now},
		Imports: &web.Imports{Start: jobs.start, Rejects: jobs.rejects, Limit: 1 << 20},
	}))
	m.url = server.URL + "/api/v1/imports"
	a := m.a
	m.Cleanup(func() {
		server.Close()
		_ = jobs.stop()
		_ = a.close()
	})
}

// campaign applies one that reads lists from a source.
func (m *jobsTest) campaign(source string) {
	m.Helper()
	m.must("campaign", "apply", m.write("spring.yaml", fmt.Sprintf("campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"+
		"leads: [{source: %q, country: US, columns: {phone: Cell}}]\ncalling: {rules: none}\n", source)))
}

// send posts a list and returns the answer.
func (m *jobsTest) send(query, list string) (code int, job web.Import, text string) {
	r, err := http.NewRequestWithContext(m.Context(), http.MethodPost, m.url+"?"+query, strings.NewReader(list))
	if err != nil {
		m.Error(err)
		return
	}
	return m.answer(r)
}

func (m *jobsTest) answer(r *http.Request) (code int, job web.Import, text string) {
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		m.Error(err)
		return
	}
	defer w.Body.Close()
	raw, err := io.ReadAll(w.Body)
	if err == nil && w.StatusCode < 300 {
		err = json.Unmarshal(raw, &job)
	}
	if err != nil {
		m.Error(err)
	}
	return w.StatusCode, job, string(raw)
}

// ask is the import as it stands.
func (m *jobsTest) ask(id string) web.Import {
	m.Helper()
	r, err := http.NewRequestWithContext(m.Context(), http.MethodGet, m.url+"/"+id, nil)
	if err != nil {
		m.Fatal(err)
	}
	code, job, text := m.answer(r)
	if code != http.StatusOK {
		m.Errorf("GET %s: %d %s", id, code, text)
	}
	return job
}

// wait asks until the import is in a state, and fails when it ends in another.
func (m *jobsTest) wait(id string, state store.ImportState) web.Import {
	m.Helper()
	var job web.Import
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if job = m.ask(id); job.State == state || job.State != store.ImportWaiting && job.State != store.ImportRunning {
			break
		}
	}
	if job.State != state {
		m.Fatalf("want %s: %+v, %v", state, job, job.Error)
	}
	return job
}

// did sends a list and waits for its counts.
func (m *jobsTest) did(query, list string) (web.Import, map[string]any) {
	m.Helper()
	code, job, text := m.send(query, list)
	if code != http.StatusAccepted || job.ID == "" {
		m.Fatalf("%d %s", code, text)
	}
	job = m.wait(job.ID, store.ImportDone)
	var counts map[string]any
	if err := json.Unmarshal(job.Result, &counts); err != nil {
		m.Fatal(err)
	}
	return job, counts
}

func TestAListThatIsSentBecomesLeads(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	const list = "Cell,Name\n212-555-0123,Ann\n12,=Bad\n312-555-0124,Bob\n212-555-0123,Ann again\n"
	job, got := m.did("campaign=spring&name=leads.csv", list)
	file, _ := got["rejects_file"].(string)
	want := map[string]any{
		"campaign": "spring", "rows": 4.0, "added": 2.0, "updated": 0.0, "unchanged": 0.0, "duplicate": 1.0, "rejected": 1.0, "suppressed": 0.0, "held": 0.0,
		"rejects_file": file, "reasons": map[string]any{"too_short": 1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the result of import --json:\n%s", diff)
	}
	if job.Source != "upload/leads.csv" || job.Rows != 4 || job.Rejected != 1 || *job.Share != 1 || job.Started == nil || job.Ended == nil || job.Error != nil {
		t.Errorf("got %+v", job)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(m.url, "/api/v1/imports")+*job.Rejects, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := io.ReadAll(w.Body)
	_ = w.Body.Close()
	onDisk, fileErr := os.ReadFile(file)
	if string(rows) != "Cell,Name,line,column,reason,fix\n12,'=Bad,3,Cell,too_short,\"write it in full, with its area code\"\n" || string(onDisk) != string(rows) {
		t.Errorf("rejects: %v, %v\n%s", err, fileErr, rows)
	}
	for _, again := range []string{list, packed(t, list)} {
		if _, got = m.did("campaign=spring&name=leads.csv", again); got["unchanged"] != 2.0 || got["duplicate"] != 1.0 || got["added"] != 0.0 {
			t.Errorf("again: %v", got)
		}
	}
	if left, err := os.ReadDir(uploads(m.env["DIALERD_DATA_DIR"])); err != nil || len(left) != 0 {
		t.Errorf("%d lists are left on disk, %v", len(left), err)
	}
	if out := m.must("import", "--withdraw", "leads.csv", "--campaign", "spring"); !strings.Contains(out, "2 leads of 2 leads withdrawn from upload/leads.csv") {
		t.Errorf("got %s", out)
	}
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bomb is a small workbook that says that it would be large unpacked.
func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	_, err := w.Create("xl/workbook.xml")
	_, rawErr := w.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, UncompressedSize64: 1 << 30})
	if err := errors.Join(err, rawErr, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestASourceThatTheCampaignNamesIsReadByTheDaemon(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	m.write("a.csv", "Cell\n2125550123\n")
	m.write("b.csv", "Cell\n2125550124\n12\n")
	for _, query := range []string{"campaign=spring", "campaign=spring&source=*.csv"} {
		job, got := m.did(query, "")
		if got["rows"] != 3.0 || got["rejected"] != 1.0 || job.Source != "*.csv" || *job.Share != 1 {
			t.Errorf("%s: %+v %v", query, job, got)
		}
	}
}

func TestAnImportThatCannotBeDoneSaysWhy(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	for _, tt := range []struct {
		query, list string
		code        int
		want        string
	}{
		{"campaign=sprung", "Cell\n1\n", 404, `did you mean \"spring\"?`},
		{"campaign=spring&source=/etc/passwd", "", 400, `names no source \"/etc/passwd\"; it names *.csv`},
		{"campaign=spring", "", 400, "*.csv: no file is called like that"},
		{"campaign=spring&map=fone=Cell", "Cell\n1\n", 400, `map: \"fone\" is not a role`},
		{"campaign=spring&name=x.csv", strings.Repeat("x", 1<<20+1), 413, "larger than 1048576 bytes"},
	} {
		if code, _, text := m.send(tt.query, tt.list); code != tt.code || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %s", tt.query, code, text)
		}
	}
	m.campaign("-")
	if code, _, text := m.send("campaign=spring", ""); code != 400 || !strings.Contains(text, "no standard input") {
		t.Errorf("standard input: %d %s", code, text)
	}
	m.campaign("*.csv")
	for _, tt := range []struct{ query, list, want string }{
		{"campaign=spring&name=x.csv", "Cel,Name\n2125550123,Ann\n", `upload/x.csv: no column is called "Cell" (phone); the header has "Cel", "Name"; did you mean "Cel"?`},
		{"campaign=spring", "Name\nAnn\n", "upload/list: no column is for the phone"},
		{"campaign=spring&country=XX", "Phone\n1\n", `country "XX" is not known`},
		{"campaign=spring&delimiter=x", "Phone\n1\n", "delimiter 'x' is none"},
		{"campaign=spring&sheet=May", "Phone\n1\n", `sheet "May" is asked for`},
		{"campaign=spring", "%PDF-1.4", "PDF document"},
		{"campaign=spring", "Phone" + strings.Repeat(",x", 600) + "\n1\n", "the header has 601 columns, more than 512"},
		{"campaign=spring", bomb(t), "more than 200 times larger than its file"},
	} {
		code, job, text := m.send(tt.query, tt.list)
		if code != http.StatusAccepted {
			t.Fatalf("%d %s", code, text)
		}
		if job = m.wait(job.ID, store.ImportFailed); job.Error == nil || !strings.Contains(*job.Error, tt.want) || job.Result != nil && string(job.Result) != "null" {
			t.Errorf("%s: %+v %s", tt.query, job, *job.Error)
		}
		if strings.Contains(*job.Error, m.dir) {
			t.Errorf("%s: the error shows where lists are kept: %s", tt.query, *job.Error)
		}
	}
	_, got := m.did("campaign=spring&country=us", "Phone,Note\n2125550123,"+strings.Repeat("x", maxJobCell+1)+"\n2125550124,"+strings.Repeat("x", maxJobCell)+"\n")
	if diff := cmp.Diff(map[string]any{"long_cell": 1.0}, got["reasons"]); diff != "" || got["added"] != 1.0 {
		t.Errorf("a long cell: %v", got)
	}
}

// What was read of a list that breaks off counts, and its rejected rows can be fetched.
func TestAnImportThatBreaksOffTellsWhatItTookIn(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	code, job, text := m.send("campaign=spring&name=a.csv", packed(t, strings.Replace(brokenList, "Phone", "Cell", 1)))
	if code != http.StatusAccepted {
		t.Fatalf("%d %s", code, text)
	}
	job = m.wait(job.ID, store.ImportFailed)
	var got map[string]any
	if err := json.Unmarshal(job.Result, &got); err != nil {
		t.Fatalf("%v: %s", err, job.Result)
	}
	if job.Error == nil || !strings.Contains(*job.Error, brokenWhy) || got["error"] != *job.Error || got["rows"] != 103.0 || got["added"] != 2.0 || got["rejected"] != 1.0 {
		t.Errorf("got %+v, %v", job, got)
	}
	if job.Rows != 103 || job.Rejected != 1 || job.Rejects == nil {
		t.Errorf("got %+v", job)
	}
}

func TestListsThatAreSentAtTheSameTimeAddEachLeadOnce(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	const rows = 1500
	var list strings.Builder
	list.WriteString("Cell,Name\n")
	for i := range rows {
		fmt.Fprintf(&list, "212%03d%04d,Lead %d\n", 220+i/10_000, i%10_000, i)
	}
	var got [3]map[string]any // one more than are read at once
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() { _, got[i] = m.did("campaign=spring&name=leads.csv", list.String()) })
	}
	wait.Wait()
	added, unchanged := 0.0, 0.0
	for _, counts := range got {
		n, _ := counts["added"].(float64)
		u, _ := counts["unchanged"].(float64)
		added, unchanged = added+n, unchanged+u
	}
	if added != rows || unchanged != 2*rows {
		t.Errorf("%v added, %v unchanged: %v", added, unchanged, got)
	}
	m.must("fsck")
}

// slowRows is how many rows slowList has.
const slowRows = 1500

// slowList serves a list that is stuck after its first rows until the test lets it go on.
func slowList(t *testing.T) (url string, goOn func()) {
	t.Helper()
	stuck, note := make(chan struct{}), strings.Repeat("x", 100) // more than is looked at before the first row
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "Cell,Note\n")
		for i := range slowRows {
			_, _ = fmt.Fprintf(w, "212555%04d,%s\n", i, note)
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}))
	once := sync.OnceFunc(func() { close(stuck) })
	t.Cleanup(func() { once(); server.Close() })
	return server.URL + "/list.csv", once
}

func TestImportsBeyondThoseThatAreDoneAtOnceWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	url, goOn := slowList(t)
	m.campaign(url)
	var ids []string
	for range importsTaken {
		code, job, text := m.send("campaign=spring", "")
		if code != http.StatusAccepted {
			t.Fatalf("%d %s", code, text)
		}
		ids = append(ids, job.ID)
	}
	if code, _, text := m.send("campaign=spring", ""); code != http.StatusTooManyRequests || !strings.Contains(text, "16 imports wait") {
		t.Errorf("%d %s", code, text)
	}
	running := 0
	for end := time.Now().Add(10 * time.Second); running != importsAtOnce && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		running = 0
		for _, id := range ids {
			if m.ask(id).State == store.ImportRunning {
				running++
			}
		}
	}
	if running != importsAtOnce {
		t.Errorf("%d are read at once", running)
	}
	goOn()
	for _, id := range ids {
		if job := m.wait(id, store.ImportDone); job.Rows != slowRows {
			t.Errorf("got %+v", job)
		}
	}
}

func TestAnImportWhoseDaemonEndsIsInterruptedAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	url, goOn := slowList(t)
	m.campaign(url)
	_, job, _ := m.send("campaign=spring", "")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && m.ask(job.ID).Rows == 0; time.Sleep(10 * time.Millisecond) {
	}
	if got := m.ask(job.ID); got.State != store.ImportRunning || got.Rows == 0 || got.Share != nil {
		t.Errorf("in the middle: %+v", got)
	}
	if err := m.jobs.stop(); err != nil {
		t.Fatal(err)
	}
	if code, _, text := m.send("campaign=spring", ""); code != http.StatusServiceUnavailable || !strings.Contains(text, "stopping") {
		t.Errorf("while it ends: %d %s", code, text)
	}
	m.serve()
	if got := m.ask(job.ID); got.State != store.ImportInterrupted || got.Error == nil || !strings.Contains(*got.Error, "send the list again") || got.Ended == nil {
		t.Errorf("after the restart: %+v", got)
	}
	m.must("fsck")
	goOn()
	if _, got := m.did("campaign=spring", ""); got["rows"] != float64(slowRows) || got["updated"] != 0.0 {
		t.Errorf("repeated: %v", got)
	}
	m.must("fsck")
}

func TestWhatADeadDaemonsImportsLeftIsTakenAway(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	data := m.env["DIALERD_DATA_DIR"]
	old := time.Now().Add(-8 * 24 * time.Hour)
	write := func(path string, at time.Time) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("Cell\n2125550123\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put := func(id string, seen time.Duration, state store.ImportState) {
		t.Helper()
		if err := m.store.PutImport(context.Background(), store.ImportJob{ID: id, State: state}, tuesday10.Add(-seen)); err != nil {
			t.Fatal(err)
		}
	}
	put("LIVE", 0, store.ImportRunning)
	put("DEAD", time.Hour, store.ImportRunning)
	put("OVER", 0, store.ImportDone)
	gone := []string{
		write(filepath.Join(uploads(data), "DEAD"), time.Now()), write(filepath.Join(uploads(data), "OVER"), time.Now()),
		write(filepath.Join(uploads(data), "NOBODYS"), old), write(jobRejects(data, "A"), old),
	}
	kept := []string{
		write(filepath.Join(uploads(data), "LIVE"), old), write(filepath.Join(uploads(data), "COMING"), time.Now()),
		write(jobRejects(data, "B"), time.Now()), write(filepath.Join(data, "rejects", "spring-leads.csv"), old),
	}
	if err := m.a.sweepImports(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range gone {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	for _, path := range kept {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	// A person who is to be forgotten may stand in such a list.
	left := write(filepath.Join(uploads(data), "DEAD"), time.Now())
	m.must("audit", "archive")
	m.must("forget", "+12125550123", "--reason", "asked for it")
	if _, err := os.Stat(left); err == nil {
		t.Errorf("%s is still there after forget", left)
	}
}

func TestUploadName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "list", "leads.csv": "leads.csv", "../../etc/passwd": "passwd", `C:\Users\ann\Leads März.xlsx`: "Leads März.xlsx", "..": "list", "/": "list",
		"a\nb\x1b[31m.csv": "ab[31m.csv", "\xff": "list", strings.Repeat("x", 300) + ".csv": strings.Repeat("x", 116) + ".csv",
	} {
		if got := uploadName(name); got != want {
			t.Errorf("%q: got %q", name, got)
		}
	}
}

// A list whose daemon was killed lies on disk no longer than a minute after the next one has begun, though its import is not over at once.
func TestAListOfADaemonThatDiedDoesNotStay(t *testing.T) {
	t.Parallel()
	m := newJobsTest(t)
	if m.jobs.sweeps > time.Minute {
		t.Errorf("swept every %v", m.jobs.sweeps)
	}
	var late atomic.Bool
	m.a.now = func() time.Time {
		if late.Load() {
			return tuesday10.Add(16 * time.Second)
		}
		return tuesday10
	}
	if err := m.store.PutImport(t.Context(), store.ImportJob{ID: "DEAD", State: store.ImportRunning}, tuesday10); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(uploads(m.env["DIALERD_DATA_DIR"]), "DEAD")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	m.write("data/imports/DEAD", "Cell\n2125550123\n")
	ctx, cancel := context.WithCancel(t.Context())
	m.jobs.sweeps = 10 * time.Millisecond
	var sweeping sync.WaitGroup
	sweeping.Go(func() { m.jobs.sweep(ctx) })
	gone := func() bool {
		_, err := os.Stat(path)
		return errors.Is(err, os.ErrNotExist)
	}
	for range 3 {
		time.Sleep(20 * time.Millisecond)
		if gone() {
			t.Error("taken away while its daemon may be alive")
		}
	}
	late.Store(true)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !gone(); {
		time.Sleep(10 * time.Millisecond)
	}
	if !gone() {
		t.Error("it is still there")
	}
	cancel()
	sweeping.Wait()
}

// A daemon as it is: lists come in at its admin listener, and one that is cut off by its end is told of by the next daemon.
func TestFleetOfProcessesTakesListsAtItsAdminListeners(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: `make test` runs it beside the whole virtual days, without the race detector")
	}
	t.Parallel()
	f := newFleetTest(t, simulator.Calm())
	path, _ := f.config()
	url, _ := slowList(t)
	f.write("slow.yaml", fmt.Sprintf("campaign: slow\nagents: [{id: aB3dE9fG}]\nleads: [{source: %q, country: US}]\ncalling: {rules: none}\n", url))
	f.run("campaign", "apply", "campaign.yaml", "slow.yaml", "--config", path)
	m := &jobsTest{T: t}
	first := f.serve()
	m.url = "http://" + first.admin + "/api/v1/imports"
	if _, got := m.did("campaign=spring&name=leads.csv", "Phone,Name\n212-555-0123,Ann\n12,Bob\n"); got["added"] != 1.0 || got["rejected"] != 1.0 {
		t.Errorf("got %v", got)
	}
	code, job, text := m.send("campaign=slow", "")
	if code != http.StatusAccepted {
		t.Fatalf("%d %s", code, text)
	}
	f.until(20*time.Second, "some rows are read", func() bool { return m.ask(job.ID).Rows > 0 })
	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-first.ended; err != nil {
		t.Errorf("the daemon ended with %v", err)
	}
	m.url = "http://" + f.serve().admin + "/api/v1/imports"
	if got := m.ask(job.ID); got.State != store.ImportInterrupted || got.Rows == 0 {
		t.Errorf("after the restart: %+v", got)
	}
}
