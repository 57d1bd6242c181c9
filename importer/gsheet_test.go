package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeSheet is a Google Sheet with one tab of leads, as far as it is asked for.
type fakeSheet struct {
	rows    [][]string
	columns int
	status  int // of every answer, when it is not 200
	gets    int
}

var areaForm = regexp.MustCompile(`^'Spring''s'!([A-Z]+)(\d+):([A-Z]+)(\d+)$`)

func (f *fakeSheet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	if f.status != 0 {
		w.WriteHeader(f.status)
		answer(map[string]any{"error": map[string]any{"code": f.status, "message": "The caller does not have permission"}})
		return
	}
	area := func(name string) (col, from, to int) {
		m := areaForm.FindStringSubmatch(name)
		if m == nil {
			panic("area " + name)
		}
		from, _ = strconv.Atoi(m[2])
		to, _ = strconv.Atoi(m[4])
		for _, c := range m[1] {
			col = col*26 + int(c-'A') + 1
		}
		return col, from, to
	}
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/spreadsheets/ID"):
		properties := func(title string, id int) map[string]any {
			return map[string]any{"properties": map[string]any{
				"title": title, "sheetId": id, "gridProperties": map[string]any{"rowCount": len(f.rows) + 900, "columnCount": f.columns},
			}}
		}
		answer(map[string]any{"sheets": []any{properties("Intro", 0), properties("Spring's", 7)}})
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/values/"):
		f.gets++
		_, from, to := area(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		var values [][]any
		for i := from; i <= min(to, len(f.rows)); i++ {
			row := []any{}
			for _, c := range f.rows[i-1] {
				row = append(row, c)
			}
			values = append(values, row)
		}
		answer(map[string]any{"values": values})
	case strings.HasSuffix(r.URL.Path, "/values:batchUpdate"):
		var q struct {
			ValueInputOption string `json:"valueInputOption"`
			Data             []struct {
				Range  string  `json:"range"`
				Values [][]any `json:"values"`
			} `json:"data"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.ValueInputOption != "RAW" {
			panic(fmt.Sprint(err, q.ValueInputOption))
		}
		for _, d := range q.Data {
			col, from, _ := area(d.Range)
			for i, row := range d.Values {
				at := from + i - 1
				for len(f.rows[at]) < col-1+len(row) {
					f.rows[at] = append(f.rows[at], "")
				}
				for j, v := range row {
					f.rows[at][col-1+j] = fmt.Sprint(v)
				}
			}
		}
		answer(map[string]any{})
	case strings.HasSuffix(r.URL.Path, ":batchUpdate"):
		var q struct {
			Requests []struct {
				AppendDimension struct {
					SheetID   *int   `json:"sheetId"`
					Dimension string `json:"dimension"`
					Length    int    `json:"length"`
				} `json:"appendDimension"`
			} `json:"requests"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || *q.Requests[0].AppendDimension.SheetID != 7 {
			panic(fmt.Sprint(err, q))
		}
		f.columns += q.Requests[0].AppendDimension.Length
		answer(map[string]any{})
	default:
		panic(r.Method + " " + r.URL.Path)
	}
}

// fakeGoogle serves a sheet and says how to reach it.
func fakeGoogle(t *testing.T, f *fakeSheet) Google {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return Google{Endpoint: server.URL + "/", Transport: server.Client().Transport}
}

func TestGoogleSheetIsReadInParts(t *testing.T) {
	t.Parallel()
	f := &fakeSheet{rows: [][]string{{"Spring list"}, {}, {"Phone", "Name", "Note"}}, columns: 26}
	for i := range sheetRows {
		f.rows = append(f.rows, []string{fmt.Sprintf("415555%04d", i), "Ann", "two\nlines, \"x\""})
	}
	f.rows = append(f.rows, []string{}, []string{"12"}, []string{"2125550123"})
	inputs, err := (&Sources{Google: fakeGoogle(t, f)}).Expand("gsheet://ID/Spring's", "")
	if err != nil {
		t.Fatal(err)
	}
	body, err := inputs[0].Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(describe(body, options()), "\n")
	want := []string{
		`column "Phone" phone`, `column "Name" name`, `column "Note"`,
		`4 lead +14155550000 new US-CA|America/Los_Angeles ["4155550000" "Ann" "two\nlines, \"x\""] name "Ann"`,
	}
	if diff := cmp.Diff(want, lines[:4]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want = []string{
		`5003 lead +14155554999 new US-CA|America/Los_Angeles ["4155554999" "Ann" "two\nlines, \"x\""] name "Ann"`,
		`5005 reject too_short "Phone" ["12" "" ""] (write it in full, with its area code)`,
		`5006 lead +12125550123 new US-NY|America/New_York ["2125550123" "" ""]`,
	}
	if diff := cmp.Diff(want, lines[5002:5005]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if f.gets != 2 {
		t.Errorf("read in %d parts", f.gets)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
}

func TestGoogleSheetIsWrittenInBlocks(t *testing.T) {
	t.Parallel()
	f := &fakeSheet{rows: [][]string{{"Phone"}, {"1"}, {"2"}, {"3"}, {"4"}}, columns: 1}
	google := fakeGoogle(t, f)
	sheet, err := google.OpenSheet(t.Context(), "gsheet://ID/Spring's")
	if err != nil {
		t.Fatal(err)
	}
	cells := []Cell{{1, []any{"dialerd_state", "dialerd_attempts"}}, {2, []any{"closed", 3}}, {4, []any{"=1+1", nil}}}
	if err := sheet.Write(t.Context(), 2, cells); err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"Phone", "dialerd_state", "dialerd_attempts"}, {"1", "closed", "3"}, {"2"}, {"3", "=1+1", "<nil>"}, {"4"}}
	if diff := cmp.Diff(want, f.rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if f.columns != 3 {
		t.Errorf("the tab has %d columns", f.columns)
	}
}

func TestGoogleSheetThatCannotBeReadSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		source  string
		account string
		want    string
	}{
		"permission denied":  {http.StatusForbidden, "gsheet://ID/Spring's", "robot@example.com", "share it with robot@example.com (Google says: The caller does not have permission)"},
		"nobody signed in":   {http.StatusForbidden, "gsheet://ID/Spring's", "", "share it with everyone with its link, or with a service account"},
		"wrong id":           {http.StatusNotFound, "gsheet://ID/Spring's", "", "there is no such sheet; check the id"},
		"bad key":            {http.StatusUnauthorized, "gsheet://ID/Spring's", "", "the credentials are not taken by Google"},
		"wrong tab":          {0, "gsheet://ID/Spring", "", `there is no sheet "Spring"; there are "Intro", "Spring's"; did you mean "Spring's"?`},
		"no credentials set": {-1, "gsheet://ID/x", "", "nobody is signed in to Google: set google.credentials_file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			google := Google{}
			if c.status >= 0 {
				google = fakeGoogle(t, &fakeSheet{status: c.status, columns: 3})
			}
			_, err := google.OpenSheet(context.Background(), c.source)
			if c.account != "" {
				s := &Sheet{account: c.account}
				if err = s.connect(t.Context(), &google); err == nil {
					_, err = s.service.Spreadsheets.Get("ID").Do()
					err = s.fault(err)
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestColumnLetters(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{1: "A", 26: "Z", 27: "AA", 52: "AZ", 53: "BA", 702: "ZZ", 703: "AAA"} {
		if got := columnLetters(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
