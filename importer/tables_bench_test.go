package importer

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"google.golang.org/api/option"
	"google.golang.org/api/sheets/v4"
)

// tableRows is how many rows the sheets of the benchmarks have: DIALERD_BENCH_SHEET_ROWS, or 20,000.
func tableRows() int {
	if n, err := strconv.Atoi(os.Getenv("DIALERD_BENCH_SHEET_ROWS")); err == nil {
		return n
	}
	return 20_000
}

// tableRow is a row of ten columns.
func tableRow(i int) []any {
	return []any{
		fmt.Sprintf("(415) %d-%04d", 200+i/10_000, i%10_000), "Ann", fmt.Sprintf("Smith%d", i), fmt.Sprintf("ann%d@example.com", i), "CA", "94110",
		"Acme, Inc", "hello there", "web", i % 1000,
	}
}

var tableHeader = []any{"Phone", "First Name", "Last Name", "Email", "State", "ZIP", "Company", "Notes", "Source", "Amount"}

// BenchmarkWorkbook reads a workbook to leads, and with the library alone, one after the other. x-library is our speed by the library's:
// what is left to lose is the library's, as long as it is near 1. Spreadsheets keep texts apart and name them by number; other programs
// leave them in their cells.
func BenchmarkWorkbook(b *testing.B) {
	for name, write := range map[string]func(b *testing.B, book *excelize.File, rows int){"in cells": streamBook, "by number": numberBook} {
		b.Run("texts="+name, func(b *testing.B) {
			rows := tableRows()
			path := filepath.Join(b.TempDir(), "list.xlsx")
			book := excelize.NewFile()
			write(b, book, rows)
			if err := errors.Join(book.SaveAs(path), book.Close()); err != nil {
				b.Fatal(err)
			}
			compareWithLibrary(b, rows, func() int { return workbookAlone(b, path) }, func() io.ReadCloser {
				f, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				return f
			})
		})
	}
}

// streamBook writes rows as the library's stream writer does: with the texts in their cells.
func streamBook(b *testing.B, book *excelize.File, rows int) {
	b.Helper()
	out, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	for i := range rows + 1 {
		if err := out.SetRow(fmt.Sprintf("A%d", i+1), tableRowOrHeader(i)); err != nil {
			b.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
}

// numberBook writes rows as a spreadsheet does.
func numberBook(b *testing.B, book *excelize.File, rows int) {
	b.Helper()
	for i := range rows + 1 {
		row := tableRowOrHeader(i)
		if err := book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			b.Fatal(err)
		}
	}
}

// tableRowOrHeader is the header, then row by row.
func tableRowOrHeader(i int) []any {
	if i == 0 {
		return tableHeader
	}
	return tableRow(i - 1)
}

// workbookAlone reads a workbook with the library and returns its rows.
func workbookAlone(b *testing.B, path string) (n int) {
	b.Helper()
	book, err := excelize.OpenFile(path)
	if err != nil {
		b.Fatal(err)
	}
	rows, err := book.Rows("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
		if _, err := rows.Columns(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := errors.Join(rows.Error(), rows.Close(), book.Close()); err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkSheet is BenchmarkWorkbook for a Google Sheet, on a server that answers at once.
func BenchmarkSheet(b *testing.B) {
	rows := tableRows()
	answers := map[string][]byte{}
	for from := 1; from <= rows+1; from += sheetRows {
		var text strings.Builder
		text.WriteString(`{"range":"Leads","majorDimension":"ROWS","values":[`)
		for i := from; i < min(from+sheetRows, rows+2); i++ {
			if i > from {
				text.WriteByte(',')
			}
			for j, cell := range tableRowOrHeader(i - 1) {
				text.WriteString(map[bool]string{true: "[", false: ","}[j == 0])
				fmt.Fprintf(&text, "%q", fmt.Sprint(cell))
			}
			text.WriteByte(']')
		}
		text.WriteString("]}")
		answers[strconv.Itoa(from)] = []byte(text.String())
	}
	about := fmt.Appendf(nil, `{"sheets":[{"properties":{"title":"Leads","gridProperties":{"rowCount":%d,"columnCount":10}}}]}`, rows+1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := about
		if _, area, ok := strings.Cut(r.URL.Path, "!A"); ok {
			from, _, _ := strings.Cut(area, ":")
			text = answers[from]
		}
		_, _ = w.Write(text)
	}))
	defer server.Close()
	google := Google{Endpoint: server.URL + "/", Transport: server.Client().Transport}
	compareWithLibrary(b, rows, func() int { return sheetAlone(b, server, rows) }, func() io.ReadCloser {
		sheet, err := google.OpenSheet(b.Context(), "gsheet://ID/Leads")
		if err != nil {
			b.Fatal(err)
		}
		return sheet.Open(b.Context())
	})
}

// sheetAlone reads a sheet with the library and returns its rows.
func sheetAlone(b *testing.B, server *httptest.Server, rows int) (n int) {
	b.Helper()
	service, err := sheets.NewService(b.Context(), option.WithEndpoint(server.URL+"/"), option.WithHTTPClient(server.Client()))
	if err != nil {
		b.Fatal(err)
	}
	for from := 1; from <= rows+1; from += sheetRows {
		part, err := service.Spreadsheets.Values.Get("ID", fmt.Sprintf("'Leads'!A%d:J%d", from, from+sheetRows-1)).Do()
		if err != nil {
			b.Fatal(err)
		}
		n += len(part.Values)
	}
	return n
}

// processor is how much time this process has had of all processors.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		b.Fatal(err)
	}
	return time.Duration(own.Utime.Nano() + own.Stime.Nano())
}

// compareWithLibrary reads the same list with the library alone and to leads, and reports both, each with what it takes of the processors:
// ours reads and judges side by side, which a busy machine has no room for.
func compareWithLibrary(b *testing.B, rows int, library func() int, open func() io.ReadCloser) {
	b.Helper()
	var alone, ours, aloneCPU, oursCPU time.Duration
	for b.Loop() {
		begin, used := time.Now(), processor(b)
		if n := library(); n != rows+1 {
			b.Fatalf("the library reads %d rows of %d", n, rows+1)
		}
		alone += time.Since(begin)
		aloneCPU += processor(b) - used
		begin, used = time.Now(), processor(b)
		body := open()
		r, err := NewReader(body, options())
		if err != nil {
			b.Fatal(err)
		}
		leads := 0
		for {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if row.Lead != nil {
				leads++
			}
		}
		if err := errors.Join(r.Close(), body.Close()); err != nil || leads != rows {
			b.Fatalf("%d leads of %d rows, %v", leads, rows, err)
		}
		ours += time.Since(begin)
		oursCPU += processor(b) - used
	}
	all := float64(rows * b.N)
	b.ReportMetric(all/ours.Seconds(), "rows/s")
	b.ReportMetric(all/alone.Seconds(), "library-rows/s")
	b.ReportMetric(alone.Seconds()/ours.Seconds(), "x-library")
	b.ReportMetric(float64(oursCPU.Microseconds())/all, "cpu-µs/row")
	b.ReportMetric(float64(aloneCPU.Microseconds())/all, "library-cpu-µs/row")
}
