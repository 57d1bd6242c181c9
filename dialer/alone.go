package dialer

import (
	"context"
	"time"
)

// aloneLease is how long a lock is held without a sign of life. It is short, so that work whose daemon died keeps the others waiting for
// no longer.
const aloneLease = 20 * time.Second

// alone does something that one daemon of the fleet at a time may do; nothing when somebody is at it. The lock is renewed while it goes
// on, and the context ends when another daemon has got it all the same. Owner names this run.
func (d *Dialer) alone(ctx context.Context, name, owner string, do func(context.Context) error) error {
	if free, _, err := d.Store.Lock(ctx, name, owner, aloneLease, d.Now()); err != nil || !free {
		return err // somebody is still at it
	}
	ctx, cancel := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		for sleep(ctx, aloneLease/4) {
			if still, _, err := d.Store.Lock(ctx, name, owner, aloneLease, d.Now()); err == nil && !still {
				cancel() // this daemon has slept, and another one is at it
			}
		}
	}()
	err := do(ctx)
	cancel()
	<-renewed
	if err := d.Store.Unlock(context.WithoutCancel(ctx), name, owner); err != nil {
		d.Log.Warn("lock not given back; the next one comes later", "lock", name, "err", err)
	}
	return err
}
