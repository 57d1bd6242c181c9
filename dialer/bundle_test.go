package dialer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

// Tickets of many teams share tasks that the queue takes, each of them once, and no task has two of one team.
func TestTicketsOfManyTeamsShareTasks(t *testing.T) {
	t.Parallel()
	for _, long := range []int{4, 63} {
		var b bundle
		var tasks, want []queue.Dial
		for i := range 50 {
			team := strings.Repeat("x", long-4) + fmt.Sprintf("%04d", i)
			slots := []int64{1 << 62, 1<<62 + 1, 1<<62 + 2}[:1+i%3]
			for _, slot := range slots {
				want = append(want, queue.Dial{Team: team, Slot: slot})
			}
			tasks = append(tasks, b.add(team, slots)...)
		}
		tasks = append(tasks, b.open...)
		client := queue.NewClient(redistest.Mini(t), time.Now)
		got := map[string]bool{}
		for _, task := range tasks {
			if err := client.Enqueue(t.Context(), task); err != nil {
				t.Error(err)
			}
			teams := map[string]bool{}
			for _, one := range task.Tickets() {
				if teams[one.Team] {
					t.Errorf("a task has two tickets of team %s", one.Team)
				}
				teams[one.Team] = true
				got[fmt.Sprint(one)] = true
			}
		}
		for _, one := range want {
			if !got[fmt.Sprint(one)] {
				t.Errorf("lost: %v", one)
			}
		}
		if len(got) != len(want) || len(tasks) > len(want)/3 {
			t.Errorf("teams of %d letters: %d tickets of %d, in %d tasks", long, len(got), len(want), len(tasks))
		}
	}
}

// A ticket of a team that is not in this daemon's settings goes on by itself: it neither is lost nor holds up the others of its task.
func TestAForeignTicketGoesOnByItself(t *testing.T) {
	t.Parallel()
	client := redistest.Mini(t)
	log := slog.New(slog.DiscardHandler)
	d := &Dialer{
		Store: store.New(client, store.Options{}), Queue: queue.NewClient(client, time.Now), Now: time.Now, Log: log,
		Teams: map[string]*Team{"ours": {Name: "ours", Requests: 100, Per: time.Minute}, "too": {Name: "too", Requests: 100, Per: time.Minute}},
	}
	task := queue.Dial{Team: "ours", Slot: 1}
	for _, team := range []string{"theirs", "too"} {
		if !task.Join(queue.Dial{Team: team, Slot: 7}) {
			t.Fatal("no room for three")
		}
	}
	if err := d.Dial(t.Context(), task); err != nil {
		t.Errorf("%v; the other two had nobody to call", err)
	}
	ids, err := client.LRange(context.Background(), "asynq:{call}:pending", 0, -1).Result()
	if err != nil || !slices.Equal(ids, []string{"dial:theirs:7"}) {
		t.Errorf("queued: %v, %v; want the foreign ticket alone", ids, err)
	}
	if err := d.Dial(t.Context(), queue.Dial{Team: "theirs", Slot: 7}); err == nil {
		t.Error("alone it is not put back for a daemon that has the team")
	}
}

// A team is swept when there is something to sweep.
func TestATeamIsSweptWhenThereIsSomethingToSweep(t *testing.T) {
	t.Parallel()
	client := redistest.Mini(t)
	now := time.Now()
	d := &Dialer{
		Store: store.New(client, store.Options{}), Queue: queue.NewClient(client, time.Now), Now: func() time.Time { return now },
		Log:   slog.New(slog.DiscardHandler),
		Teams: map[string]*Team{"ours": {Name: "ours", Requests: 100, Per: time.Minute}},
	}
	swept := func() int64 {
		t.Helper()
		now = now.Add(sweepEvery)
		if err := d.FeedTeam(t.Context(), d.Teams["ours"]); err != nil {
			t.Fatal(err)
		}
		return client.LLen(context.Background(), "asynq:{work}:pending").Val()
	}
	if n := swept(); n != 0 {
		t.Errorf("%d tasks for a team with nothing to sweep", n)
	}
	event := store.InboxEvent{ID: "e", Body: []byte("{}")}
	if _, err := d.Store.Inbox(t.Context(), "ours", time.Now().Add(-wakeTime), event); err != nil {
		t.Fatal(err)
	}
	if n := swept(); n != 1 {
		t.Errorf("%d tasks although an event was not settled in its time", n)
	}
}
