package importer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
)

// maxKey bounds the key of a lead, in bytes.
const maxKey = 512

// listID names a list: the same source with the same columns in the same roles always has the same id.
func listID(l *campaign.List) string {
	head := *l
	head.ID = ""
	text, err := json.Marshal(head)
	if err != nil {
		panic(err) // unreachable: it is text and numbers
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// known is what was found out about a place that several leads share.
type known struct {
	lane   string
	place  *campaign.Place
	reason campaign.Reason // why nobody there can be called, if so
	note   string
}

// judge makes a row a lead, a duplicate or a reject. An error ends the list.
func (r *Reader) judge(row *Row) error {
	said := r.list.Cell(row.Cells, campaign.RoleCountry)
	country := said
	if country == "" {
		country = r.opts.Country
	}
	phone, passed, err := r.number(row.Cells, country)
	if err != nil {
		row.Reject = r.rejectPhone(err)
		if r.headerAgain(row.Cells) {
			row.Reject = &Reject{Reason: RejectHeader, Fix: "the header stands here once more: remove the row"}
			return nil
		}
		if row.Reject.Reason == string(region.PhoneNoCountry) && said != "" {
			row.Reject.Column = r.list.Columns[r.list.Roles[campaign.RoleCountry]]
			row.Reject.Fix = "the row's country is not known: write its ISO code, such as US, or + and the country code before the phone"
		}
		return nil
	}
	key := r.list.Cell(row.Cells, campaign.RoleKey)
	if len(key) > maxKey {
		row.Reject = &Reject{
			Column: r.list.Columns[r.list.Roles[campaign.RoleKey]],
			Reason: RejectKey,
			Fix:    fmt.Sprintf("a key has at most %d bytes: map another column", maxKey),
		}
		return nil
	}
	if key == "" {
		key = phone.E164
	}
	first, again, err := r.opts.Seen.Add(key, row.Line)
	if err != nil {
		return err
	}
	if again {
		row.Duplicate = &Duplicate{Key: key, First: first}
		return nil
	}
	fields, bad := r.list.Known(row.Cells)
	found := r.locate(phone, region.Signals{
		Phone: phone.E164, State: fields.Province, ZIP: fields.ZIP, Country: said, Zone: fields.Zone,
	}, fields.Phones)
	row.Place = found.place
	row.Lead = &campaign.Lead{
		ID:       campaign.LeadID(r.opts.Plan.Team, r.opts.Plan.Name, key),
		Campaign: r.opts.Plan.Name,
		Key:      key,
		Phone:    campaign.Phone(phone.E164),
		Fields:   fields,
		List:     r.list.ID,
		Row:      row.Cells,
		State:    campaign.LeadNew,
		Due:      fields.CallbackAt,
		Promised: !fields.CallbackAt.IsZero(),
	}
	var notes []string
	if passed != "" {
		notes = append(notes, passed)
	}
	if phone.Extension != "" {
		notes = append(notes, "the extension is not dialled")
	}
	r.settle(row, found, verdict{bad, notes})
	return nil
}

// number is the one that the lead is called on first. It is that of the phone column, unless only a later column has one that can be
// called; then passed says what is wrong with the first.
func (r *Reader) number(cells []string, country string) (phone region.Phone, passed string, err error) {
	phone, err = region.ParsePhone(r.list.Cell(cells, campaign.RolePhone), country)
	phones := r.list.Phones(cells)
	if len(phones) > 0 && err == nil && phone.E164 == string(phones[0]) {
		return phone, "", nil
	}
	first := err
	if len(phones) > 0 {
		phone, err = region.ParsePhone(string(phones[0]), "")
	} else if err != nil {
		for _, role := range campaign.PhoneRoles()[1:] {
			if other, otherErr := region.ParsePhone(r.list.Cell(cells, role), country); otherErr == nil {
				phone, err = other, nil
				break
			}
		}
	}
	if e, ok := errors.AsType[*region.PhoneError](first); ok && err == nil && e.Code != region.PhoneEmpty {
		passed = fmt.Sprintf("column %q holds no number to call (%s), another one is used", r.phone, e.Code)
	}
	return phone, passed, err
}

func (r *Reader) rejectPhone(err error) *Reject {
	reject := &Reject{Column: r.phone, Reason: RejectUnreadable, Fix: "write a phone number such as +1 415 555 0123"}
	if e, ok := errors.AsType[*region.PhoneError](err); ok {
		reject.Reason, reject.Fix = string(e.Code), e.Fix
	}
	return reject
}

// headerAgain reports whether a row is the list's header: where files are joined, each brings its own.
func (r *Reader) headerAgain(cells []string) bool {
	if strings.Trim(r.list.Cell(cells, campaign.RolePhone), "\ufeff ") != strings.TrimSpace(r.phone) {
		return false
	}
	same := 0
	for i, name := range names(cells) {
		if name == r.list.Columns[i] {
			same++
		}
	}
	return same == len(r.list.Columns)
}

// spot is what was found out about where a lead may be.
type spot struct {
	place region.Place
	known *known // nil when the place has a problem
}

// signals are what a spot follows from, for numbers that their area code places.
type signals struct {
	area, state, zip, country, zone string
}

// maxSpots bounds the spots that are remembered.
const maxSpots = 1 << 15

// locate says where a lead may be. People of a list live in few places, so what was found out is remembered.
func (r *Reader) locate(phone region.Phone, s region.Signals, phones []campaign.Phone) *spot {
	if len(phones) > 0 || phone.Kind != region.Geographic || !strings.HasPrefix(phone.E164, "+1") || len(phone.E164) != 12 {
		return r.spot(campaign.Locate(s, phones))
	}
	k := signals{phone.E164[2:5], s.State, s.ZIP, s.Country, s.Zone}
	if found, ok := r.spots[k]; ok {
		return found
	}
	if len(r.spots) >= maxSpots {
		clear(r.spots)
	}
	found := r.spot(campaign.Locate(s, nil))
	// The cells are parts of their rows' text, which must not live as long as this.
	r.spots[signals{strings.Clone(k.area), strings.Clone(k.state), strings.Clone(k.zip), strings.Clone(k.country), strings.Clone(k.zone)}] = found
	return found
}

func (r *Reader) spot(p region.Place) *spot {
	if !p.Problem.None() {
		return &spot{place: p}
	}
	return &spot{place: p, known: r.at(p)}
}

// verdict is what was found wrong with a row's cells, and what else there is to say of it.
type verdict struct {
	bad   []campaign.FieldError
	notes []string
}

// settle gives a lead its first state: held or closed for the first reason that there is, in the order of what a person would
// mend first, else new.
func (r *Reader) settle(row *Row, found *spot, v verdict) {
	l := row.Lead
	bad := v.bad
	var notes []string
	hold := func(state campaign.LeadState, reason campaign.Reason, note string) {
		if l.State == campaign.LeadNew {
			l.State, l.Reason = state, reason
		}
		notes = append(notes, note)
	}
	if !l.NotAfter.IsZero() && !r.opts.Now.Before(l.NotAfter) {
		hold(campaign.LeadClosed, campaign.ReasonSchedule, "not_after has passed")
	}
	var place *campaign.Place
	if k := found.known; k == nil {
		p := row.Place.Problem
		hold(campaign.LeadHeld, campaign.Reason(p.Reason()), p.String())
	} else {
		place = k.place
		if l.Lane = k.lane; k.reason != campaign.ReasonNone {
			hold(campaign.LeadHeld, k.reason, k.note)
		}
	}
	if lack := r.opts.Plan.ConsentLack(l, place, r.opts.Now); lack != "" {
		hold(campaign.LeadHeld, campaign.ReasonNoConsent, lack)
	}
	for i := range bad {
		// A limit in time that nobody can read is not the same as none.
		if role := bad[i].Role; role == campaign.RoleNotBefore || role == campaign.RoleNotAfter {
			hold(campaign.LeadHeld, campaign.ReasonSchedule, bad[i].Error())
		} else {
			notes = append(notes, bad[i].Error())
		}
	}
	l.Note = strings.Join(append(notes, v.notes...), "; ")
}

// at is what is known about a place. There are few, however long the list is.
func (r *Reader) at(p region.Place) *known {
	key := p.Key()
	if k, ok := r.places[key]; ok {
		return k
	}
	k := &known{lane: campaign.LaneID(p.Regions, p.Zones)}
	r.places[key] = k
	place, err := r.opts.Plan.CompilePlace(p.Regions, p.Zones)
	if err != nil {
		k.reason, k.note = campaign.ReasonNoZone, err.Error()
		return k
	}
	k.place = place
	if w := r.opts.Plan.Window(place, r.opts.Now); !w.Open && w.Until.IsZero() {
		k.reason, k.note = campaign.Reason(w.Reason), w.Blame
		if k.reason == campaign.ReasonOutsideWindow {
			k.reason = campaign.ReasonNoWindow
		}
	}
	return k
}
