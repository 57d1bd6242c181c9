package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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
		return hash(d.team, d.kind, d.agent, "body", string(canonical(body)))
	}
	r.CreatedAt, r.UpdatedAt = time.Time{}, time.Time{}
	said, err := json.Marshal(r)
	if err != nil { // no field of a record has a value that JSON cannot hold; should one come, the body decides
		said = canonical(body)
	}
	return hash(d.team, d.kind, "call", r.ID, string(said))
}

// hash is over the parts and their lengths, so that no two lists of parts read the same.
func hash(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = io.WriteString(h, strconv.Itoa(len(part))+":"+part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
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
