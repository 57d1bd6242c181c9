package dialer

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// adoptPause is how long the API is left alone after a page that it could not give. Each such page is one that brought nothing.
const adoptPause = 5 * time.Second

// adoptSure is the last page of which a refusal cannot mean that the list ends before it: a walk leaps beyond it only.
const adoptSure = 2

// adopt gives unstaged leads the contacts that the team's account has for their phones already: it was filled by a CRM, or Redis was
// lost. A page of the account's list costs one request, as making one contact does, and may bring fifty. The record says when a page is
// worth it (store.TakeAdoptTurn); one daemon reads at a time. It reports whether somebody is at it: until it is known what the account has, nobody
// makes contacts ahead of time.
func (d *Dialer) adopt(ctx context.Context, team *Team, end time.Time) (busy bool, err error) {
	door, mine := d.door("adopt "+team.Name, 1), false
	for ctx.Err() == nil && d.Now().Before(end) {
		view, err := d.view(ctx, team.Name)
		if err != nil || view.held() {
			return false, err
		}
		walk, unstaged := view.walk(d.Now())
		if unstaged == 0 || !d.mayAdopt(team.Name) || unstaged < store.AdoptLeads && !mine && len(door) == 0 {
			return false, nil
		}
		select {
		case door <- struct{}{}:
		default:
			return true, nil
		}
		mine, busy, err = d.adoptPage(ctx, team, walk, unstaged)
		<-door
		if err != nil || !mine {
			return busy, err
		}
	}
	return true, nil
}

// walk is whose leads want contacts now, and how many they are.
func (v *teamView) walk(now time.Time) (w store.Walk, unstaged int) {
	for _, c := range v.campaigns {
		if n := c.unstaged(now); n > 0 && c.stages(now) {
			w.Team, w.Campaigns = c.record.Team, append(w.Campaigns, c.name())
			unstaged += n
		}
	}
	return w, unstaged
}

// mayAdopt reports whether the record is to be asked for a turn: it has said until when there is none.
func (d *Dialer) mayAdopt(team string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.Now().Before(d.adopts[team])
}

