package campaign

import (
	"fmt"

	"github.com/dialerd/dialerd/region"
)

// Place is where a lead may be, made ready for asking.
type Place = region.Compiled

// CompilePlace makes the regions and zones of a lane ready for the campaign: with the law, or without where its rules say so.
func (p *Plan) CompilePlace(regions, zones []string) (*Place, error) {
	place, err := region.Default().Compile(regions, zones)
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	if p.Calling.Rules == RulesNone {
		return place.Unruled(), nil
	}
	return place, nil
}

// Versions names the rule tables and the zone data that decisions are made with.
func Versions() (rules, zones string) {
	t := region.Default()
	return t.Version() + "-" + t.Checksum(), region.ZoneVersion()
}
