package main

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/dialerd/dialerd/store/redistest"
)

// benchBook is what every workbook has beside its sheet and its texts.
var benchBook = map[string]string{
	"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
	"_rels/.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" ` +
		`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
	"xl/workbook.xml": `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ` +
		`xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Leads" sheetId="1" r:id="rId1"/></sheets></workbook>`,
	"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" ` +
		`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" ` +
		`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
	"xl/styles.xml": `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="1"><xf numFmtId="0"/></cellXfs></styleSheet>`,
}

// benchTexts are the columns whose texts are all distinct, as those of people are.
const benchTexts = 4

// writeBenchBook writes a workbook of so many rows and ten columns as a spreadsheet does: each text once, and its number in the cells.
func writeBenchBook(b *testing.B, path string, rows int) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	z := zip.NewWriter(f)
	part := func(name string, write func(w *bufio.Writer)) {
		to, err := z.Create(name)
		if err != nil {
			b.Fatal(err)
		}
		w := bufio.NewWriter(to)
		write(w)
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	for name, text := range benchBook {
		part(name, func(w *bufio.Writer) { _, _ = io.WriteString(w, text) })
	}
	head := []string{"Phone", "First Name", "Last Name", "Email", "State", "ZIP", "Company", "Plan", "Source", "Amount"}
	same := []string{"NY", "Acme, Inc", "gold plan", "web form"}
	part("xl/sharedStrings.xml", func(w *bufio.Writer) {
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">`)
		for _, text := range append(head, same...) {
			_, _ = fmt.Fprintf(w, "<si><t>%s</t></si>", text)
		}
		for i := range rows {
			p := benchPlaces[i%len(benchPlaces)]
			n := i / len(benchPlaces)
			_, _ = fmt.Fprintf(w, "<si><t>(%s) %d-%04d</t></si><si><t>Ann %d</t></si><si><t>Number%07d</t></si><si><t>ann%d@example.com</t></si>",
				p.area, 220+n/10_000, n%10_000, i, i, i)
		}
		_, _ = io.WriteString(w, "</sst>")
	})
	part("xl/worksheets/sheet1.xml", func(w *bufio.Writer) {
		_, _ = io.WriteString(w, `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
		text := func(column, row, number int) {
			_, _ = fmt.Fprintf(w, `<c r="%c%d" t="s"><v>%d</v></c>`, 'A'+column, row, number)
		}
		_, _ = io.WriteString(w, `<row r="1">`)
		for i := range head {
			text(i, 1, i)
		}
		_, _ = io.WriteString(w, `</row>`)
		for i := range rows {
			row := i + 2
			_, _ = fmt.Fprintf(w, `<row r="%d">`, row)
			for k := range benchTexts {
				text(k, row, len(head)+len(same)+benchTexts*i+k)
			}
			text(4, row, len(head))
			_, _ = fmt.Fprintf(w, `<c r="F%d"><v>%d</v></c>`, row, 10001+i/7%100)
			for k := 1; k < len(same); k++ {
				text(5+k, row, len(head)+k)
			}
			_, _ = fmt.Fprintf(w, `<c r="J%d"><v>%d.5</v></c></row>`, row, i%1000)
		}
		_, _ = io.WriteString(w, `</sheetData></worksheet>`)
	})
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkImportWorkbook imports a workbook with four distinct texts in each row, and reports how much memory it took at most.
func BenchmarkImportWorkbook(b *testing.B) {
	rows := benchRows()
	list := filepath.Join(b.TempDir(), "list.xlsx")
	writeBenchBook(b, list, rows)
	took, peak := 0.0, int64(0)
	for b.Loop() {
		m := &importBench{B: b, list: list, rows: rows, server: redistest.StartServer(b, redistest.Options{AppendOnly: true})}
		m.begin()
		took += m.imported().Seconds()
		peak = max(peak, m.peak)
		m.server.Stop(b)
	}
	b.ReportMetric(float64(rows*b.N)/took, "rows/s")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}
