package transform

import (
	"slices"

	"offerlake/pipeline/catalog"
)

// variantCache remembers what the pairs of the SKUs before came to: a SKU table
// repeats a few pairs in all combinations.
type variantCache struct {
	seen []knownPair
}

// knownPair is a clean pair and what it amounts to.
type knownPair struct {
	own, canonical catalog.Pair
	color, size    string
	amount         catalog.Amount
}

// cachedPairs bounds the pairs that are remembered, since they are looked
// through one by one.
const cachedPairs = 32

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
		if k.amount.Quantity.OK {
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
	for i := range v.seen {
		if v.seen[i].own == own {
			return &v.seen[i]
		}
	}
	k := knownPair{own: own, canonical: a.Pair(own)}
	switch k.canonical.Key {
	case nameColor:
		k.color = BaseColor(k.canonical.Value)
	case nameSize:
		k.size = Size(k.canonical.Value)
	default:
		k.amount = ParseAmount(own.Value)
	}
	if len(v.seen) == cachedPairs {
		v.seen = v.seen[:0]
	}
	v.seen = append(v.seen, k)
	return &v.seen[len(v.seen)-1]
}
