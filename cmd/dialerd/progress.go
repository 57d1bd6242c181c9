package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressEvery is the time between two lines of progress where there is no terminal.
const progressEvery = 5 * time.Second

// progress shows how far a list has been read: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	a    *app
	name string
	size int64
	bar  *progressbar.ProgressBar
	last time.Time
}

// newProgress begins to show the reading of a list of so many bytes; -1 = nobody knows.
func newProgress(a *app, name string, size int64) *progress {
	p := &progress{a: a, name: name, size: size, last: a.now()}
	if terminal(a.err) {
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(name),
			progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return p
}

// at says that so many bytes and rows have been read.
func (p *progress) at(bytes int64, rows int) {
	if p.bar != nil {
		_ = p.bar.Set64(bytes) // a bar that cannot be drawn changes nothing
		return
	}
	if now := p.a.now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		part := ""
		if p.size > 0 {
			part = fmt.Sprintf(", %d %% of the file", 100*bytes/p.size)
		}
		p.a.note("%s: %s so far%s\n", p.name, plural(rows, "row"), part)
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
	}
}

// terminal reports whether a stream is one that a person looks at.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
