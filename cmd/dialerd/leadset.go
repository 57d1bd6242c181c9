package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store"
)

// leadFlags are what may be said of a lead by hand.
type leadFlags struct {
	values map[string]*string // by role
	urgent bool
}

// leadRoles are the roles that have a flag, and what the flag is for.
var leadRoles = []struct{ role, usage string }{
	{campaign.RoleName, "name of the person"},
	{campaign.RoleEmail, "e-mail address"},
	{campaign.RoleState, "state or province: code or name"},
	{campaign.RoleZIP, "ZIP or postal code"},
	{campaign.RoleTimezone, "IANA zone, as in America/New_York"},
	{campaign.RoleCountry, "country, as in US"},
	{campaign.RolePriority, fmt.Sprintf("higher goes first, %d to %d", campaign.MinPriority, campaign.MaxPriority)},
	{campaign.RoleNotBefore, "not called before this time"},
	{campaign.RoleNotAfter, "not called from this time on"},
	{campaign.RoleConsent, "evidence of consent: where it came from"},
	{campaign.RoleConsentAt, "when consent was given"},
	{campaign.RoleConsentSource, "where the evidence of consent can be found"},
	{campaign.RoleConsentScope, "what the consent is for"},
}

func flagName(role string) string { return strings.ReplaceAll(role, "_", "-") }

func (o *leadFlags) flags(cmd *cobra.Command) {
	o.values = map[string]*string{}
	for _, r := range leadRoles {
		o.values[r.role] = cmd.Flags().String(flagName(r.role), "", r.usage)
	}
	cmd.Flags().BoolVar(&o.urgent, "urgent", false, "before all others")
}

// roles are the values that were given, checked.
func (o *leadFlags) roles(cmd *cobra.Command) (map[string]string, error) {
	given := map[string]string{}
	for _, r := range leadRoles {
		if !cmd.Flags().Changed(flagName(r.role)) {
			continue
		}
		v := strings.TrimSpace(*o.values[r.role])
		given[r.role] = v
		if v == "" {
			continue
		}
		switch r.role {
		case campaign.RolePriority:
			if n, err := strconv.Atoi(v); err != nil || n < campaign.MinPriority || n > campaign.MaxPriority {
				return nil, usagef("--priority %q: want a whole number from %d to %d", v, campaign.MinPriority, campaign.MaxPriority)
			}
		case campaign.RoleNotBefore, campaign.RoleNotAfter, campaign.RoleConsentAt:
			if _, err := campaign.ParseTime(v, nil); err != nil {
				return nil, usagef("--%s: %w; write it as 2026-03-09T14:30:00-05:00 or 2026-03-09 14:30", flagName(r.role), err)
			}
		case campaign.RoleTimezone:
			if err := campaign.CheckZone(v); err != nil {
				return nil, usagef("--timezone: %w", err)
			}
		}
	}
	return given, nil
}

func (a *app) leadSetCommand() *cobra.Command {
	var o leadFlags
	var t leadTarget
	var reason string
	cmd := &cobra.Command{
		Use:   "set PHONE --campaign NAME",
		Short: "Change what is known of a lead",
		Long: "Changes what is known of a lead. What is set here takes the place of the list's column and survives every import; an\n" +
			"empty value (--state \"\") lifts it again. Attributes come from the list alone.",
		Example: "  dialerd lead set +12125550123 --campaign spring --timezone America/New_York --state NY\n" +
			"  dialerd lead set +12125550123 --campaign spring --urgent",
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := o.roles(cmd)
			if err != nil {
				return err
			}
			if len(given) == 0 && !cmd.Flags().Changed("urgent") {
				return usagef("nothing to set: name at least one of --urgent, --%s", strings.Join(flagNames(), ", --"))
			}
			r, l, err := a.lead(cmd.Context(), args[0], t)
			if err != nil {
				return err
			}
			e := &leadEdit{app: a, record: r, lead: l, given: given}
			if err := e.place(cmd.Context()); err != nil {
				return err
			}
			if e.problem != "" && e.moves() && l.State != campaign.LeadHeld && l.State != campaign.LeadClosed {
				return fmt.Errorf("with that the lead could not be called at all: %s", e.problem)
			}
			if cmd.Flags().Changed("urgent") {
				e.edit.Urgent = &o.urgent
			}
			e.edit.Why = reason
			if err := a.store.EditLead(cmd.Context(), r.Name, l.ID, e.edit); err != nil {
				return explain(err, l)
			}
			if l.State == campaign.LeadHeld {
				a.note("the lead is still held; let it be called with: dialerd lead release\n")
			}
			return a.showAgain(cmd.Context(), l)
		},
	}
	o.flags(cmd)
	t.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever looks at it later")
	a.jsonFlag(cmd)
	return cmd
}

