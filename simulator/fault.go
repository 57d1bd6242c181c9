package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with requests. It hits a Share of them by seed, or the Next so many, or all of them For so long.
type Fault struct {
	Op         string   `json:"op"` // one of the Op constants; empty: any
	Kind       string   `json:"kind"`
	Share      float64  `json:"share"`
	Next       int      `json:"next"`
	For        Seconds  `json:"for"`
	Phones     []string `json:"phones"`      // only requests about these
	Delay      Seconds  `json:"delay"`       // of kind slow_…
	RetryAfter Seconds  `json:"retry_after"` // header of a status; 0: none
}

// kind is how a request goes wrong. After: the operation was done (the phone rang, the contact exists), and the client is not told.
type kind struct {
	after  bool
	status int
	how    string // what is done instead of a plain error reply
}

// kinds by name. Those called X_before leave no trace; those called X_after have done their work.
var kinds = func() map[string]kind {
	m := map[string]kind{}
	for _, status := range []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests,
	} {
		m[strconv.Itoa(status)] = kind{status: status}                       // definite: nothing was done
		m[strconv.Itoa(status)+"_after"] = kind{status: status, after: true} // a lie: it was done all the same
	}
	for name, k := range map[string]kind{
		"408": {status: 408}, "500": {status: 500}, "503": {status: 503}, // JSON envelope with an error
		"502":       {status: 502, how: "html"},     // a proxy's page
		"200_error": {status: 200},                  // 200 with an error inside
		"307":       {status: 307, how: "redirect"}, // to the same operation
		"empty":     {status: 200, how: "empty"},    // 200 without a body
		"junk":      {status: 200, how: "junk"},     // 200 and no JSON
		"huge":      {status: 200, how: "huge"},     // 200 and 8 MiB
		"hang":      {how: "hang"},                  // never a reply
		"reset":     {how: "reset"},                 // the connection is reset
		"cut":       {status: 200, how: "cut"},      // half a reply, then the connection ends
		"slow":      {how: "slow"},                  // Delay, then as usual; before: even when the client has gone meanwhile
	} {
		m[name+"_before"] = k
		k.after = true
		m[name+"_after"] = k
	}
	return m
}()

// FaultKinds are the names of all kinds of faults, sorted.
func FaultKinds() []string {
	out := make([]string, 0, len(kinds))
	for name := range kinds {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func (f Fault) check() error {
	if _, known := kinds[f.Kind]; !known {
		return fmt.Errorf("unknown kind %q (one of %s)", f.Kind, strings.Join(FaultKinds(), ", "))
	}
	if f.Op != "" && !slices.ContainsFunc(operations, func(o operation) bool { return o.name == f.Op }) {
		return fmt.Errorf("unknown op %q", f.Op)
	}
	if f.Share < 0 || f.Share > 1 || f.Next < 0 || f.For < 0 || f.Delay < 0 || f.RetryAfter < 0 {
		return fmt.Errorf("%s: share must be between 0 and 1, the other numbers not negative", f.Kind)
	}
	set := 0
	for _, is := range []bool{f.Share > 0, f.Next > 0, f.For > 0} {
		if is {
			set++
		}
	}
	if set != 1 {
		return fmt.Errorf("%s: exactly one of share, next and for must be set", f.Kind)
	}
	return nil
}

func (f *Fault) meets(x *exchange) bool {
	return (f.Op == "" || x.op != nil && f.Op == x.op.name) && (len(f.Phones) == 0 || slices.Contains(f.Phones, x.phone))
}

// injection is a fault that was added at run time.
type injection struct {
	Fault           // Next counts down
	until time.Time // of a For
}

func (i *injection) spent(now time.Time) bool {
	return i.Next == 0 && !now.Before(i.until)
}

// Inject adds faults at run time. Those with Next or For come before the profile's; a Share is added to the profile's.
func (s *Server) Inject(faults ...Fault) error {
	for _, f := range faults {
		if err := f.check(); err != nil {
			return fmt.Errorf("inject fault: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		if f.Share > 0 {
			s.profile.Faults = append(slices.Clone(s.profile.Faults), f)
			continue
		}
		i := &injection{Fault: f}
		if f.For > 0 {
			i.until = s.now().Add(f.For.Duration())
		}
		s.injected = append(s.injected, i)
	}
	return nil
}

// ClearFaults ends all faults, the profile's too.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injected, s.profile.Faults = nil, nil
}

// pickFault decides what goes wrong with a request, if anything; the mutex is held.
func (s *Server) pickFault(x *exchange, now time.Time) *Fault {
	f := s.drawFault(x) // in any case: an injection must not shift what later requests draw
	s.injected = slices.DeleteFunc(s.injected, func(i *injection) bool { return i.spent(now) })
	for _, i := range s.injected {
		if i.meets(x) {
			i.Next = max(i.Next-1, 0)
			hit := i.Fault
			f = &hit
			break
		}
	}
	if f != nil {
		x.entry.Fault = f.Kind
	}
	return f
}

func (s *Server) drawFault(x *exchange) *Fault {
	if len(s.profile.Faults) == 0 || x.op == nil {
		return nil
	}
	key := x.op.name + " " + x.phone
	s.asked[key]++
	u := roll(s.cfg.Seed, "fault", key, strconv.Itoa(s.asked[key])).unit()
	for _, f := range s.profile.Faults {
		if !f.meets(x) {
			continue
		}
		if u -= f.Share; u < 0 {
			return &f
		}
	}
	return nil
}
