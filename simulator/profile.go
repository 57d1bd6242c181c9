package simulator

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Seconds is a duration as profiles and the admin surface write it: a number of seconds.
type Seconds float64

// Duration converts s, rounded to the nanosecond.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// Span is a range of durations; draws are uniform between both ends.
type Span struct {
	Min Seconds `json:"min"`
	Max Seconds `json:"max"`
}

// Profile says how the world behaves: the people, the shapes of bodies, webhooks, the API and its faults. It loads from JSON, and
// from YAML by readers that honour json tags. Shares are between 0 and 1; a choice left empty means Calm's, a number left out is 0.
type Profile struct {
	Name     string   `json:"name"`
	People   People   `json:"people"`
	Records  Records  `json:"records"`
	Webhooks Webhooks `json:"webhooks"`
	API      API      `json:"api"`
	Faults   []Fault  `json:"faults"` // only those with a Share
}

// People says what happens when phones ring.
type People struct {
	Weights             map[Outcome]float64  `json:"weights"`                // need not sum to 1; nil means those of Calm
	Phones              map[string][]Outcome `json:"phones"`                 // n-th ring gets the n-th entry, later rings the last
	Suppressed          []string             `json:"suppressed"`             // phones that Thoughtly itself blocks
	SuppressedShare     float64              `json:"suppressed_share"`       // share of phones blocked so, by seed
	SuppressAfterOptOut bool                 `json:"suppress_after_opt_out"` // Thoughtly blocks who said "stop"; off, so that the caller's own list is tested
	Ring                Span                 `json:"ring"`                   // until someone or something answers; its Max when nobody does
	Talk                Span                 `json:"talk"`                   // a full conversation
	Callback            Span                 `json:"callback"`               // how far ahead a promised callback lies
	Vague               float64              `json:"vague"`                  // callbacks whose time is words ("next week")
}

// Records says how calls look in webhooks, listings and replies.
type Records struct {
	Shape         Shape   `json:"shape"`
	Echo          Echo    `json:"echo"`           // is the metadata of the call request given back?
	System        float64 `json:"system"`         // records whose metadata also holds Thoughtly's own "system" object
	Unlabelled    float64 `json:"unlabelled"`     // records without the agent's outcome word
	LateRecording float64 `json:"late_recording"` // recordings that are missing in the webhook and listed later
}

// API says what the undocumented parts of the operations do.
type API struct {
	Latency     Latency     `json:"latency"`
	Duplicates  Duplicates  `json:"duplicates"`   // a second create with the same phone
	CallReply   CallReply   `json:"call_reply"`   // data of POST /contact/call
	Resubscribe Resubscribe `json:"resubscribe"`  // a second subscribe with the same type, url and data
	Blocked     Blocked     `json:"blocked"`      // a call to a suppressed phone
	Order       Order       `json:"order"`        // of GET /interview/{id}/responses
	Search      Search      `json:"search"`       // what search= of that listing looks at; ignored: nor has it an effect on contacts
	ListLag     Seconds     `json:"list_lag"`     // a new call is not listed before
	ListTotal   bool        `json:"list_total"`   // listings carry a total
	UnscopedOff bool        `json:"unscoped_off"` // a subscription without data never fires
}

// Shape is the layout of records.
type Shape string

// The shapes: as seen in public code that ran against the service, as in public schemas, and each call by seed one or the other with
// synonyms of words and fields.
const (
	ShapeReal       Shape = "real"
	ShapeDocumented Shape = "documented"
	ShapeMixed      Shape = "mixed"
)

// Echo says whether a call's metadata comes back.
type Echo string

// The ways of echoing metadata; mixed is by seed and call.
const (
	EchoAlways Echo = "always"
	EchoNever  Echo = "never"
	EchoMixed  Echo = "mixed"
)

// Duplicates says what a second create of a phone does.
type Duplicates string

// The ways of treating duplicates: another contact, the same contact, or 409.
const (
	DuplicatesNew      Duplicates = "new"
	DuplicatesSame     Duplicates = "same"
	DuplicatesConflict Duplicates = "conflict"
)

// CallReply is the data of a reply to POST /contact/call.
type CallReply string

// The replies: nothing, a response record with its id, {call_id, status}, any of these or nested ids by seed, and an id that no
// webhook or listing will ever name.
const (
	ReplyEmpty     CallReply = "empty"
	ReplyRecord    CallReply = "record"
	ReplyCallID    CallReply = "call_id"
	ReplyMixed     CallReply = "mixed"
	ReplyForeignID CallReply = "foreign_id"
)

// Resubscribe says what a repeated subscription does.
type Resubscribe string

// The ways of treating a repeated subscription: 409 "already exists", the same one again, or a second one (all events come twice).
const (
	ResubscribeConflict Resubscribe = "conflict"
	ResubscribeSame     Resubscribe = "same"
	ResubscribeDouble   Resubscribe = "double"
)

// Blocked says how the API answers a call to a suppressed phone.
type Blocked string

// The answers for suppressed phones: 200 and a SUPPRESSED record, or 400.
const (
	BlockedAccept Blocked = "accept"
	BlockedRefuse Blocked = "refuse"
)

// Order is the order of the listing of calls.
type Order string

// The orders of calls; random is fixed by seed and call.
const (
	OrderNewest Order = "newest"
	OrderOldest Order = "oldest"
	OrderRandom Order = "random"
)

// Search says what search= looks at.
type Search string

// The searches: ids, phone, name, metadata and transcript; phone and name; nothing (the parameter has no effect).
const (
	SearchFull    Search = "full"
	SearchPhone   Search = "phone"
	SearchIgnored Search = "ignored"
)

