package sandbox

import (
	"strconv"
	"time"

	"offerlake/pipeline/catalog"
)

// Truth is one offer as it really is, whatever a gateway makes of it. Text is
// clean: normalised (NFKC), without markup, with single spaces.
type Truth struct {
	Index    int
	ID       catalog.OfferID
	Keyword  string
	Title    string
	Category catalog.CategoryID
	Lineage  [3]catalog.CategoryID // department, middle level, Category
	Delisted bool

	// QuoteType is the newer official model's: 0 no SKU table, priced by
	// quantity; 1 priced per SKU; 2 with SKUs, but priced by quantity.
	QuoteType int
	// Price is the headline: the first tier's, or the cheapest SKU's.
	Price catalog.Decimal
	// Lowest and Highest bound what one piece can cost at any quantity.
	Lowest, Highest catalog.Decimal
	// Tiers are empty when priced per SKU. A single tier means that the price
	// does not depend on quantity after all.
	Tiers    []TruthTier
	MinOrder int64
	Unit     string
	Stock    int64
	// Sold is the number sold; with SoldLowerBound, gateways only tell that it
	// is at least that.
	Sold           int64
	SoldLowerBound bool
	FreeShipping   bool
	Verified       bool
	WeightG        catalog.Decimal
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Attributes     []TruthAttribute
	SKUs           []TruthSKU // empty = no SKU table
	Images         []string   // absolute https, like all image URLs here
	WhiteImage     string     // may be empty
	DetailImages   []string
	Supplier       Supplier

	facts      facts
	dimensions []dimension // of the SKU table, with the values that it uses
}

// TruthTier is the price from a quantity on.
type TruthTier struct {
	MinQuantity int64
	Price       catalog.Decimal
}

// TruthAttribute is a property of an offer or of a SKU.
type TruthAttribute struct {
	ID    int64
	Name  string
	Value string
}

// TruthSKU is one stock keeping unit.
type TruthSKU struct {
	ID          catalog.SKUID
	SpecID      string
	Attributes  []TruthAttribute
	Price       catalog.Decimal
	Promotion   catalog.Opt[catalog.Decimal]
	Consign     catalog.Decimal
	Retail      catalog.Decimal
	Stock       int64
	Sold        int64
	CargoNumber string
	Image       string // "" = none of its own
	WeightG     catalog.Decimal

	at []int // which value it has in each dimension
}

// Rows returns the SKUs, or for an offer without a SKU table the one unit
// that stands for the offer itself.
func (t Truth) Rows() []TruthSKU {
	if len(t.SKUs) > 0 {
		return t.SKUs
	}
	return []TruthSKU{{Price: t.Price, Stock: t.Stock, Sold: t.Sold, WeightG: t.WeightG}}
}

// facts are what searches look at; they cost a few dice throws.
type facts struct {
	theme    int
	price    int // fen
	minOrder int
	sold     int
	rounded  bool // sold is a lower bound
	seller   int
	quote    int
	flags    uint8
}

// facts returns what they are in the catalogue's night.
func (c *Catalog) facts(i int) facts {
	f := c.rawFacts(i)
	c.age(i, &f)
	return f
}

// rawFacts returns what they were before the first night.
func (c *Catalog) rawFacts(i int) facts {
	d := newDice(c.seed, saltFacts, uint64(i))
	f := facts{theme: d.below(len(themes)), seller: d.low(0, c.suppliers()-1)}
	th := &themes[f.theme]
	f.price = d.low(th.low, th.high)
	if d.percent(50) {
		f.price = max(f.price/10*10, th.low)
	}
	f.minOrder = pick(&d, []int{1, 1, 1, 2, 2, 3, 5, 10, 50, 100})
	f.sold = d.low(0, 30000)
	if f.rounded = f.sold >= 2000; f.rounded {
		f.sold = f.sold / 1000 * 1000
	}
	switch q := d.below(100); {
	case q < 12:
		f.quote = 0
	case q < 75:
		f.quote = 1
	default:
		f.quote = 2
	}
	for _, flag := range []struct {
		bit     uint8
		percent int
	}{{flagGone, 1}, {flagFree, 35}, {flagVerified, 25}} {
		if d.percent(flag.percent) {
			f.flags |= flag.bit
		}
	}
	return f
}

// epoch is when the first offers were created.
var epoch = time.Date(2019, 3, 1, 0, 0, 0, 0, catalog.GatewayZone)

