package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

func TestANationalListIsReplacedWholeAndVoidsDecisions(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		date := func(day int) time.Time { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }
		load := func(day int, numbers ...uint64) (*NationalList, error) {
			return d.ReplaceNational(ctx, NationalList{Country: "US", Date: date(day), Source: "file"}, numbers, d.now)
		}
		ask := func(phone campaign.Phone) []campaign.National {
			got, err := d.OnNational(ctx, []string{"CA", "US"}, phone)
			d.must(err)
			return got
		}
		us := func(day int, listed bool) []campaign.National {
			n := campaign.National{Country: "US", Listed: listed}
			if day > 0 {
				n.Date = date(day)
			}
			return []campaign.National{{Country: "CA"}, n}
		}
		if diff := cmp.Diff(us(0, false), ask(phoneNumber(1))); diff != "" {
			d.Fatalf("before any list: %s", diff)
		}
		d.staged(1)
		claim := d.pickOne()
		q := d.request(claim)
		many := make([]uint64, 0, 3*nationalPerBucket)
		for i := range uint64(3 * nationalPerBucket) {
			many = append(many, 12125550000+i)
		}
		old, err := load(2, append(many, many[:5]...)...)
		d.must(err)
		if old != nil {
			d.Errorf("replaced %+v", old)
		}
		_, refusal, err := d.Begin(ctx, q)
		d.must(err)
		if refusal == nil || refusal.Reason != Stale {
			d.Errorf("a decision without the list began: %+v", refusal)
		}
		if diff := cmp.Diff(us(2, true), ask(phoneNumber(1))); diff != "" {
			d.Error(diff)
		}
		f, err := d.FactsOf(ctx, FactsQuery{Lead: claim.Lead, Day: d.day(), Now: d.now, Countries: []string{"US"}})
		d.must(err)
		if diff := cmp.Diff(us(2, true)[1:], f.National); diff != "" {
			d.Error(diff)
		}
		old, err = load(9, 12125550001)
		d.must(err)
		if old == nil || !old.Date.Equal(date(2)) || old.Numbers != len(many) {
			d.Errorf("replaced %+v", old)
		}
		if diff := cmp.Diff(us(9, false), ask(phoneNumber(2))); diff != "" {
			d.Error(diff)
		}
		if diff := cmp.Diff(us(9, true), ask(phoneNumber(1))); diff != "" {
			d.Error(diff)
		}
		_, err = load(3, 12125550001)
		d.wants(err, ErrConflict)
		for what, l := range map[string]NationalList{
			"no country": {Date: date(9)}, "no date": {Country: "US"}, "a date to come": {Country: "US", Date: d.now.Add(time.Hour)},
		} {
			if _, err := d.ReplaceNational(ctx, l, []uint64{12125550001}, d.now); err == nil {
				d.Errorf("taken with %s", what)
			}
		}
		if _, err := load(10); err == nil {
			d.Error("an empty list was taken")
		}
		lists, err := d.NationalLists(ctx)
		d.must(err)
		if len(lists) != 1 || lists[0].Numbers != 1 || lists[0].Country != "US" {
			d.Errorf("got %+v", lists)
		}
		keys, err := d.Client().Keys(ctx, teamKey(globalTeam, "national:*")).Result()
		d.must(err)
		left, err := d.Client().HGetAll(ctx, teamKey(globalTeam, "nationalgone")).Result()
		d.must(err)
		if len(keys) != 1 || len(left) != 0 {
			d.Errorf("%d sets and %v are left", len(keys), left)
		}
	})
}

func TestALoadThatEndedEarlyIsRemovedByTheNext(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		client := d.Client()
		d.must(client.SAdd(ctx, nationalKey("dead", 3), 1).Err())
		d.must(client.SAdd(ctx, nationalKey("busy", 0), 1).Err())
		gone := teamKey(globalTeam, "nationalgone")
		d.must(client.HSet(ctx, gone, "dead", "7 "+msOrNone(d.now.Add(-2*nationalLoad)), "busy", "1 "+msOrNone(d.now)).Err())
		_, err := d.ReplaceNational(ctx, NationalList{Country: "US", Date: d.now.Truncate(24 * time.Hour)}, []uint64{12125550001}, d.now)
		d.must(err)
		if n := client.Exists(ctx, nationalKey("dead", 3)).Val(); n != 0 {
			d.Error("the numbers of a load that ended early are kept")
		}
		if n := client.Exists(ctx, nationalKey("busy", 0)).Val(); n != 1 {
			d.Error("the numbers of a load that goes on were removed")
		}
	})
}

// A million numbers cost at most 24 bytes each in Redis, on the do-not-call lists as on the national ones.
func BenchmarkListMemory(b *testing.B) {
	const numbers = 1_000_000
	number := func(i int) uint64 { return 12_000_000_000 + uint64(i)*2_654_435_761%8_000_000_000 }
	measure := func(b *testing.B, load func(s *Store)) {
		b.Helper()
		client := redistest.StartServer(b, redistest.Options{}).Client(b)
		s := benchStore(b, client)
		before := usedMemory(b, client)
		for b.Loop() {
			load(s)
		}
		per := float64(usedMemory(b, client)-before) / numbers
		b.ReportMetric(per, "B/number")
		if per > 24 {
			b.Errorf("%.1f bytes a number, more than 24", per)
		}
	}
	b.Run("national", func(b *testing.B) {
		measure(b, func(s *Store) {
			all := make([]uint64, numbers)
			for i := range all {
				all[i] = number(i)
			}
			if _, err := s.ReplaceNational(b.Context(), NationalList{Country: "US", Date: start.Add(-time.Hour)}, all, start); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("suppressed", func(b *testing.B) {
		measure(b, func(s *Store) {
			all := make([]campaign.Phone, numbers)
			for i := range all {
				all[i] = campaign.Phone(fmt.Sprintf("+%d", number(i)))
			}
			if _, err := s.Suppress(b.Context(), Suppression{Scope: campaign.ScopeGlobal, Phones: all, Bulk: true}, start); err != nil {
				b.Fatal(err)
			}
		})
	})
}
