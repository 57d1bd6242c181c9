package importer

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkRead reads a list of 20,000 rows and ten columns from memory to leads.
func BenchmarkRead(b *testing.B) {
	const rows = 20_000
	var text strings.Builder
	text.WriteString("Phone,First Name,Last Name,Email,State,ZIP,Company,Notes,Source,Amount\n")
	for i := range rows {
		fmt.Fprintf(&text, "(415) %d-%04d,Ann,Smith,ann%d@example.com,CA,94110,\"Acme, Inc\",hello there,web,%d\n", 200+i/10_000, i%10_000, i, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(strings.NewReader(text.String()), options())
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