const fen = 100 // ten-thousandths in a fen

// Offer returns the truth about the i-th offer, 0 <= i < Len().
func (c *Catalog) Offer(i int) Truth { return c.offer(i, true) }

// offer leaves the SKU table out, and with it Stock and Highest, where only a
// row of a list is wanted.
func (c *Catalog) offer(i int, whole bool) Truth {
	f := c.facts(i)
	d := newDice(c.seed, saltBody, uint64(i))
	th := &themes[f.theme]
	t := Truth{
		Index: i, ID: c.ID(i), facts: f, Keyword: th.keyword, Category: th.leaf, Lineage: lineage(th.leaf),
		Delisted: f.flags&flagGone != 0, QuoteType: f.quote, Price: catalog.Decimal(f.price * fen),
		MinOrder: int64(f.minOrder), Unit: th.unit, Sold: int64(f.sold), SoldLowerBound: f.rounded,
		FreeShipping: f.flags&flagFree != 0, Verified: f.flags&flagVerified != 0,
		WeightG:  grams(d.between(th.light, th.heavy) / 5 * 5),
		Supplier: c.Supplier(f.seller),
	}
	material := pick(&d, th.materials)
	t.Title = title(&d, th.keyword, material)
	t.CreatedAt = epoch.Add(time.Duration(d.below(7*365*24*3600)) * time.Second)
	t.UpdatedAt = t.CreatedAt.Add(time.Duration(d.below(200*24*3600)) * time.Second)
	t.Attributes = attributes(&d, material)
	if f.quote != 1 {
		t.Tiers = tiers(&d, f)
	}
	c.pictures(&t, &d)
	switch {
	case f.quote == 0:
		t.Stock = int64(d.low(0, 90000))
	case whole:
		c.skuTable(&t, &d)
	}
	c.ageBody(&t)
	t.bound()
	return t
}

// grams returns a weight of at least 5 g.
func grams(n int) catalog.Decimal { return catalog.Decimal(max(n, 5)) * 10_000 }

func title(d *dice, keyword, material string) string {
	s := pick(d, adjectives) + pick(d, adjectives)
	if d.percent(40) {
		s += " "
	}
	s += material + keyword
	if d.percent(60) {
		s += pick(d, adjectives)
	}
	if d.percent(20) {
		s += " "
	}
	return s + pick(d, endings)
}

func attributes(d *dice, material string) []TruthAttribute {
	out := append(make([]TruthAttribute, 0, 20), TruthAttribute{1141, "材质", material})
	for _, p := range properties {
		if d.percent(25) {
			continue
		}
		n := 1
		if p.many {
			n = d.between(1, 3)
		}
		at := d.below(len(p.values))
		for k := range n {
			out = append(out, TruthAttribute{p.id, p.name, p.values[(at+k)%len(p.values)]})
		}
	}
	return out
}

// tiers returns one to three steps, each cheaper than the one before.
func tiers(d *dice, f facts) []TruthTier {
	out := []TruthTier{{int64(f.minOrder), catalog.Decimal(f.price * fen)}}
	for range d.below(3) {
		last := out[len(out)-1]
		price := last.Price * catalog.Decimal(d.between(86, 96)) / 100 / fen * fen
		if price == 0 || price == last.Price {
			break
		}
		out = append(out, TruthTier{last.MinQuantity * int64(d.between(5, 20)), price})
	}
	return out
}

const imageHost = "https://cbu01.alicdn.com/"

func (c *Catalog) picture(t *Truth, role, n int) string {
	h := newDice(c.seed, saltImage, uint64(t.Index), uint64(role), uint64(n)).state
	b := make([]byte, 0, 96)
	b = append(b, imageHost+"img/ibank/O1CN01"...)
	b = strconv.AppendUint(b, h, 36)
	b = append(b, "_!!"...)
	b = strconv.AppendInt(b, t.Supplier.Number, 10)
	return string(append(b, "-0-cib.jpg"...))
}

const (
	roleMain = iota
	roleWhite
	roleDetail
	roleSKU
)

func (c *Catalog) pictures(t *Truth, d *dice) {
	for n := range d.between(1, 6) {
		t.Images = append(t.Images, c.picture(t, roleMain, n))
	}
	if d.percent(30) {
		t.WhiteImage = c.picture(t, roleWhite, 0)
	}
	for n := range d.between(2, 8) {
		t.DetailImages = append(t.DetailImages, c.picture(t, roleDetail, n))
	}
}

