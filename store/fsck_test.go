package store

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// harm is one thing that can be wrong with a record.
type harm struct {
	harm func(d *desk, p redis.Pipeliner, ids []string, attempt string)
	want string // what the check says about it, in part
}

// beyondRepair are the harms that only a person can mend.
var beyondRepair = []string{"record broken"}

// harms are what the check has to find, and the repair to mend.
func harms() map[string]harm {
	r := ref{team: testTeam, name: testName, n: 1}
	team := func(name string) string { return teamKey(testTeam, name) }
	phone := string(phoneNumber(0))
	return map[string]harm{
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
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				raw, err := d.Client().HGet(d.Context(), team("phones"), phone).Result()
				d.must(err)
				p.HSet(d.Context(), team("phones"), phone, strings.Replace(raw, `"i":"contact-0000"`, `"x":1`, 1))
			}, "without a contact",
		},
		"places in flight": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HIncrBy(d.Context(), team("flight"), "team", 1)
			}, "counter team",
		},
		"phone free": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), team("phones"), phone, `{"i":"contact-0000","t":[1]}`)
			}, "the open attempt",
		},
		"history lost": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), team("phones"), phone, `{"i":"contact-0000"}`)
			}, "its history",
		},
		"all of the phone lost": {
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
		"calling without an attempt": {
			func(d *desk, p redis.Pipeliner, ids []string, _ string) {
				raw, err := d.Client().HGet(d.Context(), r.key("leads"), ids[1]).Result()
				d.must(err)
				p.HSet(d.Context(), r.key("leads"), ids[1], strings.Replace(raw, `"staged"`, `"calling"`, 1))
			}, "does not fit its attempts",
		},
		"history unreadable": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), team("phones"), phone, "{")
			}, "history of",
		},
		"call not found by its id": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) { p.HDel(d.Context(), team("calls"), "call 1") }, "found by its id",
		},
		"follow-up of an attempt that is not settled": {
			func(d *desk, p redis.Pipeliner, _ []string, id string) {
				p.ZAdd(d.Context(), team("follows"), redis.Z{Member: id, Score: float64(ms(d.now))})
			}, "follows holds 1.",
		},
		"follow-up of no attempt": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.ZAdd(d.Context(), team("follows"), redis.Z{Member: "1.ghost.1", Score: 1})
			}, "follows holds 1.ghost.1",
		},
		"age of a call that nobody knows": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.ZAdd(d.Context(), team("callsage"), redis.Z{Member: "call 8", Score: float64(ms(d.now))})
			}, "callsage holds call call 8",
		},
		"call that is over and has no age": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) { p.Del(d.Context(), team("callsage")) }, "call call 2 of attempt 1.",
		},
		"call of nobody": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), team("calls"), "call 9", "1.ghost.1")
			}, "call call 9 of attempt 1.ghost.1 would never be forgotten",
		},
		"count of the team's list lost": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				d.suppressed(Suppression{Scope: campaign.ScopeTeam, Team: testTeam})
				p.HDel(d.Context(), team("team"), "dnc")
			}, "do-not-call list of " + testTeam + ": ",
		},
		"count of a campaign's list off": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				d.suppressed(Suppression{Scope: campaign.ScopeCampaign, Campaign: testName})
				p.HIncrBy(d.Context(), r.key(""), "dnc", 5)
			}, "do-not-call list of " + testTeam + " campaign 1",
		},
		"count of a list that is empty": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) { p.HSet(d.Context(), team("team"), "dnc", 2) }, `says that it has "2" numbers, and has 0`,
		},
		"event that nobody deals with": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				d.keep(testTeam, "event1", []byte("x"), d.now)
				p.ZRem(d.Context(), team("inboxdue"), "event1")
			}, "event1 is kept",
		},
		"event that is not there": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.ZAdd(d.Context(), team("inboxdue"), redis.Z{Member: "event2", Score: 1})
			}, "event2 is to be dealt with",
		},
		"campaign lost by its team": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HDel(d.Context(), team("campaigns"), testName)
			}, "not among the campaigns",
		},
		"number of a campaign lost": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HDel(d.Context(), teamKey(globalTeam, "numbers"), testName)
			}, "numbers has",
		},
		"name of a campaign lost": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HDel(d.Context(), teamKey(globalTeam, "names"), "1")
			}, "names has",
		},
		"team of a campaign lost": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HDel(d.Context(), teamKey(globalTeam, "campaigns"), testName)
			}, "campaigns has",
		},
		"word counted that no attempt has": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) {
				p.HSet(d.Context(), r.key("count"), "w:HUNG_UP", 3)
			}, "w:HUNG_UP",
		},
		"calls of a day": {
			func(d *desk, p redis.Pipeliner, _ []string, _ string) { p.Del(d.Context(), team("days")) }, "calls of a day",
		},
	}
}

// suppressed puts two numbers of nobody on a list.
func (d *desk) suppressed(q Suppression) {
	d.Helper()
	q.Phones, q.By = []campaign.Phone{phoneNumber(71), phoneNumber(72)}, "test"
	_, err := d.Suppress(d.Context(), q, d.now)
	d.must(err)
}

// harmed is a sound record with one harm done to it.
func (d *desk) harmed(c harm) []string {
	d.Helper()
	ids := d.staged(3)
	keyed := newLead(5)
	keyed.Key = "order 1"
	d.add(keyed)
	spoken := newLead(6)
	spoken.Urgent = true
	d.add(spoken)
	_, err := d.Staged(d.Context(), d.pickOne(), contactOf(spoken.Phone))
	d.must(err)
	_, err = d.Accepted(d.Context(), d.begin(d.pickOne()), "call 1", d.now.Add(time.Minute), d.now)
	d.must(err)
	over := newLead(7)
	over.Urgent = true
	d.add(over)
	_, err = d.Staged(d.Context(), d.pickOne(), contactOf(over.Phone))
	d.must(err)
	_, err = d.Settle(d.Context(), Settlement{
		AttemptID: d.begin(d.pickOne()), CallID: "call 2", Disposition: campaign.Voicemail, Next: Next{State: campaign.LeadClosed}, Follow: true,
	}, d.now)
	d.must(err)
	attempt := d.begin(d.pickOne())
	d.sound()
	pipe := d.Client().Pipeline()
	c.harm(d, pipe, ids, attempt)
	_, err = pipe.Exec(d.Context())
	d.must(err)
	return ids
}

// A check that finds nothing proves nothing unless it finds what is wrong.
func TestFsckFindsWhatIsWrong(t *testing.T) {
	for name, c := range harms() {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				ids := d.harmed(c)
				report, err := d.FsckTeam(d.Context(), testTeam)
				d.must(err)
				want := strings.ReplaceAll(c.want, ids1, ids[1])
				if report.OK() || !strings.Contains(strings.Join(report.Differences, "\n"), want) {
					d.Errorf("found %q, want something about %q", report.Differences, want)
				}
				if all := strings.Join(report.Differences, "\n"); strings.Contains(all, string(phoneNumber(0))) {
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
