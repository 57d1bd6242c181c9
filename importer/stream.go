package importer

import (
	"bytes"
	"io"
)

// streamAhead is how many pieces of a stream, of sampleSize bytes each at most, are written before they are read.
const streamAhead = 4

// stream is what one goroutine writes and another reads. Other than an io.Pipe it lets the writer go ahead.
type stream struct {
	pieces chan []byte
	stop   chan struct{}
	err    error // of the writer, once pieces is closed
	piece  []byte
	fault  error // that the reader came upon, but for io.EOF
}

// newStream begins to write.
func newStream(write func(to io.Writer) error) *stream {
	s := &stream{pieces: make(chan []byte, streamAhead), stop: make(chan struct{})}
	go func() {
		defer close(s.pieces)
		s.err = write(s)
	}()
	return s
}

// Write is for the writer alone.
func (s *stream) Write(p []byte) (int, error) {
	select {
	case s.pieces <- bytes.Clone(p):
		return len(p), nil
	case <-s.stop:
		return 0, io.ErrClosedPipe
	}
}

// Read ends with the writer's error.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.piece) == 0 {
		piece, ok := <-s.pieces
		if !ok {
			if s.fault = s.err; s.fault == nil {
				return 0, io.EOF
			}
			return 0, s.fault
		}
		s.piece = piece
	}
	n := copy(p, s.piece)
	s.piece = s.piece[n:]
	return n, nil
}

// Close is for the reader, once; when it returns, nobody writes any more.
func (s *stream) Close() error {
	close(s.stop)
	for range s.pieces { // until it is at rest
	}
	return nil
}
