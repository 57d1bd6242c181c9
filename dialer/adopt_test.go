package dialer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/thoughtly"
)

// waiting is a campaign that waits for its schedule while its contacts are staged.
func waiting() campaign.Campaign {
	c := always("spring")
	c.Schedule.Start, c.Schedule.Stop = []string{"0 19 * * *"}, []string{"0 3 * * *"}
	return c
}

// roomy is for accounts and lists of thousands.
func roomy() settings {
	s := brisk()
	s.requests = 600
	return s
}

// account is what a team has at the API: the contacts of n leads, the first of them the first-th, among those of strangers, shuffled.
func account(first, n, strangers int) []simulator.Contact {
	all := make([]simulator.Contact, 0, n+strangers)
	for i := range n {
		all = append(all, simulator.Contact{Phone: phone(first + i), Name: fmt.Sprintf("Lead %d", first+i)})
	}
	for i := range strangers {
		all = append(all, simulator.Contact{Phone: fmt.Sprintf("+1646555%04d", i), Name: fmt.Sprintf("Stranger %d", i)})
	}
	r := rand.New(rand.NewPCG(7, 7))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i := range all {
		all[i].Created = morning().AddDate(-1, 0, 0).Add(time.Duration(i) * time.Minute)
	}
	return all
}

// stagedBy waits until no lead of a campaign is without a contact.
func (f *fleet) stagedBy(c campaign.Campaign, end time.Duration) {
	f.t.Helper()
	for stop := time.Now().Add(end); ; time.Sleep(5 * time.Second) {
		counts, err := f.store.Counts(context.Background(), c.Name)
		if err != nil {
			f.t.Fatal(err)
		}
		if counts.States[campaign.LeadNew] == 0 {
			return
		}
		if time.Now().After(stop) {
			f.t.Fatalf("%d leads have no contact after %s", counts.States[campaign.LeadNew], end)
		}
	}
}

// twins are the phones that the account has more than one contact of, of those made since a time.
func (f *fleet) twins(since time.Time) []string {
	n := map[string]int{}
	for _, c := range f.sim.Contacts(simulator.DefaultTeamID) {
		if !c.Created.Before(since) {
			n[c.Phone]++
		}
	}
	return slices.DeleteFunc(sortedKeys(n), func(p string) bool { return n[p] < 2 })
}

// The contacts that the account has are adopted by its list, fifty a request, and the others are made. What lists cost more than they
// save is never more than one request for 50 leads, and ten.
func TestContactsOfTheAccountAreAdopted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		has, strangers int // of 100 leads, and besides
		lists          int // for 100 leads and for all, at most
		more           int
		adopts         bool // all that are there
		wire           func(http.RoundTripper) http.RoundTripper
	}{
		"all of them":                       {has: 100, lists: 2, more: 1, adopts: true},
		"all of them, and as many others":   {has: 100, strangers: 100, lists: 4, more: 1, adopts: true},
		"half of them":                      {has: 50, lists: 1, more: 1, adopts: true},
		"a few of them, and many others":    {has: 2, strangers: 200, lists: 2, more: 10},
		"others only":                       {strangers: 200, more: 10},
		"nobody":                            {more: 1, adopts: true},
		"all of them, totals are far short": {has: 100, lists: 2, more: 1, adopts: true, wire: func(rt http.RoundTripper) http.RoundTripper { return totals{rt, 7} }},
		"all of them, totals are too high":  {has: 100, lists: 2, more: 10, adopts: true, wire: func(rt http.RoundTripper) http.RoundTripper { return totals{rt, 1e6} }},
	} {
		t.Run(name, func(t *testing.T) {
			n := 200
			if name != "half of them" && name != "others only" {
				inWhole(t)
			}
			if !testing.Short() && tt.has == 100 {
				n = 2000 // what is adopted costs the test little
			}
			has, strangers := tt.has*n/100, tt.strangers*n/100
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, morning(), roomy(), simulator.Config{Seed: 1, Profile: answers(), Contacts: account(0, has, strangers)})
				if tt.wire == nil {
					tt.wire = func(rt http.RoundTripper) http.RoundTripper { return rt }
				}
				c := waiting()
				f.load(c, n)
				for range 2 {
					f.addOn(f.redis.Client(t), tt.wire(f.sim.Transport()))
				}
				f.stagedBy(c, time.Hour)
				f.close()
				synctest.Wait()
				did := f.sim.Summary(MetaAttempt).ByOp
				lists, creates := did[simulator.OpContacts], did[simulator.OpCreate]
				t.Logf("%d leads, %d of them in an account of %d contacts: %d lists and %d creates, %.1f %% of %d creates",
					n, has, has+strangers, lists, creates, 100*float64(lists+creates)/float64(n), n)
				if adopted := n - creates; lists > adopted+10 || lists > tt.lists*n/100+tt.more {
					t.Errorf("%d lists for %d contacts, want %d at most", lists, adopted, tt.lists*n/100+tt.more)
				}
				if creates < n-has || tt.adopts && creates > n-has {
					t.Errorf("%d contacts were made, want %d", creates, n-has)
				}
				if twins := f.twins(time.Time{}); tt.adopts && len(twins) > 0 {
					t.Errorf("%d phones have two contacts, such as %s", len(twins), twins[0])
				}
				f.consistent(c)
			})
		})
	}
}

