package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/dialerd/dialerd/thoughtly"
)

// Subscriptions see to it that Thoughtly posts each agent's events to us. Fill it, then use it from any number of goroutines.
type Subscriptions struct {
	// PublicURL is where Thoughtly reaches the Handler, see CheckURL.
	PublicURL string
	// Lock lets one daemon of the fleet work on a team's subscriptions: held is false while another does. Release is called when the
	// work is done. Nil means that there is only one daemon.
	Lock func(ctx context.Context, team string) (held bool, release func(), err error)

	mu    sync.Mutex
	blind map[thoughtly.Subscription]bool // subscribed without having seen the list
}

// Ensured is what Ensure found and did.
type Ensured struct {
	Held    bool // false: another daemon is at it, nothing was done
	Wanted  int  // subscriptions that there should be
	Added   int
	Removed int
}

// Ensure subscribes what is missing for a team's agents, then ends what is left of ours that nobody needs: addresses with an old
// secret or of an agent that is no longer used. Without agents it changes nothing. Call it at the start and every few minutes, since
// subscriptions have been seen to vanish; it costs one request when all is well. After an error the rest has been done all the
// same, unless it would have met the same one.
func (s *Subscriptions) Ensure(ctx context.Context, client *thoughtly.Client, team string, agents []string) (done Ensured, err error) {
	if err := CheckURL(s.PublicURL); err != nil {
		return done, err
	}
	agents = slices.Compact(slices.Sorted(slices.Values(agents)))
	for _, agent := range agents {
		if agent == "" || len(agent) > maxAgent {
			return done, fmt.Errorf("subscribe team %s: agent %.20q: an id has 1 to %d characters; mend it in the campaign file", team, agent, maxAgent)
		}
	}
	secret := Secret(client.Token, team)
	if secret == "" {
		return done, fmt.Errorf("subscribe team %s: api_token is empty; copy it from Settings, Developer", team)
	}
	if len(agents) == 0 {
		return Ensured{Held: true}, nil
	}
	if s.Lock != nil {
		held, release, err := s.Lock(ctx, team)
		if err != nil {
			return done, fmt.Errorf("lock the subscriptions of team %s: %w", team, err)
		}
		if !held {
			return done, nil
		}
		defer release()
	}
	done.Held = true
	err = s.ensure(ctx, client, hooks(s.PublicURL, secret, team, agents), &done)
	if err != nil {
		return done, fmt.Errorf("subscriptions of team %s: %w", team, err)
	}
	return done, nil
}

func (s *Subscriptions) ensure(ctx context.Context, client *thoughtly.Client, wanted []thoughtly.Subscription, done *Ensured) error {
	done.Wanted = len(wanted)
	var errs []error
	existing, err := client.ListWebhooks(ctx)
	add, remove := Plan(existing, wanted, s.PublicURL)
	if err != nil {
		if hopeless(err) {
			return err
		}
		// The shape of this reply is undocumented. Without it subscribe all the same, once: that is a success when it is there already.
		errs = append(errs, err)
		add, remove = s.unseen(wanted), nil
	}
	for _, sub := range add {
		if err := client.Subscribe(ctx, sub); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", sub, err))
			if hopeless(err) {
				return errors.Join(errs...)
			}
			continue
		}
		s.saw(sub)
		done.Added++
	}
	for _, sub := range remove { // after adding, so that there is no gap
		if err := client.Unsubscribe(ctx, sub); err != nil && !gone(err) {
			errs = append(errs, fmt.Errorf("%s: %w", sub, err))
			if hopeless(err) {
				return errors.Join(errs...)
			}
			continue
		}
		done.Removed++
	}
	return errors.Join(errs...)
}

// unseen is what this process has not subscribed yet.
func (s *Subscriptions) unseen(wanted []thoughtly.Subscription) []thoughtly.Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(wanted), func(sub thoughtly.Subscription) bool { return s.blind[sub] })
}

func (s *Subscriptions) saw(sub thoughtly.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blind == nil {
		s.blind = map[thoughtly.Subscription]bool{}
	}
	s.blind[sub] = true
}

// hopeless says whether the next request would fail for the same reason: it was not heard, let in or answered, or there is no time left.
func hopeless(err error) bool {
	e, ok := errors.AsType[*thoughtly.Error](err)
	if !ok {
		return true
	}
	switch e.Kind {
	case thoughtly.KindNotSent, thoughtly.KindThrottled, thoughtly.KindUnauthorized:
		return true
	case thoughtly.KindAmbiguous:
		return e.Status == 0 || e.Status >= http.StatusInternalServerError
	case thoughtly.KindRejected, thoughtly.KindNotFound:
	}
	return false
}

// gone says whether what should go was not there.
func gone(err error) bool {
	e, ok := errors.AsType[*thoughtly.Error](err)
	return ok && e.Kind == thoughtly.KindNotFound
}

// Plan says what to subscribe and what to unsubscribe. It removes only what has an address of ours, one that begins with prefix (a
// public_url) and was made for a team that something is wanted for: the teams of a fleet may be listed together, and each minds its own.
// An entry without data counts as one for the agent in its address, since the API need not show it.
func Plan(existing, wanted []thoughtly.Subscription, prefix string) (add, remove []thoughtly.Subscription) {
	teams := map[string]bool{}
	for _, sub := range wanted {
		if d, mine := ours(prefix, sub.URL); mine {
			teams[d.team] = true
		}
	}
	present := map[thoughtly.Subscription]bool{}
	for _, sub := range existing {
		d, mine := ours(prefix, sub.URL)
		if !mine || !teams[d.team] {
			continue
		}
		sub.ID, sub.Type, sub.Data = "", or(strings.ToUpper(sub.Type), d.kind), or(sub.Data, d.agent)
		if present[sub] {
			continue
		}
		present[sub] = true
		if !slices.Contains(wanted, sub) {
			remove = append(remove, sub)
		}
	}
	for _, sub := range wanted {
		if !present[sub] {
			present[sub] = true
			add = append(add, sub)
		}
	}
	return add, remove
}
