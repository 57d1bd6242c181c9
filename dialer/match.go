package dialer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	// callSlack is how far the API's clock and ours may be apart when a call without metadata is told by its time.
	callSlack = 2 * time.Minute
	// callQueue is how long the API may keep a call in its own queue before it begins.
	callQueue = time.Hour
)

// owner finds the open attempt that a record is about, "" when it is none of them: by our own metadata, by the call's id, or, where
// the API echoes neither, by contact or phone and time.
//
// The id in the reply to a call need not be that of the call's record. So an attempt that was searched for by itself is also
// told by phone and time when its id is another one, but never by a record that belongs to another attempt.
func (l *lookup) owner(ctx context.Context, r *thoughtly.Response, sought string) (string, error) {
	if id := r.Metadata[MetaAttempt]; id != "" {
		if _, ok := l.open[id]; ok {
			return id, nil
		}
		return "", nil // another attempt's, or somebody else's
	}
	for id, a := range l.open {
		if r.ID != "" && a.CallID == r.ID {
			return id, nil
		}
	}
	if inbound(r) {
		return "", nil
	}
	id, err := l.likely(ctx, r)
	if err != nil || id == "" || (l.open[id].CallID != "" && id != sought) {
		return "", err
	}
	known, _, err := l.Store.FindAttempt(ctx, l.team.Name, store.Clue{CallID: r.ID})
	switch {
	case err == nil && known.ID != id:
		return "", nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return "", fmt.Errorf("find the attempt of call %s: %w", r.ID, err)
	}
	return id, nil
}

// likely finds the open attempt to the record's contact or phone that began when the call did. There is at most one: a phone has one
// open attempt at a time.
func (l *lookup) likely(ctx context.Context, r *thoughtly.Response) (string, error) {
	at := began(r)
	if at.IsZero() {
		return "", nil
	}
	fits := func(a campaign.Attempt) bool {
		return !at.Before(a.At.Add(-callSlack)) && at.Before(a.At.Add(callQueue))
	}
	for id, a := range l.open {
		if a.Phone.Is(r.Phone) && fits(a) {
			return id, nil
		}
	}
	if r.ContactID == "" || r.Phone != "" {
		return "", nil
	}
	if l.contacts == nil {
		contacts := make(map[string]string, len(l.open))
		for id, a := range l.open {
			contact, err := l.Store.Contact(ctx, l.team.Name, a.Phone)
			if err != nil {
				return "", fmt.Errorf("read the contact of attempt %s: %w", id, err)
			}
			if contact != "" {
				contacts[contact] = id
			}
		}
		l.contacts = contacts
	}
	if id := l.contacts[r.ContactID]; id != "" {
		if a, ok := l.open[id]; ok && fits(a) {
			return id, nil
		}
	}
	return "", nil
}

// near reports whether a page has a call from the time of the open attempts.
func (l *lookup) near(records []thoughtly.Response) bool {
	first := time.Time{}
	for _, a := range l.open {
		if first.IsZero() || a.At.Before(first) {
			first = a.At
		}
	}
	return slices.ContainsFunc(records, func(r thoughtly.Response) bool { return !began(&r).Before(first.Add(-callSlack)) })
}

// blind reports whether a search for a phone has found mostly others: the API does not search by phone, or not at all. Records that
// do not say whom they are about prove nothing.
func blind(records []thoughtly.Response, phone campaign.Phone) bool {
	others := 0
	for i := range records {
		if r := &records[i]; r.Phone != "" && !phone.Is(r.Phone) {
			others++
		}
	}
	return others > len(records)/2
}
