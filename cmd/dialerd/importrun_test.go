package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
)

// Five hundred rows of a megabyte each are more than an import may hold.
func TestABatchOfLongRowsIsShort(t *testing.T) {
	t.Parallel()
	const rows = 12
	var text strings.Builder
	text.WriteString("Phone,Note\n")
	for i := range rows {
		text.WriteString("41555526" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "," + strings.Repeat("x", importBytes*2/3) + "\n")
	}
	reader, err := importer.NewReader(strings.NewReader(text.String()), importer.Options{
		Plan: campaign.NewPlan(&campaign.Campaign{Name: "spring", Team: "default"}), Now: tuesday10, Source: "list.csv", Country: "US",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	n := 0
	for b := range ahead(t.Context(), reader) {
		if len(b.rows) > 2 {
			t.Errorf("%d rows of %d bytes at once", len(b.rows), importBytes*2/3)
		}
		if n += len(b.rows); b.err != nil && !errors.Is(b.err, io.EOF) {
			t.Error(b.err)
		}
	}
	if n != rows {
		t.Errorf("%d rows", n)
	}
}
