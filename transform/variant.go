package transform

import (
	"slices"

	"offerlake/pipeline/catalog"
)

// knownPair is a clean pair and what it amounts to.
type knownPair struct {
	own, canonical catalog.Pair
	color, size    string
	amount         catalog.Amount // what the value says by itself
	content        bool           // the pair is of neither colour nor size: amount may be the SKU's
	plain          *knownPair     // the pair without ornaments; itself when it has none
}

// variantOf returns what a SKU's pairs amount to, all but CanonicalText, and
// whether they are the canonical ones.
func variantOf(pairs []*knownPair) (out catalog.Variant, canonical bool) {
	var amounts int
	canonical = true
	for _, k := range pairs {
		canonical = canonical && k.canonical == k.own
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
	return out, canonical
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
func canonicalText(pairs []*knownPair) string {
	var few [8]catalog.Pair
	canonical := few[:0]
	for _, k := range pairs {
		canonical = append(canonical, k.canonical)
	}
	slices.SortFunc(canonical, comparePairs)
	var buf [256]byte
	return string(appendPairs(buf[:0], slices.Compact(canonical)))
}

// newKnownPair looks at a clean pair.
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
	k.plain = k
	if plain := (catalog.Pair{Key: trimOrnaments(own.Key), Value: trimOrnaments(own.Value)}); plain != own {
		k.plain = newKnownPair(a, plain)
	}
	return k
}
