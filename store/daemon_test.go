package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDaemonsAreListedWhileTheyAreHeardOf(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		a := Daemon{ID: "a", Host: "h1", PID: 7, Version: "1", Roles: []string{"work"}, Teams: []string{testTeam}, Started: d.now, Clock: new(-0.25)}
		d.must(d.Heartbeat(ctx, Daemon{ID: "b"}, d.now.Add(time.Minute)))
		d.must(d.Heartbeat(ctx, a, d.now))
		a.Seen = d.now
		listed := func(after time.Duration) (ids []string) {
			live, err := d.Daemons(ctx, d.now.Add(after))
			d.must(err)
			for _, l := range live {
				ids = append(ids, l.ID)
			}
			if len(live) > 0 && live[0].ID == "a" {
				if diff := cmp.Diff(a, live[0]); diff != "" {
					d.Error(diff)
				}
			}
			return ids
		}
		for after, want := range map[time.Duration][]string{
			time.Minute: {"a", "b"}, time.Minute + time.Second: {"b"}, time.Hour: nil,
		} {
			if diff := cmp.Diff(want, listed(after)); diff != "" {
				d.Errorf("after %s: %s", after, diff)
			}
		}
		listed(25 * time.Hour)
		if n := d.Client().HLen(ctx, teamKey(globalTeam, "daemons")).Val(); n != 0 {
			d.Errorf("%d daemons are remembered after a day", n)
		}
		d.must(d.Heartbeat(ctx, a, d.now))
		d.must(d.Goodbye(ctx, "a"))
		if got := listed(0); got != nil {
			d.Errorf("got %v", got)
		}
	})
}

func TestClocksAreOffWhereNoDaemonThatWorksForTheTeamHasARightOne(t *testing.T) {
	t.Parallel()
	right, wrong := new(-1.9), new(2.1)
	for name, c := range map[string]struct {
		daemons    []Daemon
		off, known bool
	}{
		"nobody":                      {},
		"nobody with the role":        {daemons: []Daemon{{Roles: []string{"feed"}, Clock: wrong}}},
		"nobody for the team":         {daemons: []Daemon{{Roles: []string{RoleWork}, Teams: []string{"other"}, Clock: wrong}}},
		"the only one":                {daemons: []Daemon{{Roles: []string{RoleWork}, Clock: wrong}}, off: true, known: true},
		"one that says nothing of it": {daemons: []Daemon{{Roles: []string{RoleWork}}}, known: true},
		"one of two": {daemons: []Daemon{
			{Roles: []string{RoleWork}, Clock: wrong}, {Roles: []string{RoleWork}, Teams: []string{testTeam}, Clock: right},
		}, known: true},
		"both": {daemons: []Daemon{
			{Roles: []string{RoleWork}, Clock: wrong},
			{Roles: []string{RoleWork}, Teams: []string{testTeam}, Clock: new(-2.1)},
			{Roles: []string{"hooks"}, Clock: right},
		}, off: true, known: true},
	} {
		if off, known := ClocksOff(c.daemons, testTeam); off != c.off || known != c.known {
			t.Errorf("%s: off %v, known %v", name, off, known)
		}
	}
}

func TestALockHasOneOwner(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		for i, c := range []struct {
			owner string
			at    time.Duration
			want  bool
		}{
			{"a b", 0, true},
			{"c", 59 * time.Second, false},
			{"a b", 30 * time.Second, true}, // renewed until 1:30
			{"c", 89 * time.Second, false},
			{"c", 90 * time.Second, true},
			{"a b", 91 * time.Second, false},
		} {
			ok, holder, err := d.Lock(ctx, "subscriptions", c.owner, time.Minute, d.now.Add(c.at))
			d.must(err)
			if ok != c.want || ok != (holder == c.owner) {
				d.Errorf("step %d: %t, held by %q", i, ok, holder)
			}
		}
		d.must(d.Unlock(ctx, "subscriptions", "a b")) // not the owner any more
		if ok, holder, _ := d.Lock(ctx, "subscriptions", "x", time.Minute, d.now.Add(92*time.Second)); ok || holder != "c" {
			d.Errorf("somebody else gave the lock of %q back", holder)
		}
		d.must(d.Unlock(ctx, "subscriptions", "c"))
		if ok, _, _ := d.Lock(ctx, "subscriptions", "x", time.Minute, d.now); !ok {
			d.Error("a free lock was refused")
		}
		if ok, _, _ := d.Lock(ctx, "another", "y", time.Minute, d.now); !ok {
			d.Error("locks are not independent")
		}
		if _, _, err := d.Lock(ctx, "another", "y", 0, d.now); err == nil {
			d.Error("locked for no time")
		}
	})
}
