package openplatform

import (
	"slices"
	"strings"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/extract/product"
	"offerlake/pipeline/catalog"
)

// DecodeDetails reads the answer to a Details call, of either detail API.
func (d *Dialect) DecodeDetails(a extract.Answer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) error {
	r := detailReader{offer: new(catalog.Offer), detailScratch: d.takeScratch()}
	defer d.returnScratch(r.detailScratch)
	err := d.pool.ReadKnown(a.Status, a.Body, detailKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.read(d.detail)
	})
	if err != nil {
		return err
	}
	if err := r.check(a.Status); err != nil {
		return err
	}
	if !r.payload {
		return nil
	}
	if r.offer.ID == 0 {
		r.offer.ID = ids[0] // the call was for one offer; its answer need not repeat the id
	}
	emit(r.offer.ID, r.offer, nil)
	return nil
}

// detailReader reads one offer, whose fields may come on any level of the
// envelope and in any order.
type detailReader struct {
	answer
	*detailScratch
	offer   *catalog.Offer
	tagFree bool                // a tag says that single pieces go free of postage
	room    []catalog.Attribute // its free end is for attributes of SKUs
}

// detailScratch is memory for tables whose length is known at their end only.
// It passes from answer to answer.
type detailScratch struct {
	list     []catalog.Attribute
	table    []catalog.OfferSKU
	weights  []skuWeight
	fallback []skuWeight
}

func (d *Dialect) takeScratch() *detailScratch {
	if s, ok := d.scratch.Get().(*detailScratch); ok {
		return s
	}
	return new(detailScratch)
}

// returnScratch keeps the memory without what the answer had in it.
func (d *Dialect) returnScratch(s *detailScratch) {
	clear(s.list[:cap(s.list)])
	clear(s.table)
	clear(s.weights)
	clear(s.fallback)
	s.table, s.weights, s.fallback = s.table[:0], s.weights[:0], s.fallback[:0]
	d.scratch.Put(s)
}

// skuWeight is a row of one of the two sibling tables of packages.
type skuWeight struct {
	skuID, specID string
	weight        catalog.Measure
}

func (r *detailReader) read(detail Detail) {
	if detail == ProductInfo {
		r.envelope(r.productInfo)
		return
	}
	issues := r.d.Offer(func() { r.envelope(r.field) })
	for i := range issues {
		issues[i].Path = strings.TrimPrefix(strings.TrimPrefix(issues[i].Path, "result."), "result.")
	}
	r.finish()
	r.offer.DecodeIssues = issues
}

// productInfo reads the older product model.
func (r *detailReader) productInfo(key []byte) {
	if string(key) != "productInfo" {
		return
	}
	switch r.d.Kind() {
	case flex.Object:
		r.offer = product.Read(r.d)
		r.payload = !product.Blank(r.offer)
	case flex.Empty:
	default:
		r.broken = true
	}
}

// field reads one field of the newer model. Only an id or a title makes an
// offer: an envelope may hold fields of its own, or a payload of nulls.
func (r *detailReader) field(key []byte) {
	d, o := r.d, r.offer
	switch string(key) {
	case "offerId":
		o.ID = d.OfferID().V
		r.payload = r.payload || o.ID != 0
	case "subject":
		o.Title = d.Text()
		r.payload = r.payload || o.Title != ""
	case "subjectTrans":
		o.TitleTranslated = d.Text()
	case "description":
		o.Description = d.Text()
	case "categoryId":
		o.CategoryID = d.Text()
	case "categoryName":
		o.CategoryName = d.Text()
	case "status":
		o.Status = d.Text()
		envelope.KnownStatus(d, o.Status)
	case "createDate":
		o.CreatedAt = d.Text()
	case "minOrderQuantity":
		o.MinOrder = d.Text()
	case "soldOut": // documented as the sales volume
		o.Sold = d.Text()
	case "sellerOpenId":
		o.Supplier.ID = d.Text()
	case "companyName":
		o.Supplier.Name = d.Text()
	case "productImage":
		r.images()
	case "productAttribute":
		r.list = r.attributes(r.list[:0])
		o.Attributes = append(o.Attributes, r.list...)
	case "productSkuInfos":
		r.skus()
	case "productSaleInfo":
		r.saleInfo()
	case "productShippingInfo":
		r.shippingInfo()
	case "sellerDataInfo":
		r.sellerData()
	case "tagInfoList":
		r.tags()
	case "offerIdentities", "sellerIdentities":
		r.identities()
	}
}

func (r *detailReader) images() {
	for key := range r.d.Object() {
		switch string(key) {
		case "images":
			r.offer.Images = r.d.Texts(r.offer.Images)
		case "whiteImage":
			r.offer.WhiteImage = r.d.Text()
		}
	}
}

