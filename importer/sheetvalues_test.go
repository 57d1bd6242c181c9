package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inProcess answers requests with a handler, without a network.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// answers is a Google Sheet of forty rows whose parts are answered with one text.
func answers(values string) Google {
	return Google{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/values/") {
			values := `{"sheets":[{"properties":{"title":"Leads","gridProperties":{"rowCount":40,"columnCount":3}}}]}`
			_, _ = io.WriteString(w, values)
			return
		}
		_, _ = io.WriteString(w, values)
	})}}
}

// described reads a sheet as the command does.
func described(t *testing.T, google Google) string {
	t.Helper()
	sheet, err := google.OpenSheet(t.Context(), "gsheet://ID/Leads")
	if err != nil {
		t.Fatal(err)
	}
	body := sheet.Open(t.Context())
	got := describe(body, options())
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	return got
}

func TestAnswersOfGoogleAreReadHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	lead := `2 lead +14155552671 new US-CA|America/Los_Angeles ["4155552671" `
	for name, c := range map[string]struct{ answer, want string }{
		"in one line":              {`{"range":"Leads","majorDimension":"ROWS","values":[["Phone","Note"],["4155552671","x"]]}`, lead + `"x"]`},
		"over lines":               {"{\n \"values\" : [\n  [\n \"Phone\" ,\n \"Note\"\n ] ,\n [ \"4155552671\" , \"x\" ]\n ]\n}\n", lead + `"x"]`},
		"more behind the rows":     {`{"values":[["Phone","Note"],["4155552671","x"]],"range":"Leads","more":{"a":[1]}}`, lead + `"x"]`},
		"brackets and quotes":      {`{"values":[["Phone","Note"],["4155552671","] a \"b]\" \\"]]}`, lead + `"] a \"b]\" \\"]`},
		"escaped letters":          {`{"values":[["Phone","Note"],["4155552671","\u00e9\ud83d\ude00\r\nx"]]}`, lead + `"é😀\nx"]`},
		"letters of other tongues": {`{"values":[["Phone","Note"],["4155552671","東京"]]}`, lead + `"東京"]`},
		"numbers and the like":     {`{"values":[["Phone","Note"],[4155552671,true]]}`, `2 reject excel_damage "Phone" ["4.155552671e+09" "true"]`},
		"no value":                 {`{"values":[["Phone","Note"],["4155552671",null]]}`, lead + `""]`},
		"empty rows between":       {`{"values":[["Phone","Note"],[],[],["4155552671"]]}`, `4 lead +14155552671 new`},
		"no rows":                  {`{"range":"Leads"}`, "error list.csv: the file is empty"},
		"nothing at all":           {``, "error list.csv: ask Google Sheets: unexpected EOF"},
		"cut off between rows": {
			`{"values":[["Phone","Note"]` + strings.Repeat(`,["4155552671","x"]`, 20),
			lead + "\"x\"]\nerror list.csv: ask Google Sheets: unexpected EOF",
		},
		"cut off in a row":        {`{"values":[["Phone","Note"],["4155552671","x"`, "error list.csv: ask Google Sheets: unexpected EOF"},
		"not JSON":                {`{"values":[["Phone","Note"],["4155552671" "x"]]}`, "error list.csv: ask Google Sheets: " + errAnswer.Error()},
		"something else in a row": {`{"values":[["Phone","Note"],{"a":"b"}]}`, "error list.csv: ask Google Sheets: " + errAnswer.Error()},
		"rows that are none":      {`{"values":"none"}`, "error list.csv: ask Google Sheets: " + errAnswer.Error()},
		"a row without end":       {`{"values":[["Phone"],["` + strings.Repeat("x", 8*maxRecord+1), "error list.csv: ask Google Sheets: a row is longer than 1 MiB"},
	} {
		got := described(t, answers(c.answer))
		for want := range strings.SplitSeq(c.want, "\n") {
			if !strings.Contains(got, want) {
				t.Errorf("%s: want %s in:\n%.600s", name, want, got)
			}
		}
	}
}

func FuzzSheetRow(f *testing.F) {
	for _, row := range []string{`[]`, `["a"]`, `["a","b"]`, `[ "a" , "" ]`, `["a\"]"]`, `[1,"a",null,true]`, "[\"\xff\"]", `["a",["b"]]`, `[,"a"]`, `["a",]`} {
		f.Add([]byte(row))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		got, err := cutRow(row)
		if !json.Valid(row) {
			return
		}
		want, wantErr := decodeRow(row)
		if (err == nil) != (wantErr == nil) || !slices.Equal(got, want) {
			t.Fatalf("%q: %q, %v; as JSON %q, %v", row, got, err, want, wantErr)
		}
	})
}

