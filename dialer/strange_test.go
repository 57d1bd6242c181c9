package dialer

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// A contact that was given another number after it was made rings a stranger. That is known when its first call has ended: the lead is held, and
// the contact is no longer its phone's.
func TestAContactThatWasGivenAnotherNumberIsCalledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 3
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: voicemails()})
		f.garble = func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(phone(0)), []byte("+13105559999")) }
		c := always("spring")
		c.Attempts.Gap = time.Minute
		c.Outcomes[campaign.Voicemail] = campaign.Outcome{Retry: []time.Duration{5 * time.Minute}}
		f.add()
		f.subscribe()
		time.Sleep(65 * time.Second)
		f.load(c, n)
		time.Sleep(20 * time.Minute)
		f.close()
		synctest.Wait()
		want := fate{state: campaign.LeadHeld, disposition: campaign.Voicemail, reason: campaign.ReasonInvalidContact, spent: 1, rings: 1}
		if got := f.fate(c, 0); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if contact, err := f.store.Contact(ctx, teamName, campaign.Phone(phone(0))); contact != "" || err != nil {
			t.Errorf("its contact is still %q, %v", contact, err)
		}
		for i := 1; i < n; i++ {
			want := fate{state: campaign.LeadClosed, disposition: campaign.Voicemail, spent: 2, rings: 2}
			if got := f.fate(c, i); got != want {
				t.Errorf("lead %d: %+v, want %+v", i, got, want)
			}
		}
		f.once()
		f.consistent(c)
	})
}
