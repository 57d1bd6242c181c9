package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/dialerd/dialerd/campaign"
)

// rulesFile is what an operator adds to the calling rules, with the keys as people write them.
type rulesFile struct {
	Blocks     []blockEntry           `yaml:"blocks" doc:"times in which nobody in a region is called"`
	Hours      map[string]regionHours `yaml:"hours" doc:"region to stricter hours; a day that is not named keeps those of the tables"`
	NoCallDays map[string][]string    `yaml:"no_call_days" doc:"region to dates, as in 2027-04-27 or 2027-04-27 Koningsdag"`
}

type blockEntry struct {
	Region string `yaml:"region" required:"true" doc:"country or state of the tables, as in FR or US-LA"`
	From   string `yaml:"from" required:"true" doc:"first day by the region's own time, as in 2026-08-28, or an instant"`
	To     string `yaml:"to" required:"true" doc:"last day, or the instant of its end"`
	Reason string `yaml:"reason" required:"true" doc:"why, shown for every lead that waits for it"`
}

// regionHours is stricter hours of a region: {mon-fri: "10:00-20:00", sun: closed}.
type regionHours struct {
	days campaign.OwnHours
}

// decode reads the days and their spans. No day may be named twice.
func (h *regionHours) decode(d *decoder, path string, node ast.Node) {
	h.days = campaign.OwnHours{}
	d.each(path, node, func(key string, value ast.Node) {
		at := join(path, key)
		days, err := parseDays(key)
		if err != nil {
			d.fail(at, "%s", err)
		}
		text, ok := d.text(at, value, `hours, as in "10:00-20:00", or closed`)
		if !ok || err != nil {
			return
		}
		spans, err := parseSpans(text)
		if err != nil {
			d.fail(at, "%s", err)
			return
		}
		slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
		for _, day := range days {
			if _, twice := h.days[weekdays[day]]; twice {
				d.fail(at, "names %s, which another key names too; keep one of the two", weekdays[day])
				return
			}
			own := make([]campaign.Span, len(spans))
			for i, s := range spans {
				own[i] = campaign.Span{From: s.from, To: s.to}
			}
			h.days[weekdays[day]] = own
		}
	})
}

func (*regionHours) schema() schema { return (*weekHours)(nil).schema() }

// RulesSchema is the JSON Schema of a file of operator's rules.
func RulesSchema() []byte {
	return schemaOf("dialerd rules", reflect.ValueOf(&rulesFile{}).Elem())
}

// LoadRules reads a file of operator's rules and checks it against the built-in tables. The error is Problems when the file was read and
// something in it is wrong: an unknown region, a day that is none, hours that are looser than the law.
func LoadRules(path string) (campaign.Amendment, error) {
	text, err := readFile(path)
	if err != nil {
		return campaign.Amendment{}, fmt.Errorf("read rules: %w", err)
	}
	return parseRules(path, text)
}

func parseRules(file string, text []byte) (campaign.Amendment, error) {
	var a campaign.Amendment
	docs, problem := parse(file, text)
	switch {
	case problem != nil:
		return a, Problems{*problem}
	case len(docs) == 0:
		return a, Problems{{File: file, Message: "holds no rules; write blocks, hours or no_call_days"}}
	case len(docs) > 1:
		return a, Problems{{File: file, Line: docs[1].GetToken().Position.Line, Message: "begins a second document; write all rules into one"}}
	}
	d := newDecoder(file)
	var f rulesFile
	d.value("", docs[0], reflect.ValueOf(&f).Elem(), "")
	for _, b := range f.Blocks {
		a.Blocks = append(a.Blocks, campaign.Block{Region: b.Region, From: b.From, To: b.To, Reason: b.Reason})
	}
	for region, hours := range f.Hours {
		if a.Hours == nil {
			a.Hours = map[string]campaign.OwnHours{}
		}
		a.Hours[region] = hours.days
	}
	for region, days := range f.NoCallDays {
		if a.NoCallDays == nil {
			a.NoCallDays = map[string][]campaign.NamedDay{}
		}
		for _, day := range days {
			date, name, _ := strings.Cut(day, " ")
			a.NoCallDays[region] = append(a.NoCallDays[region], campaign.NamedDay{Date: date, Name: strings.TrimSpace(name)})
		}
	}
	for _, mistake := range campaign.CheckAmendment(a) {
		switch {
		case d.spoilt(mistake.Field):
		case d.at[mistake.Field].text == "" && mistake.Value != "":
			d.fail(mistake.Field, "%q %s", mistake.Value, mistake.Problem)
		default:
			d.fail(mistake.Field, "%s", mistake.Problem)
		}
	}
	if err := d.problems.err(); err != nil {
		return campaign.Amendment{}, err
	}
	return a, nil
}

// spoilt reports whether a mistake was noted in a field or inside of it.
func (d *decoder) spoilt(path string) bool {
	for bad := range d.bad {
		if bad == path || strings.HasPrefix(bad, path+".") || strings.HasPrefix(bad, path+"[") {
			return true
		}
	}
	return false
}
