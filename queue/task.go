package queue

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Task is one of the structs below. Its fields are ids; two tasks with the same ids are the same task.
type Task interface {
	kind() kind
	// ids returns the ids as text, in an order that never changes.
	ids() []string
}

// Dial is a ticket: the team has someone to call. Slot tells tickets of a team apart. More are tickets of other teams, which Join puts
// into the same task.
type Dial struct {
	Team string `json:"team"`
	Slot int64  `json:"slot"`
	More []Dial `json:"more,omitempty"`
}

const (
	// maxTogether is how many tickets or events one task carries at most.
	maxTogether = 8
	// ticketSize and eventSize bound what one of them takes of maxPayload beside its names, in bytes.
	ticketSize = len(`{"team":"","slot":-9223372036854775808},`)
	eventSize  = len(`{"team":"","inbox":""},`)
)

// roomFor reports whether one task may carry so many tickets or events of so many bytes in all.
func roomFor(n, size int) bool { return n <= maxTogether && size+len(`"more":[]`) <= maxPayload }

// Join puts the ticket of another team into the same task, if there is room for it. The handler works on them side by side.
func (t *Dial) Join(other Dial) bool {
	all := append(t.Tickets(), other)
	size := 0
	for _, one := range all {
		size += ticketSize + len(one.Team)
	}
	if !roomFor(len(all), size) {
		return false
	}
	t.More = append(t.More, other)
	return true
}

// Tickets are all tickets that a task carries, each by itself.
func (t Dial) Tickets() []Dial { return append([]Dial{{Team: t.Team, Slot: t.Slot}}, t.More...) }

// Stage is a ticket: the team has leads whose contact is not yet created. Slot tells tickets of a team apart.
type Stage struct {
	Team string `json:"team"`
	Slot int64  `json:"slot"`
}

// Settle says that an event lies in the team's inbox. More are other events, of any team, which Join puts into the same task; the first
// alone names it.
type Settle struct {
	Team  string   `json:"team"`
	Inbox string   `json:"inbox"`
	More  []Settle `json:"more,omitempty"`
}

// Join puts another event into the same task, if there is room for it. The handler works on them one after the other.
func (t *Settle) Join(other Settle) bool {
	all := append(t.Events(), other)
	size := 0
	for _, one := range all {
		size += eventSize + len(one.Team) + len(one.Inbox)
	}
	if !roomFor(len(all), size) {
		return false
	}
	t.More = append(t.More, other)
	return true
}

// Events are all events that a task carries, each by itself.
func (t Settle) Events() []Settle { return append([]Settle{{Team: t.Team, Inbox: t.Inbox}}, t.More...) }

// Reconcile says that it is time to look up the team's calls without an outcome. Round is the same in every daemon.
type Reconcile struct {
	Team  string `json:"team"`
	Round int64  `json:"round"`
}

// Import says that a campaign's lists are to be read. Occurrence names the moment of its schedule.
type Import struct {
	Campaign   string `json:"campaign"`
	Occurrence string `json:"occurrence"`
}

// Follow says that what follows settled attempts of the team is to be done, such as text messages. Attempt is the first of them.
type Follow struct {
	Team    string `json:"team"`
	Attempt string `json:"attempt"`
}

// Sweep says that it is time to look for the team's leads and events whose wake-up was lost. Round is the same in every
// daemon.
type Sweep struct {
	Team  string `json:"team"`
	Round int64  `json:"round"`
}

// kind is what holds for all tasks of one type.
type kind struct {
	name  string
	queue string
	// timeout ends the handler's context. A handler that goes on all the same runs beside its own second copy, so the
	// value leaves ample room: for Dial and Stage the longest wait for a slot, an API request of a minute, and a margin.
	timeout time.Duration
	// ticket marks a task that is worthless once it is old: whoever made it makes the next one.
	ticket bool
}

func (Dial) kind() kind      { return kind{"dial", Call, 3 * time.Minute, true} }
func (Stage) kind() kind     { return kind{"stage", Bulk, 3 * time.Minute, true} }
func (Settle) kind() kind    { return kind{"settle", Work, 2 * time.Minute, false} }
func (Reconcile) kind() kind { return kind{"reconcile", Work, 10 * time.Minute, false} }
func (Import) kind() kind    { return kind{"import", Bulk, time.Hour, false} }
func (Follow) kind() kind    { return kind{"follow", Work, 3 * time.Minute, false} }
func (Sweep) kind() kind     { return kind{"sweep", Work, 10 * time.Minute, false} }

func (t Dial) ids() []string {
	ids := make([]string, 0, 2*maxTogether)
	for _, one := range t.Tickets() {
		ids = append(ids, one.Team, number(one.Slot))
	}
	return ids
}
func (t Stage) ids() []string     { return []string{t.Team, number(t.Slot)} }
func (t Settle) ids() []string    { return []string{t.Team, t.Inbox} }
func (t Reconcile) ids() []string { return []string{t.Team, number(t.Round)} }
func (t Import) ids() []string    { return []string{t.Campaign, t.Occurrence} }
func (t Follow) ids() []string    { return []string{t.Team, t.Attempt} }
func (t Sweep) ids() []string     { return []string{t.Team, number(t.Round)} }

func number(n int64) string { return strconv.FormatInt(n, 10) }

// escape keeps an id from running into the next one.
var escape = strings.NewReplacer("%", "%25", ":", "%3A")

// taskID returns the name under which asynq knows the task, such as "dial:default:1767225600".
func taskID(t Task) (string, error) {
	name := t.kind().name
	var b strings.Builder
	b.WriteString(name)
	for i, id := range t.ids() {
		if strings.TrimSpace(id) == "" {
			return "", fmt.Errorf("%s task: id %d of %d is empty", name, i+1, len(t.ids()))
		}
		b.WriteByte(':')
		b.WriteString(escape.Replace(id))
	}
	return b.String(), nil
}
