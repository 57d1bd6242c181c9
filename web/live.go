package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	liveEvery    = time.Second      // between two looks while somebody listens
	aliveEvery   = 15               // so many looks without news, and a line is sent to see whether the listener is there
	sendTime     = 10 * time.Second // a listener that does not take a line for this long is gone
	maxListeners = 32
)

// events sends each section of the page when it has changed, as server-sent events named like the sections.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.listeners <- struct{}{}:
		defer func() { <-s.listeners }()
	default:
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	s.endWithServer(r)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep the events
	out := http.NewResponseController(w)
	shown := map[string]string{}
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for quiet := 0; ; quiet++ {
		text, err := s.news(r, shown)
		if err != nil {
			s.Log.Error("page cannot be rendered", "err", err)
			return
		}
		if text == "" && quiet >= aliveEvery {
			text = ": still here\n\n"
		}
		if text != "" {
			quiet = 0
			if err := send(w, out, text); err != nil {
				return // the listener has gone away
			}
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		}
	}
}

// news are the sections that differ from what is shown.
func (s *server) news(r *http.Request, shown map[string]string) (string, error) {
	v, _ := s.view(r.Context())
	var b strings.Builder
	for _, name := range sections {
		html, err := v.render(name)
		if err != nil {
			return "", err
		}
		if old, ok := shown[name]; ok && old == html {
			continue
		}
		shown[name] = html
		fmt.Fprintf(&b, "event: %s\n", name)
		for line := range strings.SplitSeq(html, "\n") { // an empty section has a line, too: browsers drop an event without data
			fmt.Fprintf(&b, "data: %s\n", line)
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// send writes a text, and cuts off a listener that does not take it. A deadline in the past ends a write under way, whatever the
// clock that the daemon was given says.
func send(w http.ResponseWriter, out *http.ResponseController, text string) error {
	cut := time.AfterFunc(sendTime, func() { _ = out.SetWriteDeadline(time.Unix(1, 0)) })
	defer cut.Stop()
	if _, err := io.WriteString(w, text); err != nil { //nolint:gosec // rendered by html/template, which escapes
		return err
	}
	return out.Flush()
}

// endWithServer ends the events when the server around shuts down, which would otherwise wait for the listeners to leave.
func (s *server) endWithServer(r *http.Request) {
	if around, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		s.hook.Do(func() { around.RegisterOnShutdown(func() { close(s.closing) }) })
	}
}