// skuTable makes up to 20 SKUs: combinations of the values of the dimensions,
// some of which are not sold.
func (c *Catalog) skuTable(t *Truth, d *dice) {
	t.dimensions = c.dimensions(t, d)
	combinations := 1
	for _, dim := range t.dimensions {
		combinations *= len(dim.values)
	}
	var pictures []string
	if len(t.dimensions) > 0 && d.percent(80) {
		for j := range t.dimensions[0].values {
			pictures = append(pictures, c.picture(t, roleSKU, j))
		}
	}
	t.SKUs = make([]TruthSKU, 0, combinations)
	for k := range combinations {
		if k > 0 && combinations > 4 && d.percent(8) {
			continue
		}
		s := c.sku(t, k)
		if pictures != nil {
			s.Image = pictures[s.at[0]]
		}
		t.Stock += s.Stock
		t.SKUs = append(t.SKUs, s)
	}
}

// dimensions chooses the attributes of the SKU table: one in 40 tables has
// none, so that its only SKU is the offer itself.
func (c *Catalog) dimensions(t *Truth, d *dice) []dimension {
	if d.permille(25) {
		return nil
	}
	all := themes[t.facts.theme].dimensions
	n := 1 + d.low(0, len(all)-1)
	if len(all) == 2 {
		n = d.between(1, 2)
	}
	room := 20
	var out []dimension
	for _, dim := range all[:n] {
		most := min(room, len(dim.values), []int{14, 6, 4}[n-1])
		values := shuffled(d, dim.values)[:d.between((most+3)/4, most)]
		if c.hard && d.permille(4) {
			values[d.below(len(values))] = pick(d, hardValues)
		}
		room /= len(values)
		out = append(out, dimension{dim.id, dim.name, values})
	}
	return out
}

func shuffled(d *dice, list []string) []string {
	out := append([]string(nil), list...)
	for i := len(out) - 1; i > 0; i-- {
		j := d.below(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// sku makes the k-th combination. The first one has the headline price.
func (c *Catalog) sku(t *Truth, k int) TruthSKU {
	d := newDice(c.seed, saltSKU, uint64(t.Index), uint64(k))
	s := TruthSKU{
		ID:     catalog.SKUID(3_000_000_000_000 + (int64(t.Index)*32+int64(k))*7919 + int64(d.below(7919))),
		SpecID: hex128(d.next(), d.next()),
		Price:  t.Price, Stock: int64(d.low(0, 5000)), Sold: t.Sold / int64(k+2), WeightG: t.WeightG,
	}
	rest := k
	s.at = make([]int, 0, len(t.dimensions))
	s.Attributes = make([]TruthAttribute, 0, len(t.dimensions))
	for _, dim := range t.dimensions {
		at := rest % len(dim.values)
		rest /= len(dim.values)
		s.at = append(s.at, at)
		s.Attributes = append(s.Attributes, TruthAttribute{dim.id, dim.name, dim.values[at]})
	}
	if t.QuoteType == 1 && k > 0 && d.percent(70) {
		s.Price += catalog.Decimal(d.low(0, t.facts.price/2) * fen)
	}
	if d.percent(10) {
		s.Promotion = catalog.Some(s.Price * 9 / 10 / fen * fen)
	}
	s.Consign = s.Price
	s.Retail = s.Price * 3 / 2 / fen * fen
	if d.percent(60) {
		s.CargoNumber = "HX-" + strconv.Itoa(d.between(100, 9999))
	}
	if k > 0 && d.percent(20) {
		s.WeightG += grams(5)
	}
	return s
}

// hex128 returns two numbers as 32 hex digits, as the ids of specs look.
func hex128(hi, lo uint64) string {
	var b [32]byte
	for i := range 16 {
		b[15-i], b[31-i] = hexDigits[hi>>(4*i)&15], hexDigits[lo>>(4*i)&15]
	}
	return string(b[:])
}

// bound sets Lowest and Highest.
func (t *Truth) bound() {
	t.Lowest, t.Highest = t.Price, t.Price
	for _, tier := range t.Tiers {
		t.Lowest = min(t.Lowest, tier.Price)
	}
	if t.QuoteType == 1 {
		for _, s := range t.SKUs {
			t.Highest = max(t.Highest, s.Price)
		}
	}
}