// totals says of each list of contacts how long it is, whatever it is.
type totals struct {
	http.RoundTripper
	n int
}

func (w totals) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err == nil && r.URL.Path == "/contact" {
		var body []byte
		body, err = io.ReadAll(resp.Body)
		body = bytes.Replace(body, []byte(`"data":{`), fmt.Appendf(nil, `"data":{"total":%d,`, w.n), 1)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp.Header.Del("Content-Length")
	}
	return resp, err
}

// A contact is adopted when it can be called and its phone is the lead's beyond doubt, whoever wrote it; of several the newest.
func TestOnlyAContactThatIsTheLeadsIsAdopted(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	of := func(id, phone string) thoughtly.Contact {
		return thoughtly.Contact{ID: id, Phone: phone, Status: "ACTIVE", CreatedAt: at}
	}
	older, archived, unsaid := of("older", "+12125550107"), of("archived", "+12125550108"), of("unsaid", "+12125550109")
	older.CreatedAt, archived.Status, unsaid.Status = at.Add(-time.Hour), "ARCHIVED", ""
	got := byPhone([]thoughtly.Contact{
		of("plain", "+12125550101"), of("spaced", "+1 (212) 555-0102"), of("tel", "tel:+1-212-555-0103"), of("zeros", "001 212 555 0104"),
		of("national", "2125550105"), of("national 11", "12125550106"), of("german", "+49 1512 3456789"), of("of a company", "+1 212 555 0110 ext. 4"),
		of("two", "+12125550111 / +12125550112"), of("none", ""), of("words", "unknown"), of("", "+12125550113"), of("hidden", "+1212555****"),
		of("b", "+12125550107"), older, of("a", "+1 212 555 0107"), archived, unsaid,
	})
	want := map[campaign.Phone]string{
		"+12125550101": "plain", "+12125550102": "spaced", "+12125550103": "tel", "+12125550104": "zeros", "+4915123456789": "german",
		"+12125550107": "a", "+12125550109": "unsaid",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Contacts as somebody else has entered them are called at the lead's own number, those that are archived not at all, while the list
// changes under its reader and the API neither sorts it nor answers every request.
func TestAdoptedContactsAreCalled(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 160 // a stake of three
		contacts := account(0, n, 80)
		archived, odd := map[string]bool{}, map[string]bool{}
		for i := range contacts {
			c := &contacts[i]
			switch i % 10 {
			case 0:
				c.Archived, archived[c.Phone] = true, true
			case 1, 2:
				c.Spelt = fmt.Sprintf("%s (%s) %s-%s", c.Phone[:2], c.Phone[2:5], c.Phone[5:8], c.Phone[8:])
			case 3: // nobody can say which country's number it is
				c.Spelt, odd[c.Phone] = c.Phone[2:], true
			}
		}
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers(), Contacts: contacts})
		c := waiting()
		c.Schedule.Start = []string{"4 12 * * *"}
		f.load(c, n)
		if err := f.sim.Inject(
			simulator.Fault{Op: simulator.OpContacts, Kind: "400", Next: 1}, simulator.Fault{Op: simulator.OpContacts, Kind: "500_before", Next: 1},
		); err != nil {
			t.Fatal(err)
		}
		f.add()
		f.subscribe()
		time.Sleep(8 * time.Minute)
		f.close()
		synctest.Wait()
		creates := 0
		for _, r := range f.sim.Requests() {
			if r.Op == simulator.OpCreate {
				creates++
				if !archived[r.Phone] && !odd[r.Phone] {
					t.Errorf("a contact was made for %s, which has one", r.Phone)
				}
			}
		}
		want := 0
		for i := range n {
			if archived[phone(i)] || odd[phone(i)] {
				want++
			}
		}
		if creates != want {
			t.Errorf("%d contacts were made, want %d", creates, want)
		}
		f.fates(c, n, done)
		f.once()
		f.consistent(c)
	})
}

