package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
)

// leadFilter says which leads are listed.
type leadFilter struct {
	campaign string
	state    string
	reason   string
	limit    int
	phones   bool // whole
}

// listedLead is a lead in `lead list`.
type listedLead struct {
	Lead        string `json:"lead"`
	Phone       string `json:"phone"` // masked unless asked for
	Key         text   `json:"key"`   // null when it is the phone
	State       string `json:"state"`
	Reason      text   `json:"reason"`
	Note        text   `json:"note"`
	Due         stamp  `json:"due"`
	Disposition text   `json:"disposition"`
	Attempts    int    `json:"attempts"`
}

// leadListJSON is what `lead list` prints.
type leadListJSON struct {
	Campaign string       `json:"campaign"`
	Total    int          `json:"total"` // that fit the filter
	Leads    []listedLead `json:"leads"` // the first of them, by phone
}

func (a *app) leadListCommand() *cobra.Command {
	var f leadFilter
	cmd := &cobra.Command{
		Use:   "list --campaign NAME",
		Short: "List leads of a campaign, by state and reason",
		Long: "Lists the leads of a campaign, those in one state or for one reason if that is said, with what was noted about them.\n" +
			"Phones are masked unless --phones asks for them. dialerd why PHONE says more about one of them.",
		Example: "  dialerd lead list --campaign spring --state held\n  dialerd lead list --campaign spring --reason no_consent --phones --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			out, err := a.listLeads(cmd.Context(), f)
			if err != nil {
				return err
			}
			return a.printLeadList(out)
		},
	}
	cmd.Flags().StringVar(&f.campaign, "campaign", "", "campaign of the leads")
	cmd.Flags().StringVar(&f.state, "state", "", "only leads in this state: "+words(campaign.LeadStates()))
	cmd.Flags().StringVar(&f.reason, "reason", "", "only leads that are held, wait or were closed for this reason")
	cmd.Flags().IntVar(&f.limit, "limit", 100, "most leads that are listed; 0 = all")
	cmd.Flags().BoolVar(&f.phones, "phones", false, "show whole phone numbers")
	a.jsonFlag(cmd)
	return cmd
}

// words joins the words of a vocabulary.
func words[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// check says what is wrong with the flags.
func (f *leadFilter) check() error {
	switch {
	case f.campaign == "":
		return usagef("--campaign NAME is missing: whose leads are meant?")
	case f.state != "" && !slices.Contains(campaign.LeadStates(), campaign.LeadState(f.state)):
		return usagef("--state %q is none; the states are %s", f.state, words(campaign.LeadStates()))
	case f.reason != "" && !slices.Contains(campaign.Reasons(), campaign.Reason(f.reason)):
		return usagef("--reason %q is none; the reasons are %s", f.reason, words(campaign.Reasons()))
	case f.limit < 0:
		return usagef("--limit %d: want 0 or more", f.limit)
	}
	return nil
}

// listLeads reads the leads that fit the filter.
func (a *app) listLeads(ctx context.Context, f leadFilter) (*leadListJSON, error) {
	if _, err := a.record(ctx, f.campaign); err != nil {
		return nil, err
	}
	found := map[string]*campaign.Lead{} // one lead may be seen twice while it changes
	err := a.store.EachLead(ctx, f.campaign, func(l *campaign.Lead) error {
		if (f.state == "" || string(l.State) == f.state) && (f.reason == "" || string(l.Reason) == f.reason) {
			found[l.ID] = l
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	leads := make([]*campaign.Lead, 0, len(found))
	for _, l := range found {
		leads = append(leads, l)
	}
	slices.SortFunc(leads, func(a, b *campaign.Lead) int { return strings.Compare(string(a.Phone)+a.ID, string(b.Phone)+b.ID) })
	out := &leadListJSON{Campaign: f.campaign, Total: len(leads), Leads: []listedLead{}}
	if f.limit > 0 {
		leads = leads[:min(len(leads), f.limit)]
	}
	for _, l := range leads {
		one := listedLead{
			Lead: l.ID, Phone: l.Phone.Masked(), State: string(l.State), Reason: text(l.Reason), Note: text(l.Note), Due: stamp(l.Due),
			Disposition: text(l.Disposition), Attempts: l.Spent(),
		}
		if f.phones {
			one.Phone = string(l.Phone)
		}
		switch {
		case l.Key == string(l.Phone):
		case strings.HasPrefix(l.Key, "+") && !f.phones: // the first of several phones
			one.Key = text(campaign.Phone(l.Key).Masked())
		default:
			one.Key = text(l.Key)
		}
		out.Leads = append(out.Leads, one)
	}
	return out, nil
}

func (a *app) printLeadList(out *leadListJSON) error {
	if a.json {
		return a.printJSON(out)
	}
	for i := range out.Leads {
		l := &out.Leads[i]
		why := strings.TrimSpace(string(l.Reason) + " " + parens(strings.TrimPrefix(string(l.Note), string(l.Reason)+": ")))
		line := fmt.Sprintf("%-16s %-12s %-7s %s", l.Phone, l.Lead, l.State, dash(why))
		if l.Key != "" {
			line += fmt.Sprintf("  key %s", l.Key)
		}
		a.say("%s\n", line)
	}
	switch more := out.Total - len(out.Leads); {
	case more > 0:
		a.say("… and %d more: --limit 0 lists all\n", more)
	case out.Total == 0:
		a.say("no lead of campaign %s fits\n", out.Campaign)
	}
	return nil
}