func flagNames() []string {
	names := make([]string, len(leadRoles))
	for i, r := range leadRoles {
		names[i] = flagName(r.role)
	}
	return names
}

// leadEdit is a change of a lead by hand, with the place that follows from it.
type leadEdit struct {
	app    *app
	record *store.Record
	lead   *campaign.Lead
	given  map[string]string

	edit    store.Edit
	plan    *campaign.Plan
	after   campaign.Lead   // as it will be
	at      *campaign.Place // nil when nobody can say
	problem string          // why it has no place or no opening, for people
}

// moves reports whether the edit says where the lead is.
func (e *leadEdit) moves() bool {
	for _, role := range []string{campaign.RoleState, campaign.RoleZIP, campaign.RoleTimezone, campaign.RoleCountry} {
		if _, ok := e.given[role]; ok {
			return true
		}
	}
	return false
}

// place works out what the lead will be, and makes its lane known.
func (e *leadEdit) place(ctx context.Context) error {
	lists, err := e.app.store.Lists(ctx, e.record.Name)
	if err != nil {
		return err
	}
	list := lists[e.lead.List]
	if e.plan, err = e.app.plan(ctx, e.record); err != nil {
		return err
	}
	e.after = *e.lead
	e.edit.Overrides = e.given
	// value is what will hold for a role: what is given, else what holds now; lifted, what the row says.
	value := func(role, now string) string {
		v, ok := e.given[role]
		switch {
		case !ok:
			return now
		case v == "":
			return list.Cell(e.lead.Row, role)
		}
		return v
	}
	e.after.Province = value(campaign.RoleState, e.lead.Province)
	e.after.ZIP = value(campaign.RoleZIP, e.lead.ZIP)
	e.after.Zone = value(campaign.RoleTimezone, e.lead.Zone)
	said := list.Cell(e.lead.Row, campaign.RoleCountry)
	if said == "" && e.lead.Country != list.Country {
		said = e.lead.Country
	}
	said = value(campaign.RoleCountry, said)
	e.after.Consent = value(campaign.RoleConsent, e.lead.Consent)
	e.after.ConsentSource = value(campaign.RoleConsentSource, e.lead.ConsentSource)
	e.after.ConsentScope = value(campaign.RoleConsentScope, e.lead.ConsentScope)
	if v, ok := e.given[campaign.RoleConsentAt]; ok {
		if v == "" {
			v = list.Cell(e.lead.Row, campaign.RoleConsentAt)
		}
		e.after.ConsentAt, _ = campaign.ParseTime(v, e.plan.Schedule.Location()) // was checked; a bad cell counts as none
	}
	if v, ok := e.given[campaign.RolePriority]; ok {
		if v == "" {
			v = list.Cell(e.lead.Row, campaign.RolePriority)
		}
		n, _ := strconv.Atoi(v) // was checked; a bad cell counts as none
		e.edit.Priority = &n
	}
	found := campaign.Locate(
		region.Signals{Phone: string(e.lead.Phone), State: e.after.Province, ZIP: e.after.ZIP, Country: said, Zone: e.after.Zone}, e.lead.Phones)
	if !found.Problem.None() {
		e.problem = found.Problem.String()
		return nil
	}
	if e.at, err = e.plan.CompilePlace(found.Regions, found.Zones); err != nil {
		e.problem = err.Error()
		return nil //nolint:nilerr // that nobody can place the lead is the answer
	}
	if w := e.plan.Window(e.at, e.app.now()); !w.Open && w.Until.IsZero() {
		e.problem = string(w.Reason) + ": " + w.Blame
	}
	lane := campaign.LaneID(found.Regions, found.Zones)
	if err := e.app.store.PutLanes(ctx, e.record.Name, map[string]store.Place{lane: {Zones: found.Zones, Regions: found.Regions}}); err != nil {
		return err
	}
	e.edit.Lane = &lane
	return nil
}
