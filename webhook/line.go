package webhook

import (
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"
)

// line is an event as files hold it: the body as text where it is text, so that it reads the same to people and machines.
type line struct {
	At         time.Time `json:"at"`
	Team       string    `json:"team"`
	Kind       string    `json:"kind"`
	Agent      string    `json:"agent,omitempty"`
	Digest     string    `json:"digest"`
	Unreadable bool      `json:"unreadable,omitempty"`
	Text       string    `json:"body,omitempty"`
	Binary     []byte    `json:"body_base64,omitempty"`
}

func lineOf(e Event) line {
	l := line{At: e.At, Team: e.Team, Kind: e.Kind, Agent: e.Agent, Digest: e.Digest, Unreadable: e.Unreadable}
	if utf8.Valid(e.Body) {
		l.Text = string(e.Body)
	} else {
		l.Binary = e.Body
	}
	return l
}

// errNoEvent says that a line is JSON but no event.
var errNoEvent = errors.New("not an event")

func decodeLine(text []byte) (Event, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Event{}, err
	}
	if l.Team == "" || l.Digest == "" {
		return Event{}, errNoEvent
	}
	e := Event{Team: l.Team, Kind: l.Kind, Agent: l.Agent, Digest: l.Digest, Unreadable: l.Unreadable, Body: []byte(l.Text), At: l.At}
	if l.Binary != nil {
		e.Body = l.Binary
	}
	return e, nil
}
