package importer

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A server that accepts and never answers, one that stops in the middle and one that ends too early end a download with what to do about it.
// One that is slow does not.
func TestDownloadsEndWhenNoByteComes(t *testing.T) {
	t.Parallel()
	const quiet = 300 * time.Millisecond
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write := func(text string) {
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
		}
		hang := func(d time.Duration) {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-release:
			case <-r.Context().Done():
			}
		}
		switch r.URL.Path {
		case "/stall":
			hang(time.Hour)
		case "/stops":
			write("Phone\n")
			hang(time.Hour)
		case "/short":
			w.Header().Set("Content-Length", "1000")
			write("Phone\n")
		case "/slow":
			for range 5 {
				hang(quiet / 3)
				write("Phone\n")
			}
		}
	}))
	t.Cleanup(func() { close(release); server.Close() })
	host := strings.TrimPrefix(server.URL, "http://")
	again := ": see that the server answers and import again, or save the list as a file and import that"
	for path, want := range map[string]string{
		"/stall?key=s3cret": server.URL + "/stall: fetch: no byte came from " + host + " for 300ms" + again,
		"/stops?key=s3cret": "no byte came from " + host + " for 300ms" + again,
		"/short":            host + " ended the download before its end: import again, or save the list as a file and import that",
		"/slow":             "",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			inputs, err := (&Sources{quiet: quiet}).Expand(server.URL+path, "")
			if err != nil {
				t.Fatal(err)
			}
			text, err := fetched(t.Context(), inputs[0])
			if want == "" && (err != nil || text != strings.Repeat("Phone\n", 5)) {
				t.Errorf("got %q, %v", text, err)
			} else if want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// fetched is the whole of a list.
func fetched(ctx context.Context, in Input) (string, error) {
	r, err := in.Open(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

// A Google that accepts and never answers is not waited for either.
func TestSheetsThatNeverAnswerEnd(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	google := Google{Endpoint: "http://" + listener.Addr().String() + "/", APIKey: "k", quiet: 200 * time.Millisecond}
	_, err = google.OpenSheet(t.Context(), "gsheet://ID/Leads")
	want := "gsheet://ID/Leads: ask Google Sheets: no byte came from " + listener.Addr().String() + " for 200ms"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
