package campaign

import (
	"fmt"
	"sync"

	"github.com/dialerd/dialerd/region"
)

// What an operator adds to the law. It never makes anything looser.
type (
	// Amendment is all of it: blocks, stricter hours, no-call days.
	Amendment = region.Amendment
	// Block closes a region for some time.
	Block = region.Block
	// OwnHours are stricter hours of a region, by weekday.
	OwnHours = region.OwnHours
	// NamedDay is a no-call day.
	NamedDay = region.NamedDay
	// Span is a time of day.
	Span = region.Span
)

// Rulebook is the law that decisions are made under: the built-in tables with what the operator added to them. It never changes.
type Rulebook struct {
	tables *region.Tables
	added  Amendment
}

// BuiltIn is the tables alone.
func BuiltIn() *Rulebook { return builtIn() }

var builtIn = sync.OnceValue(func() *Rulebook { return &Rulebook{tables: region.Default()} })

// NewRulebook adds an amendment to the built-in tables. Its number rises with every change; 0 is for none. The error names every
// mistake of the amendment; it is a mistake, too, when a newer version of the tables closes what the amendment opens.
func NewRulebook(number int64, added Amendment) (*Rulebook, error) {
	if number == 0 {
		return BuiltIn(), nil
	}
	tables, err := region.Default().Amend(number, added)
	if err != nil {
		return nil, fmt.Errorf("operator's rules %d: %w", number, err)
	}
	return &Rulebook{tables: tables, added: added}, nil
}

// CheckAmendment lists what is wrong with an amendment.
func CheckAmendment(added Amendment) []*region.AmendmentError { return region.CheckAmendment(added) }

// Number tells the operator's rules apart; 0 when there never were any.
func (b *Rulebook) Number() int64 { return b.tables.Amended() }

// Added is what the operator added.
func (b *Rulebook) Added() Amendment { return b.added }

// Tables are the tables with what was added.
func (b *Rulebook) Tables() *region.Tables { return b.tables }

// Name says in one word which rules these are, for decisions and their traces. See region.Tables.Name.
func (b *Rulebook) Name() string { return b.tables.Name() }
