package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/store"
)

// importDesk serves a desk that takes lists, and notes what it was asked for.
type importDesk struct {
	*desk
	*httptest.Server
	asked ImportRequest
	list  string
	err   error
	dir   string
}

func newImportDesk(t *testing.T) *importDesk {
	t.Helper()
	i := &importDesk{desk: newDesk(t), dir: t.TempDir()}
	i.Server = httptest.NewServer(Handler(Config{Source: i.source, Imports: &Imports{
		Limit: 1000,
		Start: func(_ context.Context, ask ImportRequest) (*store.ImportJob, error) {
			if i.err != nil {
				return nil, i.err
			}
			i.list = ""
			if ask.Upload != nil {
				text, err := io.ReadAll(ask.Upload)
				if err != nil {
					return nil, err
				}
				i.list, ask.Upload = string(text), nil
			}
			i.asked = ask
			return &store.ImportJob{ID: "A1", Campaign: ask.Campaign, Source: "upload/x", State: store.ImportWaiting, Created: i.now}, nil
		},
		Rejects: func(id string) (*os.File, error) { return os.Open(filepath.Join(i.dir, id)) },
	}}))
	t.Cleanup(i.Close)
	return i
}

// post sends a request and returns its answer.
func (i *importDesk) post(query, body string, change func(*http.Request)) (code int, location, text string) {
	i.Helper()
	r, err := http.NewRequestWithContext(i.Context(), http.MethodPost, i.URL+importsPath+query, strings.NewReader(body))
	i.must(err)
	if change != nil {
		change(r)
	}
	w, err := i.Client().Do(r)
	i.must(err)
	defer w.Body.Close()
	raw, err := io.ReadAll(w.Body)
	i.must(err)
	return w.StatusCode, w.Header.Get("Location"), string(raw)
}

// form is a list as the file of a form, and fields with their files' names that come after it.
func form(field, name, text string, more ...[2]string) (body, kind string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range append([][2]string{{field, name}}, more...) {
		part, _ := w.CreateFormFile(f[0], f[1])
		_, _ = io.WriteString(part, text)
	}
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

func TestAListIsSentAsItIsOrAsAFormOrNamed(t *testing.T) {
	t.Parallel()
	i := newImportDesk(t)
	asForm, kind := form("file", "march.csv", "Phone\n1\n")
	for name, tt := range map[string]struct {
		query, body, kind string
		want              ImportRequest
		list              string
	}{
		"as it is": {
			"?campaign=spring&name=a.csv&map=phone=Mobile&map=name=Who&country=us&sheet=S&encoding=latin1&delimiter=%3B", "Phone\n1\n", "text/csv",
			ImportRequest{
				Campaign: "spring", Name: "a.csv", Columns: []string{"phone=Mobile", "name=Who"}, Country: "us", Sheet: "S", Encoding: "latin1", Delim: ";",
			},
			"Phone\n1\n",
		},
		"as a form":        {"?campaign=spring", asForm, kind, ImportRequest{Campaign: "spring", Name: "march.csv"}, "Phone\n1\n"},
		"with a name":      {"?campaign=spring&name=b.csv", asForm, kind, ImportRequest{Campaign: "spring", Name: "b.csv"}, "Phone\n1\n"},
		"by its source":    {"?campaign=spring&source=leads/*.csv", "", "", ImportRequest{Campaign: "spring", Source: "leads/*.csv"}, ""},
		"all that it says": {"?campaign=spring", "", "", ImportRequest{Campaign: "spring"}, ""},
	} {
		i.asked, i.list = ImportRequest{}, ""
		code, location, text := i.post(tt.query, tt.body, func(r *http.Request) { r.Header.Set("Content-Type", tt.kind) })
		if code != http.StatusAccepted || location != "/api/v1/imports/A1" || !strings.Contains(text, `"state": "waiting"`) {
			t.Errorf("%s: %d %s %s", name, code, location, text)
		}
		if diff := cmp.Diff(tt.want, i.asked); diff != "" || i.list != tt.list {
			t.Errorf("%s: list %q\n%s", name, i.list, diff)
		}
	}
}

func TestARequestThatIsWrongIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	i := newImportDesk(t)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	asForm, kind := form("file", "a.csv", "Phone\n1\n")
	odd, oddKind := form("list", "a.csv", "Phone\n1\n")
	twice, twiceKind := form("file", "a.csv", "Phone\n1\n", [2]string{"file", "b.csv"})
	late, lateKind := form("file", "a.csv", "Phone\n1\n", [2]string{"country", ""})
	for name, tt := range map[string]struct {
		query, body string
		change      func(*http.Request)
		code        int
		want        string
	}{
		"no campaign":           {"", "Phone\n1\n", nil, 400, "campaign is missing"},
		"a slip":                {"?campaign=spring&sheat=x", "Phone\n1\n", nil, 400, `\"sheat\" is not known; want campaign, source`},
		"said twice":            {"?campaign=spring&campaign=autumn", "Phone\n1\n", nil, 400, "campaign is given twice"},
		"both":                  {"?campaign=spring&source=a", "Phone\n1\n", nil, 400, "which of them"},
		"empty":                 {"?campaign=spring&name=a.csv", "", nil, 400, "the list is empty"},
		"too large":             {"?campaign=spring", strings.Repeat("4155552671\n", 100), nil, 413, "larger than 1000 bytes"},
		"what curl -d makes":    {"?campaign=spring", "Phone,4155552671", header("Content-Type", "application/x-www-form-urlencoded"), 415, "-F file=@leads.csv"},
		"another field":         {"?campaign=spring", odd, header("Content-Type", oddKind), 400, `begins with the field \"list\"`},
		"a second list":         {"?campaign=spring", twice, header("Content-Type", twiceKind), 400, `holds a second list, \"b.csv\"`},
		"a field behind it":     {"?campaign=spring", late, header("Content-Type", lateKind), 400, `goes on with the field \"country\" after the list`},
		"a form without end":    {"?campaign=spring", asForm[:len(asForm)-20], header("Content-Type", kind), 400, "the form ends before its end"},
		"no form":               {"?campaign=spring", "x", header("Content-Type", "multipart/form-data; boundary=b"), 400, "the form holds no list"},
		"a page elsewhere":      {"?campaign=spring", "Phone\n1\n", header("Origin", "https://evil.example.com"), 403, "a page elsewhere"},
		"a page, says browser":  {"?campaign=spring", "Phone\n1\n", header("Sec-Fetch-Site", "cross-site"), 403, "a page elsewhere"},
		"somebody else's name":  {"?campaign=spring", "Phone\n1\n", func(r *http.Request) { r.Host = "evil.example.com" }, 421, "for this machine only"},
		"no other way to write": {"/A1", "Phone\n1\n", nil, 405, "only GET"},
	} {
		i.asked = ImportRequest{}
		code, _, text := i.post(tt.query, tt.body, tt.change)
		if code != tt.code || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %s", name, code, text)
		}
		if i.asked.Campaign != "" {
			t.Errorf("%s: it was begun all the same", name)
		}
	}
	i.err = Refuse(http.StatusTooManyRequests, "16 imports wait")
	if code, _, text := i.post("?campaign=spring", "Phone\n1\n", nil); code != http.StatusTooManyRequests || !strings.Contains(text, "16 imports wait") {
		t.Errorf("%d %s", code, text)
	}
}

