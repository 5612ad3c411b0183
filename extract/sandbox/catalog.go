package sandbox

import (
	"math"
	"strings"
	"sync"

	"offerlake/pipeline/catalog"
)

// Catalog is the truth behind the emulated gateways. An offer is made up when
// it is asked for; only a small index of what searches look at is kept. All
// methods are safe for concurrent use.
type Catalog struct {
	seed uint64
	size int
	hard bool // with attribute values that hold separators

	night   int // see Options
	changed int // permille of the offers

	once     sync.Once
	byTheme  [][]entry
	bySeller [][]int32

	loginOnce sync.Once
	byLogin   map[string]int32 // index of the seller
}

// entry is what a search needs to know of an offer.
type entry struct {
	index  int32
	price  int32 // fen
	sold   int32
	seller int32
	min    int16
	flags  uint8
	place  uint8 // of the seller, an index of places
}

const (
	flagGone uint8 = 1 << iota // delisted
	flagFree
	flagVerified
)

// The salts keep the dice of different subjects apart.
const (
	saltOfferID uint64 = iota + 1
	saltFacts
	saltBody
	saltSKU
	saltSupplierID
	saltSupplier
	saltList
	saltFault
	saltImage
	saltShift
	saltTotal
	saltNight
	saltOutage
)

func newCatalog(o Options) *Catalog {
	return &Catalog{seed: o.Seed, size: o.Offers, hard: o.Profile != Clean, night: o.Night, changed: int(math.Round(o.Changed * 1000))}
}

// Len returns the number of offers, delisted ones included.
func (c *Catalog) Len() int { return c.size }

// Half of the ids have 12 digits and half have 13, as on the live platform.
const (
	firstShortID = 560_000_000_000
	firstLongID  = 1_000_000_000_000
	idStride     = 300_007
)

// ID returns the id of the i-th offer.
func (c *Catalog) ID(i int) catalog.OfferID {
	d := newDice(c.seed, saltOfferID, uint64(i))
	base := int64(firstShortID)
	if i%2 == 1 {
		base = firstLongID
	}
	return catalog.OfferID(base + int64(i/2)*idStride + int64(d.below(idStride)))
}

// index returns the index of an offer id, which may be unknown.
func (c *Catalog) index(id catalog.OfferID) (int, bool) {
	odd, n := 0, int64(id)-firstShortID
	if id >= firstLongID {
		odd, n = 1, int64(id)-firstLongID
	}
	if n < 0 {
		return 0, false
	}
	i := int(n/idStride)*2 + odd
	if i >= c.size || c.ID(i) != id {
		return 0, false
	}
	return i, true
}

// ByID returns the truth about an offer; false when there is no such offer.
func (c *Catalog) ByID(id catalog.OfferID) (Truth, bool) {
	i, ok := c.index(id)
	if !ok {
		return Truth{}, false
	}
	return c.Offer(i), true
}

// Keyword returns the ids of the offers that a search for the keyword finds,
// without delisted ones.
func (c *Catalog) Keyword(keyword string) []catalog.OfferID {
	return c.listed(query{themes: themesOf(keyword), seller: anySeller})
}

// InCategory returns the ids of the offers of a category and its
// sub-categories, without delisted ones.
func (c *Catalog) InCategory(id catalog.CategoryID) []catalog.OfferID {
	return c.listed(query{themes: themesIn(id), seller: anySeller})
}

// Seller returns the ids of the offers of a seller, by any of the ids of
// Supplier, without delisted ones.
func (c *Catalog) Seller(id string) []catalog.OfferID {
	i, ok := c.supplierIndex(id)
	if !ok {
		return nil
	}
	return c.listed(query{themes: allThemes, seller: i})
}

func (c *Catalog) listed(q query) []catalog.OfferID {
	var out []catalog.OfferID
	for e := range c.entries(q) {
		if e.flags&flagGone == 0 {
			out = append(out, c.ID(int(e.index)))
		}
	}
	return out
}

// build fills the indexes, in one pass over the facts of all offers.
func (c *Catalog) build() {
	c.byTheme = make([][]entry, len(themes))
	c.bySeller = make([][]int32, c.suppliers())
	sellers := make([]uint8, c.suppliers())
	for i := range sellers {
		d := newDice(c.seed, saltSupplier, uint64(i))
		sellers[i] = uint8(c.place(&d))
	}
	for i := range c.size {
		f := c.facts(i)
		e := entry{index: int32(i), price: int32(f.price), sold: int32(f.sold), seller: int32(f.seller), min: int16(f.minOrder)}
		e.flags, e.place = f.flags, sellers[f.seller]
		c.bySeller[f.seller] = append(c.bySeller[f.seller], int32(f.theme), int32(len(c.byTheme[f.theme])))
		c.byTheme[f.theme] = append(c.byTheme[f.theme], e)
	}
}

// themeSet is a set of indexes of themes.
type themeSet uint32

var allThemes = themeSet(1<<len(themes) - 1)

func (s themeSet) has(i int) bool { return s>>i&1 == 1 }

// themesOf returns the themes that a search text names: those whose keyword
// it holds, else those whose keyword holds it.
func themesOf(text string) themeSet {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	var named, part themeSet
	for i, t := range themes {
		if strings.Contains(text, t.keyword) {
			named |= 1 << i
		}
		if strings.Contains(t.keyword, text) {
			part |= 1 << i
		}
	}
	if named != 0 {
		return named
	}
	return part
}

func themesIn(id catalog.CategoryID) themeSet {
	var s themeSet
	for i, t := range themes {
		if within(t.leaf, id) {
			s |= 1 << i
		}
	}
	return s
}
