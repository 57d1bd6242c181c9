package importer

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

var update = flag.Bool("update", false, "write what is read into the .want files of testdata")

// now is the time of all tests: a Sunday in November.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// plan is a campaign with the legal rules and every hour of its own.
func plan(change ...func(*campaign.Campaign)) *campaign.Plan {
	c := &campaign.Campaign{
		Name: "spring", Team: "default", Calling: campaign.Calling{Rules: campaign.RulesLegal},
		Schedule: campaign.Schedule{Timezone: "America/New_York"},
	}
	for d := range c.Calling.Hours {
		c.Calling.Hours[d] = campaign.Week{{{From: 0, To: 24 * 60}}}[0]
	}
	for _, f := range change {
		f(c)
	}
	return campaign.NewPlan(c)
}

func options() Options {
	return Options{Plan: plan(), Now: now, Source: "list.csv", Country: "US"}
}

// readAll reads a list to its end.
func readAll(t *testing.T, text string, opts Options) (*Reader, []Row) {
	t.Helper()
	r, err := NewReader(strings.NewReader(text), opts)
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r, rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// describe writes down everything that is read from a list, for people to check.
func describe(file io.Reader, opts Options) string {
	var b strings.Builder
	r, err := NewReader(file, opts)
	if err != nil {
		return "error " + err.Error() + "\n"
	}
	list := r.List()
	for i, c := range list.Columns {
		fmt.Fprintf(&b, "column %q", c)
		for _, role := range campaign.Roles() {
			if at, ok := list.Roles[role]; ok && at == i {
				b.WriteString(" " + role)
			}
		}
		b.WriteString("\n")
	}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Fprintf(&b, "error %v\n", err)
			break
		}
		fmt.Fprintf(&b, "%d ", row.Line)
		switch {
		case row.Reject != nil:
			cells := row.Cells
			if len(cells) > 10 {
				cells = append(slices.Clone(cells[:10]), "…")
			}
			fmt.Fprintf(&b, "reject %s %q %q (%s)\n", row.Reject.Reason, row.Reject.Column, cells, row.Reject.Fix)
		case row.Duplicate != nil:
			fmt.Fprintf(&b, "duplicate of %d: %s\n", row.Duplicate.First, row.Duplicate.Key)
		default:
			l := row.Lead
			fmt.Fprintf(&b, "lead %s %s", l.Phone, l.State)
			if l.Reason != "" {
				fmt.Fprintf(&b, " %s", l.Reason)
			}
			if l.Key != string(l.Phone) {
				fmt.Fprintf(&b, " key %s", l.Key)
			}
			if l.Lane == "" {
				b.WriteString(" no lane")
			}
			fmt.Fprintf(&b, " %s %q", row.Place.Key(), row.Cells)
			if l.Name != "" {
				fmt.Fprintf(&b, " name %q", l.Name)
			}
			if len(l.Phones) > 0 {
				fmt.Fprintf(&b, " phones %s", l.Phones)
			}
			if l.Note != "" {
				fmt.Fprintf(&b, " (%s)", l.Note)
			}
			b.WriteString("\n")
		}
	}
	for _, w := range r.Warnings() {
		fmt.Fprintf(&b, "warning %s\n", w)
	}
	return b.String()
}

// TestCorpus reads every list of testdata and compares what comes of it with the file beside it.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/lists/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no lists in testdata: %v", err)
	}
	for _, path := range files {
		if filepath.Ext(path) == ".want" {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			opts := options()
			opts.Source = filepath.Base(path)
			got := describe(f, opts)
			want := path + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(text), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