// adoptPage reads one page, if it is this daemon's turn; else it reports whether somebody is at it.
func (d *Dialer) adoptPage(ctx context.Context, team *Team, walk store.Walk, unstaged int) (mine, busy bool, err error) {
	now := d.Now()
	turn, err := d.Store.TakeAdoptTurn(ctx, walk, unstaged, now, now.Add(team.stageTime()))
	if err != nil {
		return false, false, err
	}
	if turn.Token == "" {
		if !turn.Busy {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.adopts == nil {
				d.adopts = make(map[string]time.Time)
			}
			d.adopts[team.Name] = turn.Until
		}
		return false, turn.Busy, nil
	}
	list := thoughtly.ListContactsRequest{Page: thoughtly.Page{Page: turn.Page, Limit: pageSize}}
	if turn.Sorted { // the newest are the likeliest, and what is made meanwhile moves nothing past the reader
		list.Sort, list.SortDirection = byNewest, newestFirst
	}
	found, failure := d.listContacts(ctx, team, list)
	page := store.AdoptPage{Walk: walk, Token: turn.Token, What: store.AdoptRead, Contacts: byPhone(found.Items)}
	if n := len(found.Items); failure == nil && (n == 0 || n < pageSize && !found.More) { // a total may be wrong; a full page is none too many
		page.What = store.AdoptLast
	}
	if failure != nil {
		failure = d.adoptFailed(ctx, team, &page, turn, failure)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	got, err := d.Store.Adopt(ctx, page, d.Now())
	if err != nil || failure != nil {
		return true, false, errors.Join(failure, err)
	}
	for i, n := range got.Leads {
		for range n {
			d.observe(Event{What: "stage", Team: team.Name, Campaign: walk.Campaigns[i]})
		}
	}
	if got.Phones > 0 {
		d.forget(team.Name)
	}
	if got.Ended {
		d.Log.Info("contacts of the account looked through", "team", team.Name, "requests", got.Requests, "adopted", got.Saved)
	}
	return true, false, nil
}

// errNoSlot says that the limit had no slot in time.
var errNoSlot = errors.New("no request slot in time")

// listContacts waits for a slot and reads a page. The request's own time begins with the slot: one that began with the last moments of a
// wait would be cut, and have cost its slot for nothing.
func (d *Dialer) listContacts(ctx context.Context, team *Team, list thoughtly.ListContactsRequest) (thoughtly.List[thoughtly.Contact], error) {
	permit, err := d.acquire(ctx, team, thoughtly.ClassStage)
	if err == nil && permit == nil {
		err = errNoSlot
	}
	if err != nil {
		return thoughtly.List[thoughtly.Contact]{}, err
	}
	defer permit.Release()
	return permit.Client().ListContacts(ctx, list)
}

// adoptFailed says of a page that could not be read what becomes of the turn. What it returns is an error of this daemon, not the API's.
func (d *Dialer) adoptFailed(ctx context.Context, team *Team, page *store.AdoptPage, turn store.AdoptTurn, cause error) error {
	if errors.Is(cause, errNoSlot) {
		page.What, page.Wait = store.AdoptUnsent, d.Now().Add(time.Second)
		return nil
	}
	failure, told := errors.AsType[*thoughtly.Error](cause)
	page.What, page.Wait = store.AdoptFailed, d.Now().Add(adoptPause)
	if !told {
		page.What = store.AdoptUnsent
		return cause
	}
	_, after := failure.Retry()
	if turn.Page > adoptSure && (failure.Kind == thoughtly.KindRejected || failure.Kind == thoughtly.KindNotFound) {
		page.What, page.Wait = store.AdoptLast, time.Time{} // it refuses pages behind its list's end
		return nil
	}
	switch failure.Kind {
	case thoughtly.KindUnauthorized:
		return d.Pause(ctx, team, failure)
	case thoughtly.KindNotSent:
		page.What, page.Wait = store.AdoptUnsent, d.Now().Add(max(after, time.Second))
		return nil
	case thoughtly.KindRejected:
		if turn.Sorted { // how a list is sorted is not documented well
			page.Unsorted, page.Wait = true, time.Time{}
			return nil
		}
	case thoughtly.KindThrottled, thoughtly.KindNotFound, thoughtly.KindAmbiguous:
		page.Wait = d.Now().Add(max(after, adoptPause))
	}
	d.Log.Warn("contacts of the account cannot be listed", "team", team.Name, "err", failure)
	return nil
}

// byPhone names the contacts of a page by their phones: those that can be called, and whose phone can be read without doubt.
func byPhone(found []thoughtly.Contact) map[campaign.Phone]string {
	best := make(map[campaign.Phone]*thoughtly.Contact, len(found))
	for i := range found {
		c := &found[i]
		phone, ok := campaign.ReadPhone(c.Phone)
		if c.ID != "" && ok && active(c) && preferred(c, best[phone]) {
			best[phone] = c
		}
	}
	ids := make(map[campaign.Phone]string, len(best))
	for phone, c := range best {
		ids[phone] = c.ID
	}
	return ids
}

// active reports whether a contact can be called, as far as the API says.
func active(c *thoughtly.Contact) bool {
	return c.Status == "" || strings.EqualFold(c.Status, "ACTIVE")
}

// preferred reports whether a contact is to be taken rather than another one (nil = none) of its phone: an active one, then the newest, as
// that stands first in a list that begins with the newest.
func preferred(c, to *thoughtly.Contact) bool {
	switch {
	case to == nil:
		return true
	case active(c) != active(to):
		return active(c)
	case !c.CreatedAt.Equal(to.CreatedAt):
		return c.CreatedAt.After(to.CreatedAt)
	}
	return c.ID < to.ID
}
