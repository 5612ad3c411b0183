package sandbox

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"sync"

	"offerlake/pipeline/catalog"
)

// anySeller is the seller of a query that does not ask for one.
const anySeller = -1

// query is a search in the emulator's terms. It is comparable: equal queries
// share a list.
type query struct {
	themes   themeSet
	seller   int    // index, or anySeller
	from, to int    // fen, both included; to 0 = no upper bound
	minOrder int    // the largest minimum order that is wanted; 0 = any
	sold     [2]int // from and to, both included; to 0 = no upper bound
	free     bool
	verified bool
	region   string // of the seller; "" = any
	sort     catalog.Sort
	whole    bool // all of it can be paged through, not only the window
}

func (q query) matches(e entry) bool {
	switch {
	case q.seller != anySeller && int(e.seller) != q.seller,
		int(e.price) < q.from,
		q.to > 0 && int(e.price) > q.to,
		int(e.sold) < q.sold[0],
		q.sold[1] > 0 && int(e.sold) > q.sold[1],
		q.minOrder > 0 && int(e.min) > q.minOrder,
		q.region != "" && !inRegion(e.place, q.region),
		q.free && e.flags&flagFree == 0,
		q.verified && e.flags&flagVerified == 0:
		return false
	}
	return true
}

// entries yields the matching offers in the order of the catalogue.
func (c *Catalog) entries(q query) iter.Seq[entry] {
	c.once.Do(c.build)
	return func(yield func(entry) bool) {
		if q.seller != anySeller {
			places := c.bySeller[q.seller]
			for i := 0; i < len(places); i += 2 {
				e := c.byTheme[places[i]][places[i+1]]
				if q.themes.has(int(places[i])) && q.matches(e) && !yield(e) {
					return
				}
			}
			return
		}
		for i, list := range c.byTheme {
			if !q.themes.has(i) {
				continue
			}
			for _, e := range list {
				if q.matches(e) && !yield(e) {
					return
				}
			}
		}
	}
}

// list is everything that paging through a query reaches, and how many results
// the gateway declares.
type list struct {
	ids   []catalog.OfferID
	total int64
}

// page returns the rows of a page, counted from 1.
func (l list) page(number, size int) []catalog.OfferID {
	if number < 1 || number > len(l.ids)/size+1 {
		return nil
	}
	from := (number - 1) * size
	return l.ids[from:min(from+size, len(l.ids))]
}

// lists makes and remembers the lists of queries.
type lists struct {
	catalog  *Catalog
	window   int
	rough    bool
	restless bool
	lying    bool
	frank    bool

	mu    sync.Mutex
	made  map[query]list
	asked uint64
}

// maxLists bounds the memory of lists: 256 of 2000 rows are 4 MB.
const maxLists = 256

func (l *lists) get(q query) list {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	have, ok := l.made[q]
	if !ok {
		if len(l.made) >= maxLists || l.made == nil {
			l.made = make(map[query]list)
		}
		have = l.build(q)
		l.made[q] = have
	}
	if l.restless {
		have.ids = l.shift(have.ids)
	}
	return have
}

// shift moves some rows of a list to other places, as happens while it is paged
// through.
func (l *lists) shift(ids []catalog.OfferID) []catalog.OfferID {
	d := newDice(l.catalog.seed, saltShift, l.asked)
	out := slices.Clone(ids)
	for range len(out) / 40 {
		i, j := d.below(len(out)), d.below(len(out))
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// declare returns the total that the gateway tells of n results. A lying one
// tells something else of every other query.
func (l *lists) declare(q query, n int) int64 {
	if !l.lying {
		return int64(n)
	}
	d := newDice(l.catalog.seed, saltTotal, uint64(q.from), uint64(q.to), uint64(q.themes), uint64(q.minOrder))
	switch d.below(6) {
	case 0:
		return int64(n) * int64(d.between(30, 99)) / 100
	case 1:
		return int64(n) + int64(d.between(1, 200))
	case 2:
		return int64(l.window)
	}
	return int64(n)
}

// sortEntries puts offers into the order that q asks for.
func (q query) sortEntries(found []entry) {
	switch q.sort {
	case catalog.SortPriceAsc:
		slices.SortStableFunc(found, func(a, b entry) int { return cmp.Compare(a.price, b.price) })
	case catalog.SortPriceDesc:
		slices.SortStableFunc(found, func(a, b entry) int { return cmp.Compare(b.price, a.price) })
	case catalog.SortSalesAsc:
		slices.SortStableFunc(found, func(a, b entry) int { return cmp.Compare(a.sold, b.sold) })
	case catalog.SortSalesDesc:
		slices.SortStableFunc(found, func(a, b entry) int { return cmp.Compare(b.sold, a.sold) })
	}
}

func (l *lists) build(q query) list {
	found := slices.Collect(l.catalog.entries(q))
	q.sortEntries(found)
	window := l.window
	if q.whole {
		window = math.MaxInt
	}
	var out list
	for _, e := range found {
		if len(out.ids) >= window && !l.frank {
			break
		}
		out.ids = l.add(out.ids, e)
	}
	all := len(out.ids)
	out.ids = out.ids[:min(all, window)]
	if !l.frank {
		all = len(out.ids)
	}
	out.total = l.declare(q, all)
	return out
}

// add appends an offer. In a rough list it may be delisted, come with a row
// that was there a page ago, or with an id that nobody knows.
func (l *lists) add(ids []catalog.OfferID, e entry) []catalog.OfferID {
	if !l.rough {
		if e.flags&flagGone == 0 {
			ids = append(ids, l.catalog.ID(int(e.index)))
		}
		return ids
	}
	d := newDice(l.catalog.seed, saltList, uint64(e.index))
	if len(ids) > 0 && d.percent(2) {
		ids = append(ids, ids[max(0, len(ids)-1-d.below(60))])
	}
	id := l.catalog.ID(int(e.index))
	if d.permille(3) {
		if unknown := id + 1; !l.known(unknown) {
			ids = append(ids, unknown)
		}
	}
	return append(ids, id)
}

func (l *lists) known(id catalog.OfferID) bool {
	_, ok := l.catalog.index(id)
	return ok
}
