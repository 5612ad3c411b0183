package transform

import (
	"slices"
	"strings"
	"sync"

	"offerlake/pipeline/catalog"
)

// cache remembers what texts came to that offers of one market repeat: the
// pairs of attributes, of which a SKU table repeats a few in all combinations,
// and the places of suppliers. What one comes to depends on nothing else, so
// that a row is the same with any cache.
type cache struct {
	pairs  map[catalog.Pair]*knownPair // by the pair as it was sent
	places map[placeTexts]Place
}

const (
	// cachedEntries bounds how much each map of a cache remembers, and cachedBytes
	// the length of what was sent: together they keep it at a few MB.
	cachedEntries = 4096
	cachedBytes   = 128
)

// remember adds an entry to a map, which it empties first when it is full.
func remember[K comparable, V any](m map[K]V, key K, v V) map[K]V {
	switch {
	case m == nil:
		m = make(map[K]V, 64)
	case len(m) >= cachedEntries:
		clear(m)
	}
	m[key] = v
	return m
}

// pair returns what an attribute amounts to once it is clean.
func (c *cache) pair(a *Aliases, sent catalog.Pair) *knownPair {
	if k := c.pairs[sent]; k != nil {
		return k
	}
	if len(sent.Key)+len(sent.Value) > cachedBytes {
		return newKnownPair(a, cleanPair(sent))
	}
	// The pair is part of an answer, which is not to live as long as the cache.
	sent = catalog.Pair{Key: strings.Clone(sent.Key), Value: strings.Clone(sent.Value)}
	k := newKnownPair(a, cleanPair(sent))
	c.pairs = remember(c.pairs, sent, k)
	return k
}

func cleanPair(sent catalog.Pair) catalog.Pair {
	return catalog.Pair{Key: Clean(sent.Key), Value: Clean(sent.Value)}
}

// sku appends to dst what the attributes of a SKU amount to: a pair once, and
// all in the order that AttributesText has them in.
func (c *cache) sku(a *Aliases, attributes []catalog.Attribute, dst []*knownPair) []*knownPair {
	sorted := true
	for sent, clean := range sentPairs(attributes) {
		k := c.pair(a, sent)
		if clean && k.own != sent { // Clean would change it once more
			k = newKnownPair(a, sent)
		}
		if k.own == (catalog.Pair{}) {
			continue
		}
		sorted = sorted && (len(dst) == 0 || comparePairs(dst[len(dst)-1].own, k.own) < 0)
		dst = append(dst, k)
	}
	if sorted {
		return dst
	}
	slices.SortFunc(dst, func(a, b *knownPair) int { return comparePairs(a.own, b.own) })
	return slices.CompactFunc(dst, func(a, b *knownPair) bool { return a.own == b.own })
}

// placeTexts are the three fields that tell of a place.
type placeTexts struct{ province, city, location string }

// place is placeOf.
func (c *cache) place(texts placeTexts) Place {
	if p, ok := c.places[texts]; ok {
		return p
	}
	if len(texts.province)+len(texts.city)+len(texts.location) > cachedBytes {
		return placeOf(texts)
	}
	own := placeTexts{strings.Clone(texts.province), strings.Clone(texts.city), strings.Clone(texts.location)}
	p := placeOf(own)
	c.places = remember(c.places, own, p)
	return p
}

// caches are the caches of passes that are over, for the next ones.
type caches struct {
	mu   sync.Mutex
	free []*cache
}

func (c *caches) take() *cache {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.free)
	if n == 0 {
		return new(cache)
	}
	v := c.free[n-1]
	c.free = c.free[:n-1]
	return v
}

func (c *caches) put(v *cache) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = append(c.free, v)
}