// Whatever becomes of the requests that make contacts, a phone gets one: half of the leads are in the account, the others' are made while the
// API breaks off after its work, and its search finds nothing in particular.
func TestNoContactIsMadeTwice(t *testing.T) {
	inWhole(t)
	t.Parallel()
	for _, search := range []simulator.Search{simulator.SearchFull, simulator.SearchIgnored} {
		t.Run(string(search), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const n = 120
				p := answers()
				p.API.Search = search
				p.Faults = []simulator.Fault{
					{Op: simulator.OpCreate, Kind: "cut_after", Share: 0.1},
					{Op: simulator.OpCreate, Kind: "500_after", Share: 0.1},
					{Op: simulator.OpCreate, Kind: "hang_after", Share: 0.05},
					{Op: simulator.OpCreate, Kind: "503_before", Share: 0.1},
					{Op: simulator.OpContacts, Kind: "500_after", Share: 0.1},
				}
				f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: p, Contacts: account(0, n/2, 300)})
				c := waiting()
				f.load(c, n)
				f.add()
				f.add()
				f.stagedBy(c, 2*time.Hour)
				f.close()
				synctest.Wait()
				did := f.sim.Summary(MetaAttempt).ByOp
				t.Logf("%d lists and searches, %d creates", did[simulator.OpContacts], did[simulator.OpCreate])
				if twins := f.twins(morning()); len(twins) > 0 {
					t.Errorf("two contacts were made of %d phones, such as %s", len(twins), twins[0])
				}
				f.consistent(c)
			})
		})
	}
}

// A daemon stops dead over a page, before or after it was asked for or written down, for ever or for minutes: another one goes on with the
// walk, no contact is made that is there, and each such death costs one page.
func TestAWalkSurvivesItsReader(t *testing.T) {
	inWhole(t)
	t.Parallel()
	scripts := adopting(t, life{}) // by which steps are known
	for _, at := range []step{{"adopt", 1}, {"request /contact", 1}, {"adopt", 2}, {"adopt", 5}, {"request /contact", 4}} {
		for _, after := range []bool{false, true} {
			for _, thaws := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s after=%t thaws=%t", at, after, thaws), func(t *testing.T) {
					t.Parallel()
					adopting(t, life{at: at, after: after, thaws: thaws, scripts: scripts})
				})
			}
		}
	}
}

