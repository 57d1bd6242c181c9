package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// tagReader cuts XML behind each tag, without reading it as XML.
type tagReader struct {
	from  *bufio.Reader
	long  []byte // a chunk that came in pieces
	chunk []byte // what stands before the tag, and the tag; good until the next one
	tag   []byte // what stands between < and >
	name  string // without its prefix and slash; "" of comments and the like
	err   error
}

func newTags(from io.Reader) *tagReader {
	return &tagReader{from: bufio.NewReaderSize(from, sampleSize)}
}

// next goes on to the next tag. At the end, chunk is what stands behind the last one.
func (t *tagReader) next() bool {
	var err error
	t.chunk, err = t.from.ReadSlice('>')
	end := tagEnd{at: -1}
	open := end.open(t.chunk, t.chunk)
	for long := t.long[:0]; (open && err == nil || errors.Is(err, errFull)) && len(t.chunk) < maxRecord; {
		if len(long) == 0 {
			long = append(long, t.chunk...)
		}
		var more []byte
		more, err = t.from.ReadSlice('>')
		long = append(long, more...)
		t.chunk, t.long = long, long
		open = end.open(t.chunk, more)
	}
	switch {
	case errors.Is(err, errFull), open && err == nil:
		t.err = fmt.Errorf("a text is longer than %d MiB, so this is no list", maxRecord>>20)
		return false
	case errors.Is(err, io.EOF):
		return false
	case err != nil:
		t.err = err
		return false
	}
	if end.at < 0 {
		t.tag, t.name = nil, "" // a > in a text
		return true
	}
	t.tag, t.name = t.chunk[end.at+1:len(t.chunk)-1], ""
	if !special(t.tag) {
		name := bytes.TrimPrefix(t.fullName(), []byte{'/'})
		t.name = string(name[bytes.IndexByte(name, ':')+1:])
	}
	return true
}

// special reports whether a tag is a comment, CDATA or something else that is no element.
func special(tag []byte) bool { return len(tag) > 0 && (tag[0] == '!' || tag[0] == '?') }

// tagEnd finds out whether a > ends the tag that it stands in.
type tagEnd struct {
	at    int  // where in the chunk the tag begins; -1 = it did not yet
	quote byte // that is open; 0 = none
}

// open reports whether the tag goes on behind a piece, which is the last one of the chunk so far.
func (e *tagEnd) open(chunk, piece []byte) bool {
	if e.at < 0 {
		at := bytes.IndexByte(piece, '<')
		if at < 0 {
			return false
		}
		e.at = len(chunk) - len(piece) + at
		piece = piece[at+1:]
	}
	tag := chunk[e.at+1:]
	if special(tag) {
		return !specialEnds(tag)
	}
	if e.quote == 0 && bytes.IndexByte(piece, '\'') < 0 && bytes.Count(piece, []byte{'"'})%2 == 0 { // nearly always
		return false
	}
	for len(piece) > 0 {
		if e.quote == 0 {
			at := bytes.IndexAny(piece, `"'`)
			if at < 0 {
				return false
			}
			e.quote, piece = piece[at], piece[at+1:]
			continue
		}
		at := bytes.IndexByte(piece, e.quote)
		if at < 0 {
			break
		}
		e.quote, piece = 0, piece[at+1:]
	}
	if damaged := bytes.LastIndexByte(piece, '<'); e.quote != 0 && damaged >= 0 { // no attribute has one: its quote is not closed
		e.at = len(chunk) - len(piece) + damaged
		return false
	}
	return e.quote != 0
}

// specialEnds reports whether a special tag has its end, with the > that is its last character.
func specialEnds(tag []byte) bool {
	for begin, end := range map[string]string{"!--": "-->", "![CDATA[": "]]>", "?": "?>"} {
		if bytes.HasPrefix(tag, []byte(begin)) {
			return len(tag) >= len(begin)+len(end) && bytes.HasSuffix(tag, []byte(end))
		}
	}
	return true
}

// before is what stands before the tag; all of it where there is none, as with a > in a text.
func (t *tagReader) before() []byte {
	if t.tag == nil {
		return t.chunk
	}
	return t.chunk[:len(t.chunk)-len(t.tag)-len("<>")]
}

// fullName is the tag's name as it stands, slash at its beginning and prefix included.
func (t *tagReader) fullName() []byte {
	for i, c := range t.tag {
		if i > 0 && (c == '/' || isSpace(c)) {
			return t.tag[:i]
		}
	}
	return t.tag
}

// opens reports whether an element begins with the tag.
func (t *tagReader) opens() bool { return len(t.tag) > 0 && t.tag[0] != '/' }

// empty reports whether the element ends with the tag that it begins with.
func (t *tagReader) empty() bool { return len(t.tag) > 0 && t.tag[len(t.tag)-1] == '/' }
