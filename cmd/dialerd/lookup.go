package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store"
)

// group is a command that only holds others.
func group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(subs...)
	return cmd
}

// record reads a campaign. Of one that is not there it says what to do.
func (a *app) record(ctx context.Context, name string) (*store.Record, error) {
	st, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	r, err := st.Campaign(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w\nSee what there is with: dialerd campaign list\nAdd one with: dialerd campaign apply FILE\n%s", err, a.lookedIn())
	}
	return r, err
}

// records reads the campaigns of a name, or all of them when the name is empty.
func (a *app) records(ctx context.Context, name string) ([]*store.Record, error) {
	if name != "" {
		r, err := a.record(ctx, name)
		if err != nil {
			return nil, err
		}
		return []*store.Record{r}, nil
	}
	st, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	return st.Campaigns(ctx)
}

// phones reads numbers as people type them. A national number belongs to the country of the campaign's lists, or of all
// campaigns' when none is named, if that leaves no doubt. What cannot be read is the caller's mistake, all of it at once.
func (a *app) phones(ctx context.Context, texts []string, name string) ([]campaign.Phone, error) {
	var countries []string
	asked := false
	var errs []error
	phones := make([]campaign.Phone, 0, len(texts))
	for i, text := range texts {
		phone, err := region.ParsePhone(text, "")
		if bad, ok := errors.AsType[*region.PhoneError](err); ok && bad.Code == region.PhoneNoCountry {
			if !asked {
				records, err := a.records(ctx, name)
				if err != nil {
					return nil, err
				}
				countries, asked = countriesOf(records), true
			}
			phone, err = national(text, countries, err)
		}
		if err != nil {
			if bad, ok := errors.AsType[*region.PhoneError](err); ok && bad.Code == region.PhoneNoCountry {
				err = errors.New("has no country code; write it with + and the code, as in +12125550123")
			}
			errs = append(errs, fmt.Errorf("phone %d of %d: %s: %w", i+1, len(texts), campaign.Phone(text).Masked(), err))
			continue
		}
		phones = append(phones, campaign.Phone(phone.E164))
	}
	if len(errs) > 0 {
		return nil, usage(errors.Join(errs...))
	}
	return phones, nil
}

// phone reads one number; see phones.
func (a *app) phone(ctx context.Context, text, name string) (campaign.Phone, error) {
	phones, err := a.phones(ctx, []string{text}, name)
	if err != nil {
		return "", err
	}
	return phones[0], nil
}

// national reads a number without a country in each of the countries; there must be one reading.
func national(text string, countries []string, cause error) (region.Phone, error) {
	var found region.Phone
	for _, country := range countries {
		phone, err := region.ParsePhone(text, country)
		switch {
		case err != nil:
			if len(countries) == 1 {
				cause = err
			}
		case found.E164 != "" && found.E164 != phone.E164:
			return found, fmt.Errorf("the number could be in %s; write it with + and the country code", strings.Join(countries, ", "))
		default:
			found = phone
		}
	}
	if found.E164 == "" {
		return found, cause
	}
	return found, nil
}

// countriesOf lists the countries that campaigns' lists belong to, each once.
func countriesOf(records []*store.Record) []string {
	var countries []string
	seen := map[string]bool{"": true}
	for _, r := range records {
		for _, source := range r.Leads {
			if !seen[source.Country] {
				seen[source.Country] = true
				countries = append(countries, source.Country)
			}
		}
	}
	return countries
}

const (
	quietPoll   = 50 * time.Millisecond
	quietNotice = time.Second     // waits longer than this are explained
	quietMargin = 8 * time.Second // no request lives longer than its timeout and this
)

// quiet waits until no request of a scope can reach the API any more: each has its answer, or its deadline on the wire has
// passed. That is the request timeout at most, whatever the workers do. The hold or list that keeps new ones from
// beginning has to be written before. A deadline beyond that is an error: clocks or timeouts of the fleet disagree.
func (a *app) quiet(ctx context.Context, scope store.Scope) error {
	tick := time.NewTicker(quietPoll)
	defer tick.Stop()
	longest := time.Duration(0)
	for i := range a.settings.Teams {
		longest = max(longest, a.settings.Teams[i].Timeout)
	}
	limit := time.NewTimer(longest + quietMargin)
	defer limit.Stop()
	began, told := a.now(), false
	for {
		now, err := a.store.Now(ctx)
		if err != nil {
			return err
		}
		pending, latest, err := a.store.Quiet(ctx, scope, now)
		if err != nil || pending == 0 {
			return err
		}
		if !told && a.now().Sub(began) >= quietNotice {
			told = true
			a.note("waiting for %s under way, %s at most\n", plural(pending, "request"), latest.Sub(now).Round(time.Second))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s under way: %w", plural(pending, "request"), ctx.Err())
		case <-limit.C:
			return fmt.Errorf("%s under way, until %s by their own account, which is longer than the timeout of any team: "+
				"do the settings and clocks of all daemons agree?", plural(pending, "request"), stamp(latest))
		case <-tick.C:
		}
	}
}

// plural is a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
