package simulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"syscall"
)

// Transport reaches the server without any connection. Unlike [Server.Dialer] it costs next to nothing; it ends with the request's
// context as a real one does, reports a reset as a reset, and calls the httptrace hooks for a written request.
func (s *Server) Transport() http.RoundTripper { return InMemory(s) }

// InMemory is a transport that hands every request to h.
func InMemory(h http.Handler) http.RoundTripper { return inMemory{h} }

type inMemory struct{ h http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	body, err := drain(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in := r.Clone(ctx)
	in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	done := make(chan *recorder, 1)
	go func() { done <- record(m.h, in) }()
	select {
	case rec := <-done:
		return rec.response(r)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(body)
	return b, errors.Join(err, body.Close())
}

// recorder is the ResponseWriter of a request in memory.
type recorder struct {
	header  http.Header
	sent    http.Header
	status  int
	body    bytes.Buffer
	aborted bool
}

func record(h http.Handler, r *http.Request) (rec *recorder) {
	rec = &recorder{header: http.Header{}}
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			rec.aborted = true
		default:
			panic(v)
		}
	}()
	h.ServeHTTP(rec, r)
	return rec
}

func (rec *recorder) Header() http.Header { return rec.header }

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status, rec.sent = status, maps.Clone(rec.header)
	}
}

func (rec *recorder) Write(b []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(b)
}

// Flush makes the recorder an http.Flusher.
func (rec *recorder) Flush() { rec.WriteHeader(http.StatusOK) }

func (rec *recorder) response(r *http.Request) (*http.Response, error) {
	if rec.aborted && rec.status == 0 {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	rec.WriteHeader(http.StatusOK)
	body := io.Reader(&rec.body)
	if rec.aborted {
		body = io.MultiReader(body, broken{})
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", rec.status, http.StatusText(rec.status)),
		StatusCode: rec.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.sent, Body: io.NopCloser(body), ContentLength: -1, Request: r,
	}, nil
}

// broken is the rest of a body whose connection was cut.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
