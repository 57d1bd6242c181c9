package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// fakeSheets is a Google Sheet with one tab, Leads, for the scripts. Its importer's own tests know more of the API.
type fakeSheets struct {
	mu   sync.Mutex
	rows [][]string
}

var sheetArea = regexp.MustCompile(`^'Leads'!([A-Z])(\d+):[A-Z](\d+)$`)

func (f *fakeSheets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/spreadsheets/NONE"):
		w.WriteHeader(http.StatusForbidden)
		answer(map[string]any{"error": map[string]any{"code": 403, "message": "no"}})
	case strings.HasSuffix(path, "/values:batchUpdate"):
		var q struct {
			Data []struct {
				Range  string
				Values [][]any
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&q)
		for _, d := range q.Data {
			m := sheetArea.FindStringSubmatch(d.Range)
			from, _ := strconv.Atoi(m[2])
			for i, values := range d.Values {
				at := from - 1 + i
				for j, v := range values {
					col := int(m[1][0]-'A') + j
					for len(f.rows[at]) <= col {
						f.rows[at] = append(f.rows[at], "")
					}
					f.rows[at][col] = fmt.Sprint(v)
				}
			}
		}
		answer(map[string]any{})
	case strings.HasSuffix(path, "/spreadsheets/ID"):
		answer(map[string]any{"sheets": []any{map[string]any{"properties": map[string]any{
			"title": "Leads", "sheetId": 1, "gridProperties": map[string]any{"rowCount": 100, "columnCount": 20},
		}}}})
	default:
		answer(map[string]any{"values": f.rows})
	}
}

// newFakeSheets serves the sheet of one script: `sheet` shows it.
func newFakeSheets(t testing.TB) (url string, sheet *fakeSheets) {
	t.Helper()
	f := &fakeSheets{rows: [][]string{{"Phone", "Name"}, {"212-555-0123", "Ann"}, {"12", "Eve"}, {"=cmd", "Dan"}, {"2125550124", "=1+1"}}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL + "/", f
}

// scriptSheet writes what the sheet holds to stdout, a line for each row.
func scriptSheet(ts *testscript.TestScript, neg bool, _ []string) {
	f, ok := ts.Value("sheet").(*fakeSheets)
	if !ok || neg {
		ts.Fatalf("usage: sheet")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, row := range f.rows {
		_, _ = fmt.Fprintln(ts.Stdout(), strings.Join(row, "|"))
	}
}
