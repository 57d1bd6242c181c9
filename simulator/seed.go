package simulator

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"time"
)

// dice is a small deterministic source of numbers (splitmix64). It is seeded by what a draw is about, not by when it happens, so
// that concurrent requests cannot change what comes out.
type dice struct{ state uint64 }

// roll returns the dice of one subject: the same seed and parts give the same sequence.
func roll(seed uint64, parts ...string) *dice {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * prime
		}
		h = (h ^ 0xff) * prime // ("ab","c") differs from ("a","bc")
	}
	d := &dice{state: h ^ (seed * 0x9e3779b97f4a7c15)}
	d.next() // spreads seeds that differ in one bit
	return d
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// unit is in [0, 1).
func (d *dice) unit() float64 { return float64(d.next()>>11) / (1 << 53) }

// hit is true in a share p of the draws; p ≤ 0 never, p ≥ 1 always.
func (d *dice) hit(p float64) bool { return d.unit() < p }

// below is in [0, n).
func (d *dice) below(n int) int { return int(d.unit() * float64(n)) }

func (d *dice) between(s Span) time.Duration {
	return (s.Min + Seconds(d.unit())*(s.Max-s.Min)).Duration()
}

// exponential has the given mean.
func (d *dice) exponential(mean Seconds) Seconds { return -mean * Seconds(math.Log1p(-d.unit())) }

func (d *dice) uuid() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], d.next())
	binary.BigEndian.PutUint64(b[8:], d.next())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, variant 1
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// pick returns one of the choices.
func pick[T any](d *dice, choices ...T) T { return choices[d.below(len(choices))] }
