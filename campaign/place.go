package campaign

import (
	"fmt"

	"github.com/dialerd/dialerd/region"
)

// Place is where a lead may be, made ready for asking.
type Place = region.Compiled

// CompilePlace makes the regions and zones of a lane ready for the campaign: with the law, or without where its rules say so.
func (p *Plan) CompilePlace(regions, zones []string) (*Place, error) {
	place, err := p.book.tables.Compile(regions, zones)
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	if p.Calling.Rules == RulesNone {
		return place.Unruled(), nil
	}
	return place, nil
}

// Versions names the built-in rule tables and the zone data. What the operator added has a say as well: see Plan.Versions.
func Versions() (rules, zones string) { return BuiltIn().Name(), region.ZoneVersion() }

// Versions names the rules and the zone data that the plan decides by.
func (p *Plan) Versions() (rules, zones string) { return p.book.Name(), region.ZoneVersion() }