// ParseProfile reads a profile from JSON. Its key "base" names the built-in profile that it starts from (calm when absent); keys that
// it gives replace the base's, maps are merged. Unknown keys and values out of range are errors.
func ParseProfile(data []byte) (Profile, error) {
	var head struct {
		Base string `json:"base"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Profile{}, fmt.Errorf("parse profile: %w", err)
	}
	if head.Base == "" {
		head.Base = "calm"
	}
	p, err := Named(head.Base)
	if err != nil {
		return Profile{}, fmt.Errorf("parse profile: base: %w", err)
	}
	in := struct {
		Base string `json:"base"`
		*Profile
	}{Profile: &p}
	if err := strictly(data, &in); err != nil {
		return Profile{}, fmt.Errorf("parse profile: %w", err)
	}
	return p, p.Check()
}

// Check names every value of the profile that is out of range.
func (p Profile) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("profile: "+format, args...)) }
	sum := 0.0
	for o, w := range p.People.Weights {
		if !slices.Contains(Outcomes, o) {
			bad("people.weights: unknown outcome %q (one of %v)", o, Outcomes)
		}
		if w < 0 {
			bad("people.weights.%s: %v is negative", o, w)
		}
		sum += w
	}
	if len(p.People.Weights) > 0 && sum <= 0 {
		bad("people.weights: all are 0")
	}
	for phone, list := range p.People.Phones {
		if len(list) == 0 {
			bad("people.phones: an empty list (number ending %s)", last4(phone))
		}
		for _, o := range list {
			if !slices.Contains(Outcomes, o) {
				bad("people.phones: unknown outcome %q (one of %v)", o, Outcomes)
			}
		}
	}
	for name, s := range map[string]Span{
		"people.ring": p.People.Ring, "people.talk": p.People.Talk, "people.callback": p.People.Callback,
		"webhooks.delay": p.Webhooks.Delay, "webhooks.late_by": p.Webhooks.LateBy,
	} {
		if s.Min < 0 || s.Max < s.Min {
			bad("%s: min %v, max %v: want 0 ≤ min ≤ max", name, s.Min, s.Max)
		}
	}
	for name, v := range p.shares() {
		if v < 0 || v > 1 {
			bad("%s: %v is not a share between 0 and 1", name, v)
		}
	}
	for name, c := range p.choices() {
		if !slices.Contains(c.of, c.is) {
			bad("%s: unknown value %q (one of %v)", name, c.is, c.of)
		}
	}
	for i, f := range p.Faults {
		if err := f.check(); err != nil {
			bad("faults[%d]: %w", i, err)
		} else if f.Share == 0 {
			bad("faults[%d]: a profile's fault needs a share", i)
		}
	}
	return errors.Join(errs...)
}

func (p Profile) shares() map[string]float64 {
	return map[string]float64{
		"people.suppressed_share": p.People.SuppressedShare, "people.vague": p.People.Vague,
		"records.system": p.Records.System, "records.unlabelled": p.Records.Unlabelled, "records.late_recording": p.Records.LateRecording,
		"webhooks.loss": p.Webhooks.Loss, "webhooks.double": p.Webhooks.Double, "webhooks.late": p.Webhooks.Late,
		"webhooks.early": p.Webhooks.Early, "webhooks.before_reply": p.Webhooks.BeforeReply, "webhooks.reorder": p.Webhooks.Reorder,
		"webhooks.stray": p.Webhooks.Stray, "api.latency.tail_share": p.API.Latency.TailShare, "api.latency.before": p.API.Latency.Before,
	}
}

type choice struct {
	is string
	of []string
}

func (p Profile) choices() map[string]choice {
	return map[string]choice{
		"records.shape":   {string(p.Records.Shape), []string{"", "real", "documented", "mixed"}},
		"records.echo":    {string(p.Records.Echo), []string{"", "always", "never", "mixed"}},
		"api.duplicates":  {string(p.API.Duplicates), []string{"", "new", "same", "conflict"}},
		"api.call_reply":  {string(p.API.CallReply), []string{"", "empty", "record", "call_id", "mixed", "foreign_id"}},
		"api.resubscribe": {string(p.API.Resubscribe), []string{"", "conflict", "same", "double"}},
		"api.blocked":     {string(p.API.Blocked), []string{"", "accept", "refuse"}},
		"api.order":       {string(p.API.Order), []string{"", "newest", "oldest", "random"}},
		"api.search":      {string(p.API.Search), []string{"", "full", "phone", "ignored"}},
	}
}

// clone frees the profile from the caller's maps and slices, and fills what is not chosen with Calm's choice.
func (p Profile) clone() Profile {
	p.People.Phones = maps.Clone(p.People.Phones)
	p.People.Suppressed = slices.Clone(p.People.Suppressed)
	p.Faults = slices.Clone(p.Faults)
	p.People.Weights = maps.Clone(p.People.Weights)
	calm := Calm()
	if len(p.People.Weights) == 0 {
		p.People.Weights = calm.People.Weights
	}
	p.Records.Shape, p.Records.Echo = cmp.Or(p.Records.Shape, calm.Records.Shape), cmp.Or(p.Records.Echo, calm.Records.Echo)
	a, c := &p.API, calm.API
	a.Duplicates, a.CallReply = cmp.Or(a.Duplicates, c.Duplicates), cmp.Or(a.CallReply, c.CallReply)
	a.Resubscribe, a.Blocked = cmp.Or(a.Resubscribe, c.Resubscribe), cmp.Or(a.Blocked, c.Blocked)
	a.Order, a.Search = cmp.Or(a.Order, c.Order), cmp.Or(a.Search, c.Search)
	return p
}

func last4(phone string) string { return phone[max(0, len(phone)-4):] }