// TestALongSheetWaitsForRoom: Google takes only so many requests a minute.
func TestALongSheetWaitsForRoom(t *testing.T) {
	t.Parallel()
	for _, full := range []time.Duration{0, 50 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			begin, asked := time.Now(), 0
			values := answers(`{"values":[["Phone"],["4155552671"]]}`).Transport
			google := Google{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/values/") {
					if asked++; time.Since(begin) < full {
						w.WriteHeader(http.StatusTooManyRequests)
						return
					}
				}
				resp, err := values.RoundTrip(r)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				_, _ = io.Copy(w, resp.Body)
			})}}
			got := described(t, google)
			if full == time.Hour {
				if !strings.Contains(got, "too many requests for Google's limit; try again in a minute") || time.Since(begin) > 3*time.Minute {
					t.Errorf("after %v: %s", time.Since(begin), got)
				}
				return
			}
			if !strings.Contains(got, "2 lead +14155552671") || time.Since(begin) > 2*full || full > 0 && asked < 3 {
				t.Errorf("full for %v: after %v and %d requests %s", full, time.Since(begin), asked, got)
			}
		})
	}
}

// TestASheetThatIsNotReadToItsEndLeavesNothingRunning: the bubble ends only when nobody reads any more.
func TestASheetThatIsNotReadToItsEndLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	rows := []string{`["Phone"]`}
	for i := range 4 * partRows * (partsAhead + 2) {
		rows = append(rows, fmt.Sprintf(`["415555%04d"]`, i))
	}
	for name, end := range map[string]func(r *Reader, body io.ReadCloser) error{
		"before a row": func(_ *Reader, body io.ReadCloser) error { return body.Close() },
		"after a row": func(r *Reader, body io.ReadCloser) error {
			_, err := r.Next()
			return errors.Join(err, r.Close(), body.Close(), body.Close())
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			google := answers(`{"values":[` + strings.Join(rows, ",") + `]}`)
			sheet, err := google.OpenSheet(t.Context(), "gsheet://ID/Leads")
			if err != nil {
				t.Fatal(err)
			}
			sheet.rows = int64(len(rows))
			body := sheet.Open(t.Context())
			r, err := NewReader(body, options())
			if err != nil {
				t.Fatal(err)
			}
			if err := end(r, body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	// Neither does one that waits for room.
	synctest.Test(t, func(t *testing.T) {
		var f fakeSheet
		f.status = http.StatusTooManyRequests
		google := Google{Transport: inProcess{&f}}
		s := &Sheet{id: "ID", tab: "Leads", rows: 4, columns: 3}
		if err := s.connect(t.Context(), &google); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		body := s.Open(ctx)
		begin := time.Now()
		_, err := NewReader(body, options())
		if err == nil || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestWhoGivesUpWaitingForRoomIsNotToldToTryAgain: it was not Google that ended the import.
func TestWhoGivesUpWaitingForRoomIsNotToldToTryAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		google := Google{Transport: inProcess{&fakeSheet{status: http.StatusTooManyRequests}}}
		s := &Sheet{id: "ID", tab: "Leads", rows: 4, columns: 3}
		if err := s.connect(t.Context(), &google); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(time.Second, cancel).Stop()
		body := s.Open(ctx)
		if _, err := NewReader(body, options()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestSheetsAskForTheirRowsAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	var asked []string
	library := inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		_, _ = io.WriteString(w, `{}`)
	})}
	s := &Sheet{id: "an id/with", tab: "Jo's ü/2?", rows: 9, columns: 3}
	google := Google{Transport: library, Endpoint: "https://sheets.example.com/api"}
	if err := s.connect(t.Context(), &google); err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.Spreadsheets.Values.Get(s.id, s.area(1, 9, 1, 3)).ValueRenderOption("FORMATTED_VALUE").Do(); err != nil {
		t.Fatal(err)
	}
	v, err := s.values(t.Context(), 1, 9)
	if err != nil {
		t.Fatal(err)
	}
	v.close()
	if len(asked) != 2 || asked[0] != asked[1] {
		t.Errorf("asked for %s", cmp.Diff(asked[0], asked[1]))
	}
}
