package store

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// A check that finds nothing proves nothing unless it finds what is wrong.
func TestFsckFindsWhatIsWrong(t *testing.T) {
	r := ref{team: testTeam, name: testName, n: 1}
	team := func(name string) string { return teamKey(testTeam, name) }
	phone := string(phoneNumber(0))
	for name, c := range map[string]struct {
		harm func(d *desk, p redis.Pipeliner, ids []string, attempt string)
		want string
	}{
		"counter off": {func(d *desk, p redis.Pipeliner, _ []string, _ string) {
			p.HIncrBy(d.Context(), r.key("count"), "s:staged", 1)
		}, "s:staged"},
		"counter at zero": {func(d *desk, p redis.Pipeliner, _ []string, _ string) {
			p.HSet(d.Context(), r.key("count"), "s:held", 0)
		}, "s:held"},
		"lead in no queue": {func(d *desk, p redis.Pipeliner, ids []string, _ string) {
			p.ZRem(d.Context(), r.key("ready:"+testLane), ids[1])
		}, ids1},
		"lead in two queues": {
			func(d *desk, p redis.Pipeliner, ids []string, _ string) {
				p.ZAdd(d.Context(), r.key("urgent"), redis.Z{Member: ids[1]})
			}, ids1,
		},
		"lead at the wrong place": {
			func(d *desk, p redis.Pipeliner, ids []string, _ string) {
				p.ZAdd(d.Context(), r.key("ready:"+testLane), redis.Z{Member: ids[1], Score: 77})
			}, "77",
		},
		"no lead": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.ZAdd(d.Context(), r.key("urgent"), redis.Z{Member: "ghost"})
			}, "ghost",
		},
		"calling lead in a queue": {
			func(d *desk, p redis.Pipeliner, ids []string, _ string) {
				p.ZAdd(d.Context(), r.key("urgent"), redis.Z{Member: ids[0]})
			}, "calling",
		},
		"claim without a token": {
			func(d *desk, p redis.Pipeliner, ids []string, _ string) {
				p.ZAdd(d.Context(), team("claims"), redis.Z{Member: r.member(ids[2])})
			}, "no token",
		},
		"token without a claim": {
			func(d *desk, p redis.Pipeliner, ids []string, _ string) {
				p.HSet(d.Context(), team("tokens"), r.member(ids[2]), "x")
			}, "no claim",
		},
		"attempt not among those sending": {
			func(d *desk, p redis.Pipeliner, _ []string, id string) { p.ZRem(d.Context(), team("sending"), id) }, "among those sending: false",
		},
		"deadline off": {
			func(d *desk, p redis.Pipeliner, _ []string, id string) {
				p.ZAdd(d.Context(), team("sending"), redis.Z{Member: id, Score: 5})
			}, "deadline",
		},
		"attempt to look up, but sending": {
			func(d *desk, p redis.Pipeliner, _ []string, id string) {
				p.ZAdd(d.Context(), team("open"), redis.Z{Member: id})
			}, "to look up: true",
		},
		"attempt from nowhere": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.ZAdd(d.Context(), team("open"), redis.Z{Member: "1.ghost.1"})
			}, "1.ghost.1",
		},
		"attempt of no campaign": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.ZAdd(d.Context(), team("sending"), redis.Z{Member: "9.ghost.1"})
			}, "9.ghost.1",
		},
		"contact free": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) { p.Del(d.Context(), team("contactopen")) }, "contact",
		},
		"contact taken": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), team("contactopen"), "ghost", "1.ghost.1")
			}, "contact ghost",
		},
		"contact lost": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) { p.HDel(d.Context(), team("contacts"), phone) }, "without a contact",
		},
		"places in flight": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HIncrBy(d.Context(), team("flight"), "team", 1)
			}, "counter team",
		},
		"phone free": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), team("phones"), phone, `{"t":[1]}`)
			}, "the open attempt",
		},
		"history lost": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) { p.HDel(d.Context(), team("phones"), phone) }, "its history",
		},
		"history from nowhere": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), team("phones"), "+12125559999", `{"t":[1773154800]}`)
			}, "its history",
		},
		"index of phones lost": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) { p.Del(d.Context(), team("keyed")) }, "is missing",
		},
		"index of phones from nowhere": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), team("keyed"), phone, "1.ghost")
			}, "1.ghost",
		},
		"record broken": {
			func(d *desk, p redis.Pipeliner, ids []string, _ string) {
				p.HSet(d.Context(), r.key("leads"), ids[1], "{}")
			}, "without a row",
		},
		"state does not fit": {
			func(d *desk, p redis.Pipeliner, ids []string, _ string) {
				raw, err := d.Client().HGet(d.Context(), r.key("leads"), ids[0]).Result()
				d.must(err)
				p.HSet(d.Context(), r.key("leads"), ids[0], strings.Replace(raw, `"calling"`, `"held"`, 1))
			}, "does not fit its attempts",
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				ids := d.staged(3)
				keyed := newLead(5)
				keyed.Key = "order 1"
				d.add(keyed)
				attempt := d.begin(d.pickOne())
				d.sound()
				pipe := d.Client().Pipeline()
				c.harm(d, pipe, ids, attempt)
				_, err := pipe.Exec(d.Context())
				d.must(err)
				report, err := d.FsckTeam(d.Context(), testTeam)
				d.must(err)
				want := strings.ReplaceAll(c.want, ids1, ids[1])
				if report.OK() || !strings.Contains(strings.Join(report.Differences, "\n"), want) {
					d.Errorf("found %q, want something about %q", report.Differences, want)
				}
				if all := strings.Join(report.Differences, "\n"); strings.Contains(all, phone) {
					d.Errorf("the report shows a phone: %s", all)
				}
			})
		})
	}
}

// ids1 stands for the id of the second lead.
const ids1 = "IDS1"

func TestFsckCountsWhatItRead(t *testing.T) {
	each(t, func(d *desk) {
		d.staged(3)
		d.settle(d.begin(d.pickOne()), campaign.Busy, Next{State: campaign.LeadWaiting, Due: d.now.Add(time.Hour)})
		got, err := d.Fsck(d.Context(), testName)
		d.must(err)
		if !got.OK() || got.Leads != 3 || got.Attempts != 1 {
			d.Errorf("got %+v", got)
		}
		_, err = d.Fsck(d.Context(), "nobody")
		d.wants(err, ErrNotFound)
	})
}