// attributes appends the attributes of an offer or of a SKU. Rows that repeat
// a name are kept: that is how several values of one attribute are told.
func (r *detailReader) attributes(list []catalog.Attribute) []catalog.Attribute {
	d := r.d
	d.Rows(func() {
		var a catalog.Attribute
		for key := range d.Object() {
			switch string(key) {
			case "attributeId":
				a.ID = d.Text()
			case "attributeName":
				a.Name = d.Text()
			case "value":
				a.Value = d.Text()
			case "skuImageUrl":
				a.Image = d.Text()
			case "attributeNameTrans", "valueTrans":
				d.Skip() // so many that it pays not to look whether they are known
			}
		}
		list = append(list, a)
	})
	return list
}

// skuAttributes is attributes for a SKU, most of which have one or two: all of
// an offer's share a few pieces of memory.
func (r *detailReader) skuAttributes(list []catalog.Attribute) []catalog.Attribute {
	if len(list) > 0 { // the field is there twice
		return r.attributes(list)
	}
	if cap(r.room)-len(r.room) < 4 {
		r.room = make([]catalog.Attribute, 0, 32)
	}
	list = r.attributes(r.room[len(r.room):])
	if len(list) == 0 {
		return nil
	}
	if len(list) <= cap(r.room)-len(r.room) {
		r.room = r.room[:len(r.room)+len(list)]
	}
	return list[:len(list):len(list)]
}

func (r *detailReader) saleInfo() {
	d, o := r.d, r.offer
	for key := range d.Object() {
		switch string(key) {
		case "amountOnSale":
			o.Stock = d.Text()
		case "quoteType":
			o.Pricing = envelope.QuoteType(d, quoteTypes)
		case "priceRangeList":
			r.tiers()
		case "unitInfo":
			r.unit()
		case "fenxiaoSaleInfo":
			r.distribution()
		}
	}
}

// quoteTypes is this model's enumeration: 0 no SKUs and priced by quantity, 1
// priced by SKU, 2 SKUs but priced by quantity. The older product model numbers
// differently.
var quoteTypes = []catalog.Pricing{catalog.PricingByQuantity, catalog.PricingBySKU, catalog.PricingByQuantity}

func (r *detailReader) tiers() {
	d := r.d
	d.Rows(func() {
		var t catalog.Tier
		for key := range d.Object() {
			switch string(key) {
			case "startQuantity":
				t.MinQuantity = d.Text()
			case "price":
				t.Price = d.Text()
			case "promotionPrice":
				t.Promotion = d.Text()
			}
		}
		r.offer.Tiers = append(r.offer.Tiers, t)
	})
}

func (r *detailReader) unit() {
	for key := range r.d.Object() {
		if string(key) == "unit" {
			r.offer.Unit = r.d.Text()
		}
	}
}

// distribution reads the terms for single pieces.
func (r *detailReader) distribution() {
	for key := range r.d.Object() {
		if string(key) == "onePieceFreePostage" {
			r.offer.FreeShipping = r.d.Bool()
		}
	}
}

// tags reads the service tags, one of which tells of free postage.
func (r *detailReader) tags() {
	d := r.d
	d.Rows(func() {
		var name string
		var value catalog.Opt[bool]
		for key := range d.Object() {
			switch string(key) {
			case "key":
				name = d.Text()
			case "value":
				value = d.Bool()
			}
		}
		if value.V && (name == "isOnePsaleFreePostage" || name == "isOnePsaleFreePost") {
			r.tagFree = true
		}
	})
}

// verified are the documented identities that the platform gives to sellers
// after an inspection: super factories, powerful merchants, and members of its
// trust programme.
var verified = []string{"super_factory", "powerful_merchants", "tp_member", "超级工厂", "实力商家", "诚信通"}

func (r *detailReader) identities() {
	for _, name := range r.d.Texts(nil) {
		if slices.ContainsFunc(verified, func(v string) bool { return strings.Contains(name, v) }) {
			r.offer.Verified = catalog.Some(true)
		}
	}
}

// sellerData reads the seller's scores, and the years of membership among them.
func (r *detailReader) sellerData() {
	s := &r.offer.Supplier
	for key := range r.d.Object() {
		name := r.d.Name(key)
		value := r.d.Text()
		switch {
		case value == "":
		case name == "tpYear":
			s.Years = value
		default:
			if s.Scores == nil {
				s.Scores = make([]catalog.Pair, 0, 8)
			}
			s.Scores = append(s.Scores, catalog.Pair{Key: name, Value: value})
		}
	}
	slices.SortFunc(s.Scores, func(a, b catalog.Pair) int { return strings.Compare(a.Key, b.Key) })
}

// finish settles what depends on more than one field.
func (r *detailReader) finish() {
	o := r.offer
	if r.tagFree && !o.FreeShipping.OK {
		o.FreeShipping = catalog.Some(true)
	}
	for i := range o.SKUs {
		o.SKUs[i].Weight = weightOf(&o.SKUs[i], r.weights, r.fallback)
	}
}
