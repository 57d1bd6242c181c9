package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/dialerd/dialerd/thoughtly"
)

// digest names a piece of news. Two deliveries of it have the same one, even if the record was touched or written differently in
// between; whatever says something new about a call (a status, an end, a recording, what was said, our metadata) has another.
// Which agent's address it came to does not matter once the call is named: stale addresses deliver too.
func digest(d door, r thoughtly.Response, body []byte) string {
	if r.ID == "" {
		h := begin(d.team, d.kind, d.agent, "body")
		_, _ = h.Write(canonical(body))
		return named(h)
	}
	r.CreatedAt, r.UpdatedAt = time.Time{}, time.Time{}
	h := begin(d.team, d.kind, "call", r.ID)
	if err := json.NewEncoder(h).Encode(r); err != nil { // no field of a record has a value that JSON cannot hold; should one come, the body decides
		_, _ = h.Write(canonical(body))
	}
	return named(h)
}

// begin is a hash over parts and their lengths, so that no two lists of parts read the same. What is written to it then is the last part.
func begin(parts ...string) hash.Hash {
	h, head := sha256.New(), make([]byte, 0, 256)
	for _, part := range parts {
		head = append(append(strconv.AppendInt(head, int64(len(part)), 10), ':'), part...)
	}
	_, _ = h.Write(head)
	return h
}

func named(h hash.Hash) string {
	var room [sha256.Size]byte
	return hex.EncodeToString(h.Sum(room[:0])[:16])
}

// canonical is a JSON body without what does not matter in it: spaces and the order of names. Another body is taken as it is.
func canonical(body []byte) []byte {
	body = bytes.TrimSpace(body)
	in := json.NewDecoder(bytes.NewReader(body))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		return body
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return body
	}
	text, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return text
}
