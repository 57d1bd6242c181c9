package store

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// keep puts one event into a team's inbox and says whether it is fresh.
func (d *desk) keep(team, id string, body []byte, now time.Time) bool {
	d.Helper()
	fresh, err := d.Inbox(d.Context(), team, now, InboxEvent{id, body})
	d.must(err)
	return fresh[0]
}

func TestAnEventIsKeptOnceUntilItIsDealtWith(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		body := []byte("{\"a\":\"\x00\xff\"}")
		for i, want := range []bool{true, false} {
			if fresh := d.keep(testTeam, "digest1", body, d.now.Add(time.Duration(i)*time.Hour)); fresh != want {
				d.Errorf("time %d: fresh %t", i+1, fresh)
			}
		}
		if got, err := d.PendingInbox(ctx, testTeam, d.now, 9); err != nil || len(got) != 1 {
			d.Errorf("got %v, %v: the second time made it younger", got, err)
		}
		if !d.keep("beta", "digest1", body, d.now) {
			d.Error("teams share an inbox")
		}
		for range 2 { // a worker may die after taking it
			got, _, err := d.TakeInbox(ctx, testTeam, "digest1")
			d.must(err)
			if !slices.Equal(got, body) {
				d.Errorf("got %q", got)
			}
		}
		d.must(d.DropInbox(ctx, testTeam, "digest1"))
		d.must(d.DropInbox(ctx, testTeam, "digest1"))
		_, _, err := d.TakeInbox(ctx, testTeam, "digest1")
		d.wants(err, ErrNotFound)
		if d.keep(testTeam, "digest1", body, d.now) {
			d.Error("an event was taken for new after it was dealt with")
		}
	})
}

func TestEventsThatComeTogetherAreKeptAsIfEachCameAlone(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.keep(testTeam, "old", []byte("first"), d.now)
		together := []InboxEvent{{"a", []byte("1")}, {"old", []byte("second")}, {"b", []byte("\x00\xff\n")}, {"a", []byte("3")}}
		for i := range 300 { // more than come together
			together = append(together, InboxEvent{fmt.Sprintf("c%03d", i), []byte("x")})
		}
		fresh, err := d.Inbox(ctx, testTeam, d.now.Add(time.Hour), together...)
		d.must(err)
		for i, e := range together {
			if want := e.ID != "old" && i != 3; fresh[i] != want {
				d.Errorf("event %d, %s: fresh %t", i, e.ID, fresh[i])
			}
		}
		for id, want := range map[string]string{"old": "first", "a": "1", "b": "\x00\xff\n", "c299": "x"} {
			if got, _, err := d.TakeInbox(ctx, testTeam, id); err != nil || string(got) != want {
				d.Errorf("%s: got %q, %v", id, got, err)
			}
		}
		if got, err := d.PendingInbox(ctx, testTeam, d.now, 999); err != nil || len(got) != 1 {
			d.Errorf("of the first hour %v, %v", got, err)
		}
		if got, err := d.PendingInbox(ctx, testTeam, d.now.Add(time.Hour), 999); err != nil || len(got) != 303 {
			d.Errorf("%d events are pending, %v", len(got), err)
		}
	})
}

func TestPendingEventsComeOldestFirst(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		for i, id := range []string{"c", "a", "b"} {
			d.keep(testTeam, id, []byte("x"), d.now.Add(time.Duration(i)*time.Minute))
		}
		for _, c := range []struct {
			after time.Duration
			limit int
			want  []string
		}{
			{-1, 9, nil}, {0, 9, []string{"c"}}, {time.Hour, 9, []string{"c", "a", "b"}}, {time.Hour, 2, []string{"c", "a"}},
		} {
			got, err := d.PendingInbox(ctx, testTeam, d.now.Add(c.after), c.limit)
			d.must(err)
			if !slices.Equal(got, c.want) {
				d.Errorf("%+v: got %v", c, got)
			}
		}
		// After seven days an event is forgotten, unless it has not been dealt with.
		d.must(d.DropInbox(ctx, testTeam, "c"))
		d.must(d.DropInbox(ctx, testTeam, "b"))
		if d.keep(testTeam, "c", []byte("x"), d.now.Add(6*24*time.Hour)) { // the seven days do not begin anew
			d.Error("c is known for seven days")
		}
		got, err := d.Sweep(ctx, testTeam, d.now.Add(inboxRemembered+90*time.Second))
		d.must(err)
		if got.Events != 1 {
			d.Errorf("got %+v, want c forgotten: a is pending, b too young", got)
		}
		for id, want := range map[string]bool{"a": false, "b": false, "c": true} {
			if fresh := d.keep(testTeam, id, []byte("x"), d.now); fresh != want {
				d.Errorf("%s: fresh %t", id, fresh)
			}
		}
	})
}