// adopting is the time in which leads adopt their contacts, all of which are there, with one daemon that freezes and a second one that
// comes then. It returns the scripts that were sent.
func adopting(t *testing.T, l life) (scripts map[string]string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		i := newIce(l)
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers(), Contacts: account(0, n, 0)})
		for _, text := range l.scripts {
			if err := f.store.Client().ScriptLoad(context.Background(), text).Err(); err != nil {
				t.Fatal(err)
			}
		}
		c := waiting()
		f.warm()
		f.load(c, n)
		f.addIcy(i)
		if l.at.n > 0 {
			for end := time.Now().Add(5 * time.Minute); !i.done() && time.Now().Before(end); {
				time.Sleep(time.Second)
			}
			if !i.done() {
				t.Fatalf("it never came to this step, on the way %v", i.steps())
			}
			f.add()
			if l.thaws {
				time.Sleep(3 * time.Minute)
				f.heard.expect = "i/o timeout"
				close(i.thawed)
			}
		}
		f.stagedBy(c, 10*time.Minute)
		time.Sleep(time.Minute)
		scripts = i.texts
		f.bury(i)
		did := f.sim.Summary(MetaAttempt).ByOp
		if lists := did[simulator.OpContacts]; did[simulator.OpCreate] != 0 || lists > n/50+2 {
			t.Errorf("%d lists and %d creates", lists, did[simulator.OpCreate])
		}
		f.consistent(c)
	})
	return scripts
}

// While calls are placed contacts get one slot in fifty. That is one page, whose leads are called with the other slots: most contacts are
// adopted, and far more calls are placed than the half of the limit that contacts made one by one would leave.
func TestCallsGoOnWhileContactsAreAdopted(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 800
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers(), Contacts: account(0, n, n/4)})
		c := always("spring")
		f.load(c, n)
		f.add()
		f.add()
		f.subscribe()
		time.Sleep(time.Minute + 9*time.Minute)
		did := f.sim.Summary(MetaAttempt).ByOp
		f.close()
		synctest.Wait()
		t.Logf("in the first 10 minutes: %v", did)
		if made := did[simulator.OpCreate]; made > n*2/5 {
			t.Errorf("%d contacts were made", made)
		}
		if calls := did[simulator.OpCall]; calls < n*9/10 { // one by one: 450
			t.Errorf("%d of %d leads were called", calls, n)
		}
		f.once()
		f.consistent(c)
	})
}

// Other tools have made 20,000 contacts since ours: they are found all the same, far cheaper than made, also where the API refuses pages behind
// the end of its list.
func TestContactsBehindThousandsOfNewerOnesAreAdopted(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusNotFound} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			if status != http.StatusBadRequest {
				inWhole(t)
			}
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const n, strangers = 1000, 20000
				contacts := account(0, n, 0)
				for i := range strangers {
					contacts = append(contacts, simulator.Contact{
						Phone: fmt.Sprintf("+1646%07d", 5550000+i), Created: contacts[n-1].Created.Add(time.Duration(i+1) * time.Second),
					})
				}
				f := newFleet(t, morning(), roomy(), simulator.Config{Seed: 1, Profile: answers(), Contacts: contacts})
				c := waiting()
				f.load(c, n)
				api := f.sim.Transport()
				if status != http.StatusOK {
					api = bounded{api, (n + strangers) / pageSize, status}
				}
				f.addOn(f.redis.Client(t), api)
				f.stagedBy(c, time.Hour)
				f.close()
				synctest.Wait()
				did := f.sim.Summary(MetaAttempt).ByOp
				lists, creates := did[simulator.OpContacts], did[simulator.OpCreate]
				t.Logf("%d lists, %d creates for %d leads", lists, creates, n)
				if creates > n/2 || lists > n/50+20 { // at ten a second some hundred are made between two walks
					t.Errorf("%d lists and %d creates for %d leads", lists, creates, n)
				}
				f.consistent(c)
			})
		})
	}
}

// bounded answers with a status where a list of contacts is asked for a page that it has not.
type bounded struct {
	http.RoundTripper
	pages, status int
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if page, err := strconv.Atoi(r.URL.Query().Get("page")); err != nil || r.URL.Path != "/contact" || page < b.pages {
		return b.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: b.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte("{}"))), Request: r}, nil
}
