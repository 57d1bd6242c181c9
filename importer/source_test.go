package importer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

// folder makes a folder with some lists.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "leads"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"leads/b.csv", "leads/a.csv", "leads/notes.txt", "one.csv", "x[1].csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("Phone\n4155552671\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExpand(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := &Sources{Stdin: strings.NewReader("Phone\n")}
	for source, want := range map[string][]string{
		"one.csv":                         {"DIR/one.csv"},
		"./one.csv":                       {"DIR/one.csv"},
		"leads/*.csv":                     {"DIR/leads/a.csv", "DIR/leads/b.csv"},
		"leads/?.csv":                     {"DIR/leads/a.csv", "DIR/leads/b.csv"},
		"x[1].csv":                        {"DIR/x[1].csv"},
		"*/../one.csv":                    {"DIR/one.csv"},
		filepath.Join(dir, "one.csv"):     {"DIR/one.csv"},
		"-":                               {"-"},
		"https://example.com/a.csv?key=s": {"https://example.com/a.csv"},
		"http://127.0.0.1:1/a.csv":        {"http://127.0.0.1:1/a.csv"},
		"gsheet://id/tab":                 {"gsheet://id/tab"},
	} {
		inputs, err := s.Expand(source, dir)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		var got []string
		for _, in := range inputs {
			got = append(got, strings.ReplaceAll(in.Name, dir, "DIR"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}

func TestExpandSaysWhyThereIsNothing(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	for source, want := range map[string]string{
		"on.csv":                 "on.csv: there is no such file; did you mean one.csv?",
		"nothing like it":        "nothing like it: there is no such file",
		"leads":                  "leads is a folder; name its lists, as in leads/*.csv",
		"leads/*.xlsx":           "leads/*.xlsx: no file is called like that in DIR/leads",
		"[":                      "[: the pattern cannot be read; want something like leads/*.csv",
		"-":                      "there is no standard input here; name a file",
		"gsheet:///tab":          "gsheet:///tab: the sheet has no id; write gsheet://ID/TAB, the ID from the sheet's address between /d/ and /edit",
		"http://example.com/a":   "http://example.com/a: the URL is not encrypted, and people's data pass through it; write https://",
		"ftp://example.com/a?s":  `ftp://example.com/a: the scheme "ftp" is not known; write https://`,
		"https://":               "the source is not a URL; write https://HOST/PATH",
		"https://u:pass@exa mpl": "the source is not a URL; write https://HOST/PATH",
	} {
		_, err := (&Sources{}).Expand(source, dir)
		if got := strings.ReplaceAll(fmt.Sprint(err), dir, "DIR"); got != want {
			t.Errorf("%s: got %s, want %s", source, got, want)
		}
	}
}

// open expands a source to one list and reads it whole.
func open(t *testing.T, source, dir string) (string, error) {
	t.Helper()
	inputs, err := (&Sources{Stdin: strings.NewReader("from stdin")}).Expand(source, dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := inputs[0].Open(t.Context())
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(r)
	return string(text), err
}

func TestInputsAreRead(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/list.csv":
			_, _ = io.WriteString(w, "from "+r.URL.RawQuery)
		case "/away":
			http.Redirect(w, r, "http://example.com/list.csv", http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/list.csv?moved", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			http.Error(w, "secret page", http.StatusForbidden)
		}
	}))
	t.Cleanup(server.Close)
	dir := folder(t)
	for source, want := range map[string]string{
		"one.csv":                      "Phone\n4155552671\n",
		"-":                            "from stdin",
		server.URL + "/list.csv?key=1": "from key=1",
		server.URL + "/moved":          "from moved",
	} {
		if got, err := open(t, source, dir); got != want || err != nil {
			t.Errorf("%s: got %q, %v", source, got, err)
		}
	}
	for path, want := range map[string]string{
		"/none?key=s3cret": "fetch: the server answers 403 Forbidden; check the link and who may read it",
		"/away?key=s3cret": "fetch: the URL is not encrypted, and people's data pass through it; write https://",
		"/round":           "fetch: more than 5 redirects",
	} {
		_, err := open(t, server.URL+path, dir)
		if err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}

func TestDownloadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "Phone\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(release); server.Close() })
	inputs, err := (&Sources{}).Expand(server.URL+"/slow?key=s3cret", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := inputs[0].Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(r); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

func TestDownloadHasALimit(t *testing.T) {
	t.Parallel()
	d := &download{body: io.NopCloser(strings.NewReader("0123456789")), left: 4}
	text, err := io.ReadAll(d)
	if string(text) != "0123" || err == nil || !strings.Contains(err.Error(), "split it") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestSourceFor(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &campaign.Campaign{Leads: []campaign.Source{
		{Source: "leads/*.csv", Dir: dir, Country: "US"},
		{Source: "one.csv", Dir: dir, Country: "CA"},
		{Source: "https://example.com/a.csv", Dir: dir, Country: "GB"},
	}}
	for path, want := range map[string]string{
		filepath.Join(dir, "leads/a.csv"):         "US",
		filepath.Join(dir, "leads/../one.csv"):    "CA",
		filepath.Join(dir, "leads/deeper/a.csv"):  "",
		filepath.Join(dir, "two.csv"):             "",
		"one.csv":                                 "CA",
		"https://example.com/a.csv":               "GB",
		filepath.Join(dir, "leads/notes.csv.txt"): "",
	} {
		got, ok := SourceFor(c, path)
		if got.Country != want || ok != (want != "") {
			t.Errorf("%s: got %+v, %v", path, got, ok)
		}
	}
}
