package thoughtly

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Permit is a request slot in the hand: the right to send one call, now. It lets the caller wait for the slot first and bind the
// lead last. Its life is Client.Timeout, counted from At: the limiter may hand the slot to somebody else after that.
type Permit struct {
	c       *Client
	op      op
	class   string
	slot    Slot
	granted time.Time // this process' clock when Take returned
	used    atomic.Bool
}

// acquire takes a slot for op. Every request of the package begins here.
func (c *Client) acquire(ctx context.Context, o op, class string) (*Permit, error) {
	if err := c.Validate(); err != nil {
		return nil, &Error{Op: o.name, Kind: KindNotSent, Message: c.clean(err.Error()), fault: FaultOurs}
	}
	if c.class != "" {
		class = c.class
	}
	if p := c.first.Swap(nil); p != nil && !p.Spent() && p.left(c.Now(), time.Time{}) > 0 {
		return p, nil
	}
	slot, err := c.Limiter.Take(ctx, class)
	if err != nil {
		e := &Error{Op: o.name, Kind: KindNotSent, Message: c.clean("no request slot: " + err.Error()), fault: FaultLimit, cause: err}
		if errors.Is(err, context.Canceled) {
			e.fault = FaultOurs
		}
		return nil, e
	}
	return &Permit{c: c, op: o, class: class, slot: slot, granted: c.Now()}, nil
}

// At is the shared clock's time at which the slot opened.
func (p *Permit) At() time.Time { return p.slot.At }

// Now is the shared clock's time now: At plus what has passed here since. It is the moment to decide by.
func (p *Permit) Now() time.Time { return p.slot.At.Add(p.age(p.c.Now())) }

// Skew is how far this process' wall clock was ahead of the shared one when the slot opened. More than a second or two means that
// one of the clocks is wrong, or that the process slept between the limiter's answer and now: release the permit.
func (p *Permit) Skew() time.Duration { return p.granted.Sub(p.slot.At) }

// Release gives the slot back unused. It does nothing once the permit is used or released.
func (p *Permit) Release() {
	if p.used.CompareAndSwap(false, true) {
		p.done(Reply{})
	}
}

// Spent reports whether the permit was used or released.
func (p *Permit) Spent() bool { return p.used.Load() }

// Client returns a copy of the client whose first request goes on this permit, as long as it lives; later ones take slots of the
// permit's class. The permit stays the caller's to release: that does nothing once it is used.
func (p *Permit) Client() *Client {
	c := p.c.As(p.class)
	c.first.Store(p)
	return c
}

// age is the time since the slot opened. The wall clock counts as well as the monotonic one, which stands still while a machine
// sleeps; of the two the longer is the careful one.
func (p *Permit) age(now time.Time) time.Duration {
	return max(now.Sub(p.granted), now.Round(0).Sub(p.granted.Round(0)), 0)
}

// left is how long the permit's request may still take: never past the slot's own life, nor past deadline (shared clock) unless that is zero.
func (p *Permit) left(now, deadline time.Time) time.Duration {
	left := p.c.timeout() - p.age(now)
	if !deadline.IsZero() {
		left = min(left, deadline.Sub(p.slot.At)-p.age(now))
	}
	return left
}

func (p *Permit) done(r Reply) {
	if p.slot.Done != nil {
		p.slot.Done(r)
	}
}
