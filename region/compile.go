package region

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Compiled is a set of regions and zones made ready for asking. It may be used by many goroutines; what it found out last
// is remembered, so asking again costs a comparison and no allocation.
type Compiled struct {
	key     string
	regions []string
	zones   []string
	laws    []*Law
	clocks  []clock
	eras    []era // at least one
	rules   string
	unruled *Compiled // the same zones without any law

	mu   sync.Mutex
	memo [memoSize]memo
	next int // which memo is replaced next
}

// clock is one zone and the laws that are read on its clock.
type clock struct {
	zone string
	loc  *time.Location
	laws []*Law
	// own is false for the clocks that only a statute names: neither the campaign's nor the operator's hours are read on those.
	own bool
}

// Compile makes a set of regions and zones ready. Equal sets share one Compiled. An unknown region or zone is an error. A
// set without regions or without zones is never open.
func (t *Tables) Compile(regions, zones []string) (*Compiled, error) {
	regions, zones = unique(regions), unique(zones)
	key := placeKey(regions, zones)
	if c, ok := t.ready(key); ok {
		return c, nil
	}
	c := &Compiled{key: key, regions: regions, zones: zones, rules: t.Name()}
	for _, name := range regions {
		law, ok := t.laws[name]
		if !ok {
			return nil, fmt.Errorf("place %s: region %q has no rule", key, name)
		}
		c.laws = append(c.laws, law)
	}
	c.eras = eras(c.laws)
	lawless := &Compiled{key: key, regions: regions, zones: zones, rules: c.rules, eras: make([]era, 1)}
	lawless.unruled = lawless
	c.unruled = lawless
	for _, name := range zones {
		loc, err := Zone(name)
		if err != nil {
			return nil, fmt.Errorf("place %s: %w", key, err)
		}
		lawless.clocks = append(lawless.clocks, clock{zone: name, loc: loc, own: true})
		if len(c.laws) > 0 {
			c.clocks = append(c.clocks, clock{zone: name, loc: loc, laws: c.laws, own: true})
		}
	}
	if err := c.addStatuteClocks(); err != nil {
		return nil, fmt.Errorf("place %s: %w", key, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if other, ok := t.compiled[key]; ok {
		return other, nil
	}
	t.compiled[key] = c
	return c, nil
}

// addStatuteClocks adds the clocks that a rule names itself ("California time"), where they are not among the zones.
func (c *Compiled) addStatuteClocks() error {
	if len(c.clocks) == 0 {
		return nil
	}
	for _, law := range c.laws {
		for _, name := range law.clocks() {
			if slices.Contains(c.zones, name) {
				continue
			}
			loc, err := Zone(name)
			if err != nil {
				return err
			}
			c.clocks = append(c.clocks, clock{zone: name, loc: loc, laws: []*Law{law}})
		}
	}
	return nil
}

// clocks are the zones that any row of the law names itself, each once.
func (l *Law) clocks() []string {
	var names []string
	for _, r := range l.Rows {
		names = append(names, r.Clocks...)
	}
	return unique(names)
}

// ByKey is Compile for a key as Place.Key and Compiled.Key return it. It allocates nothing when the place is known already.
func (t *Tables) ByKey(key string) (*Compiled, error) {
	if c, ok := t.ready(key); ok {
		return c, nil
	}
	regions, zones, ok := strings.Cut(key, "|")
	if !ok {
		return nil, fmt.Errorf("place %q: want regions|zones", clip(key))
	}
	return t.Compile(fields(regions), fields(zones))
}

func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

func (t *Tables) ready(key string) (*Compiled, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	c, ok := t.compiled[key]
	return c, ok
}

// Key names the place. See Place.Key.
func (c *Compiled) Key() string { return c.key }

// Regions lists the regions, sorted. The slice must not be changed.
func (c *Compiled) Regions() []string { return c.regions }

// Zones lists the zones, sorted. The slice must not be changed.
func (c *Compiled) Zones() []string { return c.zones }

// Rules names the rules that the place is judged by. See Tables.Name.
func (c *Compiled) Rules() string { return c.rules }

// CapsAt lists the caps of all regions that hold at t; see Tables.Caps. The slice must not be changed.
func (c *Compiled) CapsAt(t time.Time) []Cap { return c.era(t).caps }

// SourcesAt says where the hours of each region at t come from and how sure that is. The slice must not be changed.
func (c *Compiled) SourcesAt(t time.Time) []string { return c.era(t).sources }

// NeedsConsentAt reports whether any of the regions bars automated sales calls without consent at t.
func (c *Compiled) NeedsConsentAt(t time.Time) bool { return c.era(t).consent }

// Unruled is the same place without any law (rules: none): only the campaign's own hours count there, in every zone. It has
// no caps and asks for no consent. A place without zones stays closed.
func (c *Compiled) Unruled() *Compiled { return c.unruled }
