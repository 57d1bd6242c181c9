package config

import (
	"reflect"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/dialerd/dialerd/campaign"
)

// The words of an outcome.
const (
	wordClose    = "close"
	wordCallback = "callback_time"
)

// outcomeEntry is what follows a disposition: close, or a mapping.
type outcomeEntry struct {
	outcomeKeys
}

// outcomeKeys is the mapping form.
type outcomeKeys struct {
	Retry      []time.Duration `yaml:"retry" above:"0" doc:"delay before the next attempt, the first, second … time this happens; then the lead closes"`
	At         string          `yaml:"at" oneof:"callback_time" doc:"call again when the person asked for it"`
	Suppress   string          `yaml:"suppress" oneof:"campaign team global" doc:"never call the phone again, within this"`
	Automation string          `yaml:"automation" doc:"id of a Thoughtly automation to trigger"`
}

// decode reads either form.
func (o *outcomeEntry) decode(d *decoder, path string, node ast.Node) {
	node = d.resolve(path, node)
	if text, ok := scalarText(node); ok {
		d.mark(path, node.GetToken().Position.Line, text)
		if text != wordClose {
			d.fail(path, "is not an outcome; write close, {retry: [4h, 1d]}, {at: callback_time}, {suppress: team} or {automation: ID}%s",
				didYouMean(text, []string{wordClose}))
		}
		return
	}
	d.structure(path, node, reflect.ValueOf(&o.outcomeKeys).Elem())
	retry, at, suppress := d.has(join(path, "retry")), o.At != "", o.Suppress != ""
	switch {
	case retry && at:
		d.fail(path, "has both retry and at; keep one of the two")
	case (retry || at) && suppress:
		d.fail(path, "suppresses the phone and calls it again; keep one of the two")
	}
	if d.has(join(path, "automation")) && o.Automation == "" {
		d.fail(join(path, "automation"), "is empty; write the automation's id")
	}
}

// outcome is the entry as the rules take it.
func (o *outcomeEntry) outcome() campaign.Outcome {
	return campaign.Outcome{
		Retry:      o.Retry,
		AtCallback: o.At == wordCallback,
		Suppress:   campaign.Scope(o.Suppress),
		Automation: o.Automation,
	}
}

// outcomes are the file's own over the defaults. An entry replaces the default of its disposition as a whole.
func (f *campaignFile) outcomes(d *decoder) map[campaign.Disposition]campaign.Outcome {
	merged := campaign.DefaultOutcomes()
	var builtin []string
	for _, known := range campaign.Dispositions() {
		builtin = append(builtin, string(known))
	}
	for name, entry := range f.Outcomes {
		at := join("outcomes", name)
		disposition := campaign.Disposition(name)
		switch {
		case !campaign.ValidDisposition(disposition):
			d.fail(at, "is not a disposition; use 1 to 64 of a-z, 0-9 and underscore")
		case !slices.Contains(builtin, name) && !f.mapsTo(name) && nearest(name, builtin) != "":
			// A word of the campaign's own is fine, but this one is most likely a slip, and would change nothing.
			d.fail(at, "is close to a disposition that exists%s If it is one of your own, map a status to it under statuses",
				didYouMean(name, builtin))
		}
		if (disposition == campaign.DoNotCall || disposition == campaign.Suppressed) && entry.Suppress == "" && !d.failed(at, join(at, "suppress")) {
			d.fail(at, "does not suppress a phone whose owner said no; write {suppress: team}, or campaign or global")
		}
		merged[disposition] = entry.outcome()
	}
	return merged
}

// mapsTo reports whether the file maps a raw status to the disposition.
func (f *campaignFile) mapsTo(disposition string) bool {
	for _, to := range f.Statuses {
		if to == disposition {
			return true
		}
	}
	return false
}
