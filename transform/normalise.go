package transform

import (
	"math"

	"offerlake/pipeline/catalog"
)

// Options change how offers are normalised. The zero value is the default.
type Options struct {
	// MaxWeight is the greatest weight, in grams, that is believed; sellers
	// are known to declare 10,000 kg for a cup. Default: 1,000,000 g.
	MaxWeight catalog.Decimal
	// Aliases are the canonical names and values of attributes, beyond the
	// built-in ones. Default: only these.
	Aliases *Aliases
}

func (o Options) withDefaults() Options {
	if o.MaxWeight <= 0 {
		o.MaxWeight = 1_000_000 * one
	}
	if o.Aliases == nil {
		o.Aliases = NewAliases(nil, nil)
	}
	return o
}

// Normaliser turns offers into rows. Besides its options it holds only what
// saves work and changes no row; its methods are safe for concurrent use.
type Normaliser struct {
	options Options
	caches  caches
}

// New returns a Normaliser.
func New(opts Options) *Normaliser { return &Normaliser{options: opts.withDefaults()} }

// Normalise appends the rows of an offer to rows: one product, one SKU or
// more, and whatever it has of price tiers, attributes, images, sales and
// rejects, and its supplier when the supplier's id is known. An offer that is deleted,
// empty or unreadable gives rejects only.
//
// It does not keep or change o. Should it meet a bug of its own, it gives a
// single reject with CodeInternal and none of the offer's other rows.
func (n *Normaliser) Normalise(o *catalog.Offer, obs catalog.Observation, rows *catalog.Rows) {
	before := *rows
	defer func() {
		if cause := recover(); cause != nil {
			truncate(rows, &before)
			rows.Rejects = append(rows.Rejects, internalReject(o, cause, obs))
		}
	}()
	p := pass{options: n.options, o: o, obs: obs, rows: rows, cache: n.caches.take()}
	p.images.first = len(rows.Images)
	p.offer()
	n.caches.put(p.cache)
}

// truncate takes back what was appended since before was copied from rows.
// The tables that Normalise does not write are left alone.
func truncate(rows, before *catalog.Rows) {
	rows.Products = rows.Products[:len(before.Products)]
	rows.SKUs = rows.SKUs[:len(before.SKUs)]
	rows.PriceTiers = rows.PriceTiers[:len(before.PriceTiers)]
	rows.Attributes = rows.Attributes[:len(before.Attributes)]
	rows.Images = rows.Images[:len(before.Images)]
	rows.Suppliers = rows.Suppliers[:len(before.Suppliers)]
	rows.Sales = rows.Sales[:len(before.Sales)]
	rows.Rejects = rows.Rejects[:len(before.Rejects)]
	rows.Flags = rows.Flags[:len(before.Flags)]
}

// pass is the work on one offer. Its methods append rows, and rejects for what
// they leave out.
type pass struct {
	options    Options
	o          *catalog.Offer
	obs        catalog.Observation
	rows       *catalog.Rows
	product    catalog.Product
	images     imageSet
	lastImage  struct{ text, url string } // of the SKU before
	negotiable bool                       // a price field read 面议
	skuKey     string                     // of the SKU whose row is being made
	cache      *cache
}

func (p *pass) offer() {
	for _, issue := range p.o.DecodeIssues {
		p.rejectAt(stageDecode, issue.Code, issue.Path, issue.Message, issue.Excerpt)
	}
	p.product.Title = Clean(p.o.Title)
	if p.refuse() {
		return
	}
	p.describe()
	p.supplier()
	p.attributes()
	p.offerImages()
	p.trade()
	p.sales(p.o.Sales)
	p.rows.Products = append(p.rows.Products, p.product)
}

// describe fills the product's columns that stand for themselves.
func (p *pass) describe() {
	o, r := p.o, &p.product
	r.OfferID = o.ID
	r.Gateway = p.obs.Gateway
	if r.Title == "" {
		p.reject(CodeMissingTitle, of("title"), "the offer has no title", o.Title)
	}
	// A gateway that cannot translate repeats the title.
	if translated := Clean(o.TitleTranslated); translated != r.Title {
		r.TitleTranslated = catalog.Text(translated)
	}
	r.CategoryID = p.id(o.CategoryID, of("category_id"))
	r.CategoryName = catalog.Text(Clean(o.CategoryName))
	r.Currency = p.currency(o.Currency)
	r.Unit = catalog.Text(Clean(o.Unit))
	r.Sold, r.SoldIsLowerBound = p.sold(o.Sold, of("sold"))
	r.FreeShipping, r.VerifiedSupplier = o.FreeShipping, o.Verified
	r.WeightG = p.weight(o.Weight, of("weight"))
	r.DetailURL = "https://detail.1688.com/offer/" + o.ID.String() + ".html"
	r.CreatedAt = p.time(o.CreatedAt, of("created_at"))
	r.UpdatedAt = p.time(o.UpdatedAt, of("updated_at"))
	r.Source, r.SourceRank = p.obs.Source, p.obs.Rank
	r.ObservedAt, r.JournalRef = p.obs.At, p.obs.Ref
}

// trade fills the columns that prices, stocks and SKUs have a part in.
func (p *pass) trade() {
	firstSKU := len(p.rows.SKUs)
	table := hasSKUTable(p.o)
	p.product.Stock, p.product.StockIsLowerBound = p.stock(p.o.Stock, of("stock"))
	q := p.quote(table)
	p.product.MinOrderQuantity = p.minOrder(q.first)
	if table {
		p.skus(&q)
	} else {
		p.soleSKU(&q)
	}
	p.settle(&q, table)
	skus := p.rows.SKUs[firstSKU:]
	if !p.product.Stock.OK {
		p.product.Stock, p.product.StockIsLowerBound = totalStock(skus)
	}
	p.product.SKUCount = int32(len(skus))
	images := p.rows.Images[p.images.first:]
	p.product.ImageCount = int32(len(images))
	if len(images) > 0 && (images[0].Role == catalog.ImageMain || images[0].Role == catalog.ImageWhite) {
		p.product.ImageURL = catalog.Some(images[0].URL)
	}
}

// minOrder returns the least quantity that can be ordered: where the gateway
// does not tell, or says 0, the quantity that its price list begins at.
func (p *pass) minOrder(listed int64) catalog.Opt[int64] {
	n := p.count(p.o.MinOrder, of("min_order"))
	if n.V > 0 {
		return n
	}
	return catalog.Opt[int64]{V: listed, OK: listed > 0}
}

// totalStock returns the sum of the SKUs' stocks when all of them are known,
// and whether one of them is a lower bound.
func totalStock(skus []catalog.SKU) (total catalog.Opt[int64], lowerBound bool) {
	sum := int64(0)
	for i := range skus {
		stock := skus[i].Stock
		if !stock.OK || stock.V > math.MaxInt64-sum {
			return catalog.Opt[int64]{}, false
		}
		sum += stock.V
		lowerBound = lowerBound || skus[i].StockIsLowerBound
	}
	return catalog.Some(sum), lowerBound
}
