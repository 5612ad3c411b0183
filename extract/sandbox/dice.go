package sandbox

import "math/bits"

// dice is a source of decisions that depend on nothing but its seed. A copy
// repeats the same throws.
type dice struct{ state uint64 }

// newDice returns the dice of a subject: the same numbers give the same dice.
func newDice(seed uint64, subject ...uint64) dice {
	h := mix(seed ^ 0x6f66666572)
	for _, s := range subject {
		h = mix(h ^ s)
	}
	return dice{h}
}

// mix is the finaliser of splitmix64, a bijection that scatters its input.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return mix(d.state)
}

// below returns a number from 0 to n-1.
func (d *dice) below(n int) int {
	hi, _ := bits.Mul64(d.next(), uint64(n))
	return int(hi)
}

// between returns a number from lo to hi, both included.
func (d *dice) between(lo, hi int) int { return lo + d.below(hi-lo+1) }

// low is between, but the lower a number, the likelier it is.
func (d *dice) low(lo, hi int) int {
	u, _ := bits.Mul64(d.next(), 1<<20)
	return lo + int(u*u*uint64(hi-lo+1)>>40)
}

// percent is true in n of 100 throws.
func (d *dice) percent(n int) bool { return d.below(100) < n }

// permille is true in n of 1000 throws.
func (d *dice) permille(n int) bool { return d.below(1000) < n }

// pick returns one of a list.
func pick[T any](d *dice, list []T) T { return list[d.below(len(list))] }

// hashText scatters a text into a number (FNV-1a, then mix).
func hashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}
