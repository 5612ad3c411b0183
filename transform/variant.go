package transform

import (
	"slices"
	"strings"
	"sync"

	"offerlake/pipeline/catalog"
)

// variantCache remembers what pairs came to: a SKU table repeats a few pairs in
// all combinations, and offers of one market repeat each other's. What a pair
// comes to depends on nothing else, so that a row is the same with any cache.
type variantCache struct {
	known map[catalog.Pair]*knownPair
}

// knownPair is a clean pair and what it amounts to.
type knownPair struct {
	own, canonical catalog.Pair
	color, size    string
	amount         catalog.Amount // what the value says by itself
	content        bool           // the pair is of neither colour nor size: amount may be the SKU's
}

const (
	// cachedPairs bounds the pairs that are remembered, and cachedBytes the
	// length of one: together they keep a cache below some 2 MB.
	cachedPairs = 4096
	cachedBytes = 128
)

// of returns what a SKU's sorted pairs amount to; text is their own text.
func (v *variantCache) of(a *Aliases, pairs []catalog.Pair, text string) catalog.Variant {
	var out catalog.Variant
	var amounts int
	same := true
	for i := range pairs {
		k := v.pair(a, pairs[i])
		same = same && k.canonical == k.own
		out.Color = agreed(out.Color, k.color)
		out.Size = agreed(out.Size, k.size)
		if k.content && k.amount.Quantity.OK {
			out.Amount = k.amount
			amounts++
		}
	}
	if amounts > 1 {
		out.Amount = catalog.Amount{} // which of them is the content is not said
	}
	out.Color, out.Size = settled(out.Color), settled(out.Size)
	if !same {
		out.CanonicalText = other(v.canonicalText(a, pairs), text)
	}
	return out
}

// conflict marks a column for which two pairs say different things.
const conflict = "\x00"

// agreed adds what another pair says to what those before said.
func agreed(known catalog.Opt[string], says string) catalog.Opt[string] {
	switch {
	case says == "" || known.V == says:
		return known
	case known.OK:
		return catalog.Some(conflict)
	}
	return catalog.Some(says)
}

func settled(o catalog.Opt[string]) catalog.Opt[string] {
	if o.V == conflict {
		return catalog.Opt[string]{}
	}
	return o
}

// canonicalText is the attributes text of the canonical pairs.
func (v *variantCache) canonicalText(a *Aliases, pairs []catalog.Pair) string {
	canonical := make([]catalog.Pair, len(pairs))
	for i := range pairs {
		canonical[i] = v.pair(a, pairs[i]).canonical
	}
	slices.SortFunc(canonical, comparePairs)
	return string(appendPairs(nil, slices.Compact(canonical)))
}

// pair returns what one pair amounts to.
func (v *variantCache) pair(a *Aliases, own catalog.Pair) *knownPair {
	if k := v.known[own]; k != nil {
		return k
	}
	if len(own.Key)+len(own.Value) > cachedBytes {
		return newKnownPair(a, own)
	}
	if len(v.known) >= cachedPairs || v.known == nil {
		v.known = make(map[catalog.Pair]*knownPair, cachedPairs/8)
	}
	// The pair is part of an answer, which is not to live as long as the cache.
	k := newKnownPair(a, catalog.Pair{Key: strings.Clone(own.Key), Value: strings.Clone(own.Value)})
	v.known[k.own] = k
	return k
}

func newKnownPair(a *Aliases, own catalog.Pair) *knownPair {
	k := &knownPair{own: own, canonical: a.Pair(own), amount: ParseAmount(own.Value)}
	switch k.canonical.Key {
	case nameColor:
		k.color = BaseColor(k.canonical.Value)
	case nameSize:
		k.size = Size(k.canonical.Value)
	default:
		k.content = true
	}
	return k
}

// caches are the caches of passes that are over, for the next ones.
type caches struct {
	mu   sync.Mutex
	free []*variantCache
}

func (c *caches) take() *variantCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.free)
	if n == 0 {
		return new(variantCache)
	}
	v := c.free[n-1]
	c.free = c.free[:n-1]
	return v
}

func (c *caches) put(v *variantCache) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = append(c.free, v)
}
