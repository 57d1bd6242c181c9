package store

import (
	"slices"
	"testing"
	"time"
)

func TestAnEventIsKeptOnceUntilItIsDealtWith(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		body := []byte("{\"a\":\"\x00\xff\"}")
		for i, want := range []bool{true, false} {
			fresh, err := d.Inbox(ctx, testTeam, "digest1", body, d.now.Add(time.Duration(i)*time.Hour))
			d.must(err)
			if fresh != want {
				d.Errorf("time %d: fresh %t", i+1, fresh)
			}
		}
		if got, err := d.PendingInbox(ctx, testTeam, d.now, 9); err != nil || len(got) != 1 {
			d.Errorf("got %v, %v: the second time made it younger", got, err)
		}
		fresh, err := d.Inbox(ctx, "beta", "digest1", body, d.now)
		d.must(err)
		if !fresh {
			d.Error("teams share an inbox")
		}
		for range 2 { // a worker may die after taking it
			got, err := d.TakeInbox(ctx, testTeam, "digest1")
			d.must(err)
			if !slices.Equal(got, body) {
				d.Errorf("got %q", got)
			}
		}
		d.must(d.DropInbox(ctx, testTeam, "digest1"))
		d.must(d.DropInbox(ctx, testTeam, "digest1"))
		_, err = d.TakeInbox(ctx, testTeam, "digest1")
		d.wants(err, ErrNotFound)
		fresh, err = d.Inbox(ctx, testTeam, "digest1", body, d.now)
		d.must(err)
		if fresh {
			d.Error("an event was taken for new after it was dealt with")
		}
	})
}

func TestPendingEventsComeOldestFirst(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		for i, id := range []string{"c", "a", "b"} {
			_, err := d.Inbox(ctx, testTeam, id, []byte("x"), d.now.Add(time.Duration(i)*time.Minute))
			d.must(err)
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
		fresh, err := d.Inbox(ctx, testTeam, "c", []byte("x"), d.now.Add(6*24*time.Hour)) // the seven days do not begin anew
		d.must(err)
		if fresh {
			d.Error("c is known for seven days")
		}
		got, err := d.Sweep(ctx, testTeam, d.now.Add(inboxRemembered+90*time.Second))
		d.must(err)
		if got.Events != 1 {
			d.Errorf("got %+v, want c forgotten: a is pending, b too young", got)
		}
		for id, want := range map[string]bool{"a": false, "b": false, "c": true} {
			fresh, err := d.Inbox(ctx, testTeam, id, []byte("x"), d.now)
			d.must(err)
			if fresh != want {
				d.Errorf("%s: fresh %t", id, fresh)
			}
		}
	})
}
