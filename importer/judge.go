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

// judge makes a row a lead, a duplicate or a reject.
func (r *Reader) judge(row *Row) {
	said := r.list.Cell(row.Cells, campaign.RoleCountry)
	country := said
	if country == "" {
		country = r.opts.Country
	}
	phone, err := region.ParsePhone(r.list.Cell(row.Cells, campaign.RolePhone), country)
	if err != nil {
		row.Reject = r.rejectPhone(err)
		if row.Reject.Reason == string(region.PhoneNoCountry) && said != "" {
			row.Reject.Column = r.list.Columns[r.list.Roles[campaign.RoleCountry]]
			row.Reject.Fix = "the row's country is not known: write its ISO code, such as US, or + and the country code before the phone"
		}
		return
	}
	key := r.list.Cell(row.Cells, campaign.RoleKey)
	if len(key) > maxKey {
		row.Reject = &Reject{
			Column: r.list.Columns[r.list.Roles[campaign.RoleKey]],
			Reason: RejectKey,
			Fix:    fmt.Sprintf("a key has at most %d bytes: map another column", maxKey),
		}
		return
	}
	if key == "" {
		key = phone.E164
	}
	if first, again := r.opts.Seen.Add(key, row.Line); again {
		row.Duplicate = &Duplicate{Key: key, First: first}
		return
	}
	fields, bad := r.list.Fields(row.Cells)
	row.Place = region.Locate(region.Signals{
		Phone: phone.E164, State: fields.Province, ZIP: fields.ZIP, Country: said, Zone: fields.Zone,
	})
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
	r.settle(row, phone, bad)
}

func (r *Reader) rejectPhone(err error) *Reject {
	reject := &Reject{Column: r.phone, Reason: RejectUnreadable, Fix: "write a phone number such as +1 415 555 0123"}
	if e, ok := errors.AsType[*region.PhoneError](err); ok {
		reject.Reason, reject.Fix = string(e.Code), e.Fix
	}
	return reject
}

// settle gives a lead its first state: held or closed for the first reason that there is, in the order of what a person would
// mend first, else new.
func (r *Reader) settle(row *Row, phone region.Phone, bad []campaign.FieldError) {
	l := row.Lead
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
	if p := row.Place.Problem; !p.None() {
		hold(campaign.LeadHeld, campaign.Reason(p.Reason()), p.String())
	} else {
		k := r.at(row.Place)
		place = k.place
		if l.Lane = k.lane; k.reason != campaign.ReasonNone {
			hold(campaign.LeadHeld, k.reason, k.note)
		}
	}
	if !r.opts.Plan.Consents(l, place, r.opts.Now) {
		hold(campaign.LeadHeld, campaign.ReasonNoConsent, r.consentNote(l))
	}
	for i := range bad {
		// A limit in time that nobody can read is not the same as none.
		if role := bad[i].Role; role == campaign.RoleNotBefore || role == campaign.RoleNotAfter {
			hold(campaign.LeadHeld, campaign.ReasonSchedule, bad[i].Error())
		} else {
			notes = append(notes, bad[i].Error())
		}
	}
	if phone.Extension != "" {
		notes = append(notes, "the extension is not dialled")
	}
	if n := len(phone.Others); n > 0 {
		notes = append(notes, fmt.Sprintf("the cell holds more numbers (%d), only the first is used", n))
	}
	l.Note = strings.Join(notes, "; ")
}

// consentNote says what is missing.
func (r *Reader) consentNote(l *campaign.Lead) string {
	c := r.opts.Plan.Consent
	switch {
	case l.Consent == "" && !c.Required:
		return "automated calls need consent there: fill in a consent column, or declare consent.basis"
	case l.Consent == "":
		return "no evidence of consent"
	case c.MaxAge > 0 && l.ConsentAt.IsZero():
		return "evidence of consent without its time, and the campaign limits its age"
	case c.MaxAge > 0 && r.opts.Now.Sub(l.ConsentAt) > c.MaxAge:
		return "evidence of consent is too old"
	}
	return "the consent cell says no"
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
