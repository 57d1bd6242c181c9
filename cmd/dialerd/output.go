package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// jsonFlag gives a command --json.
func (a *app) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.json, "json", false, "print the result as one JSON object")
}

// printJSON writes a result as one object on one stream, indented for people and readable for programs.
func (a *app) printJSON(v any) error { return printJSON(a.out, v) }

// show prints a result, as one object with --json, else by text.
func (a *app) show(v any, text func()) error {
	if a.json {
		return a.printJSON(v)
	}
	text()
	return nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// say writes a result for people to stdout. What could not be written is an error of the whole command.
func (a *app) say(format string, args ...any) {
	if _, err := io.WriteString(a.out, visible(fmt.Sprintf(format, args...))); err != nil {
		a.onClose("output", func() error { return err })
	}
}

// note writes beside the result, to stderr; nothing rests on it.
func (a *app) note(format string, args ...any) {
	_, _ = io.WriteString(a.err, visible(fmt.Sprintf(format, args...)))
}

// visible is a text without what a terminal obeys, as \u001b for the one that begins its commands: lists, file names and the API's texts
// come from others. Ends of lines and tabs stay; a mark that turns the direction of writing goes, for it shows one thing as another.
func visible(s string) string {
	obeyed := func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	if !strings.ContainsFunc(s, obeyed) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if obeyed(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// oneLine is a visible text whose lines stay in one.
func oneLine(s string) string { return strings.ReplaceAll(visible(s), "\n", `\n`) }

// printTable writes rows under headers, plain enough to pipe.
func printTable(w io.Writer, header []string, rows [][]string) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.Options{SeparateColumns: true, SeparateHeader: true}
	head := make(table.Row, len(header))
	for i, h := range header {
		head[i] = visible(h)
	}
	t.AppendHeader(head)
	for _, r := range rows {
		row := make(table.Row, len(r))
		for i, c := range r {
			row[i] = visible(c)
		}
		t.AppendRow(row)
	}
	t.Render()
}

// stamp is a time for JSON: RFC 3339 in UTC, or null when there is none.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	if time.Time(s).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(time.Time(s).UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano))
}

// String is the time for people: short, in UTC, a dash when there is none.
func (s stamp) String() string {
	if time.Time(s).IsZero() {
		return "-"
	}
	return time.Time(s).UTC().Format("2006-01-02 15:04:05Z")
}

// text is a string for JSON that is null when it is empty.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// seconds is a duration for JSON.
func seconds(d time.Duration) float64 { return d.Seconds() }
