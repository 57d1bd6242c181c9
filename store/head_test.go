package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/store/redistest"
)

// The head of a team says what each question by itself says.
func TestTheHeadOfATeamIsWhatEachQuestionSays(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		d := newDesk(t, client)
		ctx := t.Context()
		same := func(team string) {
			t.Helper()
			h, err := d.Head(ctx, team, d.now)
			d.must(err)
			stirred, err := d.Stirred(ctx, team)
			d.must(err)
			state, err := d.Team(ctx, team)
			d.must(err)
			roster, err := d.Roster(ctx, team)
			d.must(err)
			follow, err := d.NextFollow(ctx, team, d.now)
			d.must(err)
			want := Head{TeamState: state, Stirred: stirred, Roster: roster, Follow: follow, campaigns: h.campaigns}
			if diff := cmp.Diff(&want, h, cmp.AllowUnexported(Head{})); diff != "" {
				t.Error(diff)
			}
			records, err := d.TeamCampaigns(ctx, team)
			d.must(err)
			got, err := d.CampaignsOf(ctx, team, h)
			d.must(err)
			if diff := cmp.Diff(records, got); diff != "" {
				t.Error(diff)
			}
		}
		same(testTeam)
		same("nobody")
		_, err := d.PauseTeam(ctx, testTeam, "the bill")
		d.must(err)
		d.must(d.PutRoster(ctx, testTeam, Roster{At: d.now, Access: "a", Status: map[string]string{"x": "active"}}))
		d.must(d.PutFollow(ctx, testTeam, "1.abc.1", d.now))
		same(testTeam)
		all, err := d.StirredAll(ctx, []string{"nobody", testTeam})
		d.must(err)
		one, err := d.Stirred(ctx, testTeam)
		d.must(err)
		if len(all) != 2 || all[1] != one || all[0] == one {
			t.Errorf("%q; the second is %q by itself", all, one)
		}
	})
}

// A campaign's definition is that of the newest version, whoever applied it.
func TestADefinitionIsOfTheNewestVersion(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		d := newDesk(t, client)
		ctx := t.Context()
		other := New(client, Options{})
		for life := range 3 {
			c := testCampaign(testTeam, testName)
			c.Attempts.Lifetime = 3 + life
			_, err := other.Apply(ctx, c, d.now.Add(time.Duration(life)*time.Second))
			d.must(err)
			for range 2 {
				got, err := d.Definition(ctx, testName)
				d.must(err)
				if got.Attempts.Lifetime != c.Attempts.Lifetime {
					t.Errorf("version of %d attempts, applied was %d", got.Attempts.Lifetime, c.Attempts.Lifetime)
				}
			}
		}
		_, err := d.Definition(ctx, "none")
		d.wants(err, ErrNotFound)
	})
}
