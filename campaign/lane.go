package campaign

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// LaneID names the leads that could be in the same zones and regions, and so are under the same calling rules. A lane opens
// and closes as a whole. Both lists are sorted, as region.Locate returns them.
func LaneID(regions, zones []string) string {
	sum := sha256.Sum256([]byte(strings.Join(regions, ",") + "\x00" + strings.Join(zones, ",")))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// Lane is one lane at one instant.
type Lane struct {
	ID    string
	Place *Place
	Open  bool
	Until time.Time // when it closes or opens next; zero = never
}

// LanesAt looks at every lane at now and puts them in the order of serving: open ones first, the one that closes soonest
// before all others, then the closed ones by when they open. Lanes that never open come last.
func (p *Plan) LanesAt(places map[string]*Place, now time.Time) []Lane {
	lanes := make([]Lane, 0, len(places))
	for id, place := range places {
		w := p.Window(place, now)
		lanes = append(lanes, Lane{ID: id, Place: place, Open: w.Open, Until: w.Until})
	}
	slices.SortFunc(lanes, func(a, b Lane) int {
		if a.Open != b.Open {
			if a.Open {
				return -1
			}
			return 1
		}
		if c := compareEnd(a.Until, b.Until); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return lanes
}

// compareEnd orders times with the zero time, which stands for never, last.
func compareEnd(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}
