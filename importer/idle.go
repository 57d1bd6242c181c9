package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// quietTime is how long a server may keep a download waiting: for the connection, for its answer, and for each part of it.
const quietTime = 30 * time.Second

// errQuiet ends a request whose server says nothing.
var errQuiet = errors.New("no byte came")

// impatient ends downloads whose server says nothing. It does not count the time in which nobody reads, and lets a server take its time
// over what is written into it.
type impatient struct {
	next  http.RoundTripper // nil is http.DefaultTransport
	quiet time.Duration
}

// RoundTrip sends a request.
func (i impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	next := i.next
	if next == nil {
		next = http.DefaultTransport
	}
	if req.Method != http.MethodGet {
		return next.RoundTrip(req)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &waiting{ctx: ctx, cancel: cancel, host: req.URL.Host, quiet: i.quiet}
	timer := w.begin()
	resp, err := next.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = w.told(err)
		cancel(nil)
		return nil, err
	}
	w.body = resp.Body
	resp.Body = w
	return resp, nil
}

// waiting is the body of an answer, each part of which is waited for only so long.
type waiting struct {
	ctx    context.Context //nolint:containedctx // of the request, which goes on as long as its body is read
	cancel context.CancelCauseFunc
	host   string
	quiet  time.Duration
	body   io.ReadCloser
}

func (w *waiting) begin() *time.Timer {
	return time.AfterFunc(w.quiet, func() { w.cancel(errQuiet) })
}

// told is an error of the request as a person can act on it.
func (w *waiting) told(err error) error {
	switch {
	case errors.Is(context.Cause(w.ctx), errQuiet):
		return fmt.Errorf("%w from %s for %s: see that the server answers and import again, or save the list as a file and import that", errQuiet, w.host, w.quiet)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s ended the download before its end: import again, or save the list as a file and import that", w.host)
	}
	return err
}

// Read reads on.
func (w *waiting) Read(p []byte) (int, error) {
	timer := w.begin()
	n, err := w.body.Read(p)
	timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = w.told(err)
	}
	return n, err
}

// Close ends the request.
func (w *waiting) Close() error {
	defer w.cancel(nil)
	return w.body.Close()
}