func TestListsAreTakenFromThisMachineOnly(t *testing.T) {
	t.Parallel()
	i := newImportDesk(t)
	for _, tt := range []struct {
		method, path string
		code         int
	}{{http.MethodPost, importsPath + "?campaign=spring", 403}, {http.MethodGet, "/healthz", 200}} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(tt.method, tt.path, strings.NewReader("Phone\n1\n"))
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 8081}))
		i.Config.Handler.ServeHTTP(w, r)
		if w.Code != tt.code {
			t.Errorf("%s %s over the network: %d %s", tt.method, tt.path, w.Code, w.Body)
		}
	}
	if i.asked.Campaign != "" {
		t.Error("it was begun all the same")
	}
	w := httptest.NewRecorder()
	Handler(Config{Source: i.source}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, importsPath, nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a listener that takes no lists says %d", w.Code)
	}
}

func TestAnImportIsShownAsFarAsItIs(t *testing.T) {
	t.Parallel()
	i := newImportDesk(t)
	half, all := 0.5, 1.0
	job := store.ImportJob{ID: "A1", Campaign: "spring", Source: "upload/a.csv", Daemon: "node", State: store.ImportRunning, Created: i.now, Started: i.now, Rows: 700, Rejected: 3, Share: &half}
	show := func(after time.Duration) (got Import) {
		t.Helper()
		i.must(i.PutImport(t.Context(), job, start.Add(after)))
		i.now = start.Add(after)
		getJSON(t, i.Config.Handler, importsPath+"/A1", &got)
		return got
	}
	want := Import{
		ID: "A1", Campaign: "spring", Source: "upload/a.csv", Daemon: "node", State: store.ImportRunning, Created: start, Started: new(start), Rows: 700, Rejected: 3,
		RowsPerS: new(70.0), Share: new(0.5), LeftS: new(10.0), Warnings: []string{}, Result: json.RawMessage("null"),
	}
	if diff := cmp.Diff(want, show(10*time.Second)); diff != "" {
		t.Errorf("running:\n%s", diff)
	}
	job.State, job.Ended, job.Rows, job.Rejected, job.Share, job.Result = store.ImportDone, start.Add(20*time.Second), 1400, 4, &all, json.RawMessage(`{"rows":1400}`)
	got := show(time.Hour)
	if got.State != store.ImportDone || *got.RowsPerS != 70 || got.LeftS != nil || *got.Rejects != importsPath+"/A1/rejects" || !got.Ended.Equal(job.Ended) {
		t.Errorf("done: %+v", got)
	}
	i.must(os.WriteFile(filepath.Join(i.dir, "A1"), []byte("Phone,line\n12,2\n"), 0o600))
	if code, text := get(t, i.Config.Handler, importsPath+"/A1/rejects"); code != http.StatusOK || text != "Phone,line\n12,2\n" {
		t.Errorf("rejects: %d %s", code, text)
	}
	i.must(os.Remove(filepath.Join(i.dir, "A1")))
	if code, text := get(t, i.Config.Handler, importsPath+"/A1/rejects"); code != http.StatusNotFound || !strings.Contains(text, "it was done by node") {
		t.Errorf("rejects of another daemon: %d %s", code, text)
	}
	job.State, job.Ended, job.Result = store.ImportRunning, time.Time{}, nil
	show(2 * time.Hour)
	i.now = i.now.Add(time.Minute)
	getJSON(t, i.Config.Handler, importsPath+"/A1", &got)
	if got.State != store.ImportInterrupted || got.Error == nil || !strings.Contains(*got.Error, "send the list again") {
		t.Errorf("not heard of for a minute: %+v", got)
	}
	for _, path := range []string{"/A2", "/A2/rejects", "/..%2fx/rejects"} {
		if code, text := get(t, i.Config.Handler, importsPath+path); code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	if err := Refuse(418, "%w", fs.ErrExist); !errors.Is(err, fs.ErrExist) {
		t.Error("a refusal hides its cause")
	}
}
