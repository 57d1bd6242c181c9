// Package audit keeps the record of decisions on disk: a chain of entries in segments, each entry bound to the one before by its hash,
// what names a person sealed with a key of that person's.
//
// A team has a folder. A segment is a file of lines, {"hash":H,"entry":E}, named by the number of its first entry. E is the entry as JSON
// with its fields in a fixed order and no white space, which is the canonical form; H is SHA-256 over the hash of the entry before (32
// bytes) and E as it stands in the file, in hex. The first entry follows the hash of the archive's id, or, where older segments were
// removed, the hash that Redis keeps as the anchor. Nothing but the end of the newest segment is ever written to.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Entry is one link of the chain. Its fields' order is part of the canonical form.
type Entry struct {
	Sequence int64           `json:"seq"`    // one more with each entry of the chain
	Number   int64           `json:"number"` // one more with each entry of the stream in Redis
	StreamID string          `json:"stream"` // its place there
	At       time.Time       `json:"at"`
	Kind     string          `json:"kind"`
	Team     string          `json:"team"`
	Campaign string          `json:"campaign,omitempty"`
	Agent    string          `json:"agent,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	By       string          `json:"by,omitempty"`     // who did it by hand
	Data     json.RawMessage `json:"data,omitempty"`   // names nobody
	Person   string          `json:"person,omitempty"` // stands for whom it is about, as long as the key is there
	Sealed   []byte          `json:"sealed,omitempty"` // Private, encrypted
}

// Private is what an entry says of a person. A lead's id follows from the phone, so it is among it, and so is an attempt's.
type Private struct {
	Phone     string          `json:"phone,omitempty"`
	Lead      string          `json:"lead,omitempty"`
	Attempt   string          `json:"attempt,omitempty"`
	CallID    string          `json:"call_id,omitempty"`
	Recording string          `json:"recording,omitempty"`
	Note      string          `json:"note,omitempty"`
	Detail    json.RawMessage `json:"detail,omitempty"`
}

// KindAdopted is the kind of the entry with which an archive goes on after another one, or after a Redis that had lost its head.
const KindAdopted = "adopted"

// hash is the state of a chain.
type hash [sha256.Size]byte

func (h hash) String() string { return hex.EncodeToString(h[:]) }

func parseHash(text string) (hash, error) {
	var h hash
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("hash %q is not %d hex digits", text, 2*len(h))
	}
	copy(h[:], b)
	return h, nil
}

// next is the hash of an entry that follows h.
func (h hash) next(body []byte) hash {
	sum := sha256.New()
	sum.Write(h[:])
	sum.Write(body)
	var out hash
	sum.Sum(out[:0])
	return out
}

const (
	lineHead = `{"hash":"`
	lineMid  = `","entry":`
	lineEnd  = "}\n"
	bodyHead = `{"seq":`
	bodyNext = `,"number":`
	hashFrom = len(lineHead)
	hashTo   = hashFrom + 2*sha256.Size
	bodyFrom = hashTo + len(lineMid)
)

// appendLine appends an entry's line to b and returns its hash.
func appendLine(b []byte, prev hash, body []byte) ([]byte, hash) {
	h := prev.next(body)
	b = append(b, lineHead...)
	b = hex.AppendEncode(b, h[:])
	b = append(b, lineMid...)
	b = append(b, body...)
	return append(b, lineEnd...), h
}

// link is a line as far as the chain is concerned.
type link struct {
	stated   hash
	body     []byte
	sequence int64
	number   int64
}

var errLine = errors.New("is not one of a record")

// parseLine takes a line apart without decoding its entry.
func parseLine(line []byte) (link, error) {
	var l link
	if len(line) < bodyFrom+len(lineEnd) || !bytes.HasPrefix(line, []byte(lineHead)) || !bytes.HasSuffix(line, []byte(lineEnd)) ||
		!bytes.Equal(line[hashTo:bodyFrom], []byte(lineMid)) {
		return l, errLine
	}
	if _, err := hex.Decode(l.stated[:], line[hashFrom:hashTo]); err != nil || bytes.ContainsAny(line[hashFrom:hashTo], "ABCDEF") {
		return l, errLine // there is one way to write a hash
	}
	l.body = line[bodyFrom : len(line)-len(lineEnd)]
	rest, ok := bytes.CutPrefix(l.body, []byte(bodyHead))
	if !ok {
		return l, errLine
	}
	if l.sequence, rest, ok = leadingInt(rest); !ok {
		return l, errLine
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(bodyNext)); !ok {
		return l, errLine
	}
	if l.number, _, ok = leadingInt(rest); !ok {
		return l, errLine
	}
	return l, nil
}

// leadingInt reads a number that ends with a comma.
func leadingInt(b []byte) (n int64, rest []byte, ok bool) {
	end := bytes.IndexByte(b, ',')
	if end < 1 || end > 19 {
		return 0, b, false
	}
	n, err := strconv.ParseInt(string(b[:end]), 10, 64)
	return n, b[end:], err == nil
}

func (l *link) entry() (*Entry, error) {
	var e Entry
	if err := json.Unmarshal(l.body, &e); err != nil {
		return nil, fmt.Errorf("entry %d: %w", l.sequence, err)
	}
	return &e, nil
}
