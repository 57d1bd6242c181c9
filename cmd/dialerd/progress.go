package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bytesBehind is how many columns stand around and behind the bar: " 100% |…| (1023/1023 MB, 1023 MB/s) [59m59s:59m59s]".
const bytesBehind = 52

// progressEvery is the time between two lines of progress where there is no terminal.
const progressEvery = 5 * time.Second

// progress shows how far a list has been read: a bar on a terminal, a line now and then elsewhere, JSON lines with --json.
type progress struct {
	a     *app
	name  string
	size  int64
	bar   *progressbar.ProgressBar
	text  int // columns before the bar
	begin time.Time
	last  time.Time
}

// progressAt is how far a list has been read.
type progressAt struct {
	bytes    int64 // -1 = nobody knows
	rows     int
	rejected int // over all lists of the run
}

// progressJSON is one line of progress for machines.
type progressJSON struct {
	Progress string   `json:"progress"` // the list
	Rows     int      `json:"rows"`
	RowsPerS float64  `json:"rows_per_s"`
	Rejected int      `json:"rejected"`
	Share    *float64 `json:"share"`  // of the list, 0 to 1; null when nobody knows
	LeftS    *float64 `json:"left_s"` // seconds until it is read, at this pace
}

// newProgress begins to show the reading of a list of so many bytes; -1 = nobody knows.
func newProgress(a *app, name string, size int64) *progress {
	p := &progress{a: a, name: name, size: size, begin: a.now(), last: a.now()}
	if terminal(a.err) && !a.json {
		p.name = visible(name)
		var bar int
		bar, p.text = barColumns(columns(a.err), bytesBehind)
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(fit(p.name, p.text)),
			progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(bar), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return p
}

// at says that so many bytes and rows have been read.
func (p *progress) at(bytes int64, rows int) { p.show(progressAt{bytes: bytes, rows: rows}) }

// show says how far the list has been read.
func (p *progress) show(at progressAt) {
	if p.bar != nil {
		if at.rejected > 0 {
			said := fmt.Sprintf(", %d rejected", at.rejected)
			p.bar.Describe(fit(p.name, max(2, p.text-len(said))) + said)
		}
		_ = p.bar.Set64(max(0, at.bytes)) // a bar that cannot be drawn changes nothing
		return
	}
	if now := p.a.now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		p.line(p.state(at, now))
	}
}

// state works out pace, share and time left.
func (p *progress) state(at progressAt, now time.Time) progressJSON {
	s := progressJSON{Progress: p.name, Rows: at.rows, Rejected: at.rejected}
	passed := now.Sub(p.begin).Seconds()
	if passed > 0 {
		s.RowsPerS = float64(at.rows) / passed
	}
	if p.size > 0 && at.bytes >= 0 {
		share := min(1, float64(at.bytes)/float64(p.size))
		s.Share = &share
		if share > 0 {
			left := passed * (1 - share) / share
			s.LeftS = &left
		}
	}
	return s
}

func (p *progress) line(s progressJSON) {
	if p.a.json {
		if raw, err := json.Marshal(s); err == nil {
			p.a.note("%s\n", raw)
		}
		return
	}
	part := ""
	if s.Share != nil {
		part = fmt.Sprintf(", %.0f %% of the file", 100**s.Share)
	}
	if s.LeftS != nil {
		part += fmt.Sprintf(", %s left", time.Duration(*s.LeftS*float64(time.Second)).Round(time.Second))
	}
	p.a.note("%s: %s so far (%.0f rows/s), %d rejected%s\n", p.name, plural(s.Rows, "row"), s.RowsPerS, s.Rejected, part)
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
	}
}

// whole takes the bar away and says that the list was read.
func (p *progress) whole(at progressAt) {
	p.end()
	if p.a.json {
		if p.size > 0 {
			at.bytes = p.size
		}
		p.line(p.state(at, p.a.now()))
		return
	}
	p.a.note("%s: %s read\n", p.name, plural(at.rows, "row"))
}

// plainColumns is the width of a terminal that does not say its own.
const plainColumns = 80

// columns is the width of the terminal that a stream goes to.
func columns(w any) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return plainColumns
}

// barColumns shares a line between a bar and the text before it: what stands behind the bar takes so many columns.
func barColumns(width, behind int) (bar, text int) {
	bar = max(5, min(30, width/4))
	return bar, max(8, width-bar-behind)
}

// fit cuts a text to a number of columns.
func fit(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// terminal reports whether a stream is one that a person looks at.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
