package product

import (
	"slices"
	"strings"

	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// weightUnit is the unit of shippingInfo.unitWeight.
const weightUnit = "kg"

// Read reads the product at d's place, which must be an object. An id that is
// absent or unusable leaves Offer.ID zero.
func Read(d *flex.Decoder) *catalog.Offer {
	r := reader{d: d, o: new(catalog.Offer)}
	r.o.DecodeIssues = d.Offer(func() {
		for key := range d.Object() {
			r.field(key)
		}
	})
	r.finish()
	r.o.Drift = d.TakeDrift()
	return r.o
}

// Blank reports whether what was read is no offer: a product of nulls.
func Blank(o *catalog.Offer) bool { return o.ID == 0 && o.Title == "" && len(o.SKUs) == 0 }

// reader gathers what belongs to one offer but comes in several places.
type reader struct {
	d *flex.Decoder
	o *catalog.Offer

	imageInfo  []string // of imageInfo.images, after imageInfo.mainImage
	mainImage  string
	booked     string // orders, which stand in for pieces sold where those are not told
	userID     string // supplierUserId, where no supplierId is told
	salePrice  string // prices of the offer, by falling precedence
	tradePrice string
	consign    string // "skuId:price;skuId:price;"
}

// field reads one field of a product, or leaves it unread if it has no use.
func (r *reader) field(key []byte) {
	d, o := r.d, r.o
	switch string(key) {
	case "productInfo", "product":
		for key := range d.Object() {
			r.field(key)
		}
	case "productID", "productId", "offerId":
		if id := d.OfferID(); id.OK {
			o.ID = id.V
		}
	case "subject":
		set(&o.Title, d.Text())
	case "subjectTrans":
		o.TitleTranslated = d.Text()
	case "description":
		o.Description = d.Text()
	case "categoryID", "categoryId":
		set(&o.CategoryID, d.Text())
	case "categoryName":
		o.CategoryName = d.Text()
	case "status":
		set(&o.Status, d.Text())
		envelope.KnownStatus(d, o.Status)
	case "createTime":
		o.CreatedAt = d.Text()
	case "lastUpdateTime":
		o.UpdatedAt = d.Text()
	case "price":
		set(&o.Price, d.Text())
	case "bookedCount":
		r.booked = d.Text()
	case "isFreeShip":
		o.FreeShipping = d.Bool()
	case "highQuality":
		o.Verified = d.Bool()
	case "image":
		r.image()
	case "imageInfo":
		r.imageBlock()
	case "imageUrl":
		setDefault(&r.mainImage, d.Text())
	case "attributes":
		o.Attributes = r.attributes(o.Attributes)
	case "skuInfos", "skuInfo":
		r.skus()
	case "saleInfo":
		r.saleInfo()
	case "tradeInfo":
		r.tradeInfo()
	case "priceInfo":
		r.priceInfo()
	case "stockInfo":
		r.stockInfo()
	case "shippingInfo":
		r.shippingInfo()
	case "extendInfos":
		r.extendInfos()
	default:
		r.supplierField(key)
	}
}

// supplierField reads a field of the supplier, which comes in a block of its
// own or flat among the product's.
func (r *reader) supplierField(key []byte) {
	d, s := r.d, &r.o.Supplier
	switch string(key) {
	case "supplierInfo":
		for key := range d.Object() {
			r.supplierField(key)
		}
	case "supplierId":
		set(&s.ID, d.Text())
	case "supplierUserId":
		r.userID = d.Text()
	case "supplierLoginId", "sellerLoginId":
		setDefault(&s.LoginID, d.Text())
	case "companyName":
		set(&s.Name, d.Text())
	case "province":
		set(&s.Province, d.Text())
	case "city":
		set(&s.City, d.Text())
	}
}

// set sets *s unless v says nothing.
func set(s *string, v string) {
	if v != "" {
		*s = v
	}
}

// setDefault sets *s unless it is set already.
func setDefault(s *string, v string) {
	if *s == "" {
		*s = v
	}
}

func (r *reader) image() {
	if r.d.Kind() == flex.Array || r.d.Kind() == flex.Scalar {
		r.o.Images = r.d.Texts(r.o.Images)
		return
	}
	for key := range r.d.Object() {
		if string(key) == "images" {
			r.o.Images = r.d.Texts(r.o.Images)
		}
	}
}

func (r *reader) imageBlock() {
	for key := range r.d.Object() {
		switch string(key) {
		case "mainImage":
			r.mainImage = r.d.Text()
		case "images":
			r.imageInfo = r.d.Texts(r.imageInfo)
		}
	}
}

// attributes appends the attributes of an offer or of a SKU, which differ in
// the names of their fields. Rows that repeat a name are kept: that is how
// several values of one attribute are told.
func (r *reader) attributes(list []catalog.Attribute) []catalog.Attribute {
	d := r.d
	d.Rows(func() {
		var a catalog.Attribute
		for key := range d.Object() {
			switch string(key) {
			case "attributeID", "attributeId":
				a.ID = d.Text()
			case "attributeName":
				setDefault(&a.Name, d.Text())
			case "attributeDisplayName":
				set(&a.Name, d.Text())
			case "value", "attributeValue":
				setDefault(&a.Value, d.Text())
			case "skuImageUrl":
				a.Image = d.Text()
			}
		}
		list = append(list, a)
	})
	return list
}

func (r *reader) saleInfo() {
	d, o := r.d, r.o
	for key := range d.Object() {
		switch string(key) {
		case "minOrderQuantity":
			set(&o.MinOrder, d.Text())
		case "amountOnSale":
			set(&o.Stock, d.Text())
		case "unit":
			o.Unit = d.Text()
		case "quoteType":
			o.Pricing = envelope.QuoteType(d, quoteTypes)
		case "priceRanges", "priceRangeList":
			o.Tiers = r.tiers(o.Tiers)
		case "price":
			r.salePrice = d.Text()
		case "saleCount":
			set(&o.Sold, d.Text())
		}
	}
}

// quoteTypes is the older model's enumeration: 0 FIXED_PRICE, 1 SKU_PRICE, 2
// SKU_PRICE_RANGE_FOR_OFFER, 3 SKU_PRICE_RANGE. The newer product detail numbers
// differently.
var quoteTypes = []catalog.Pricing{
	catalog.PricingByQuantity, catalog.PricingBySKU, catalog.PricingByQuantity, catalog.PricingSKUByQuantity,
}

func (r *reader) tiers(list []catalog.Tier) []catalog.Tier {
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
		list = append(list, t)
	})
	return list
}

func (r *reader) tradeInfo() {
	d, o := r.d, r.o
	for key := range d.Object() {
		switch string(key) {
		case "price":
			r.tradePrice = d.Text()
		case "minOrderQuantity":
			setDefault(&o.MinOrder, d.Text())
		case "amountOnSale":
			setDefault(&o.Stock, d.Text())
		case "saleCount":
			set(&o.Sold, d.Text())
		}
	}
}

func (r *reader) priceInfo() {
	for key := range r.d.Object() {
		if string(key) == "price" {
			setDefault(&r.o.Price, r.d.Text())
		}
	}
}

func (r *reader) stockInfo() {
	for key := range r.d.Object() {
		if string(key) == "stock" {
			setDefault(&r.o.Stock, r.d.Text())
		}
	}
}

// sellerPays is the freightTemplateID of offers whose seller pays the freight.
// 0 stands for "see the description", any other number for a price list.
const sellerPays = 1

func (r *reader) shippingInfo() {
	d, o := r.d, r.o
	for key := range d.Object() {
		switch string(key) {
		case "unitWeight":
			if w := d.Text(); w != "" {
				o.Weight = catalog.Measure{Text: w, Unit: weightUnit}
			}
		case "sendGoodsAddressText":
			o.Supplier.Location = d.Text()
		case "freightTemplateID", "freightTemplateId":
			if id := d.Int64(); id.V == sellerPays && !o.FreeShipping.OK {
				o.FreeShipping = catalog.Some(true)
			}
		}
	}
}

// extendInfos reads the pairs that the platform added without changing the
// model. One of them holds the consignment price of each SKU.
func (r *reader) extendInfos() {
	d := r.d
	d.Rows(func() {
		var name, value string
		for key := range d.Object() {
			switch string(key) {
			case "key":
				name = d.Text()
			case "value":
				value = d.Text()
			}
		}
		if name == "consignPrice" {
			r.consign = value
		}
	})
}

// finish settles what depends on more than one field.
func (r *reader) finish() {
	o := r.o
	if o.Supplier.ID == "" {
		o.Supplier.ID = r.userID
	}
	for _, p := range []string{r.salePrice, r.tradePrice} {
		setDefault(&o.Price, p)
	}
	setDefault(&o.Sold, r.booked)
	r.finishImages()
	r.consignPrices()
}

// finishImages merges imageInfo into image.images, which wins where both are there.
func (r *reader) finishImages() {
	if len(r.o.Images) > 0 {
		return
	}
	if r.mainImage != "" && !slices.Contains(r.imageInfo, r.mainImage) {
		r.o.Images = append(r.o.Images, r.mainImage)
	}
	r.o.Images = append(r.o.Images, r.imageInfo...)
}

// consignPrices gives the prices of "31151771910:2088.0;31151771909:2088.0;"
// to the SKUs that have none of their own.
func (r *reader) consignPrices() {
	for pair := range strings.SplitSeq(r.consign, ";") {
		id, price, ok := strings.Cut(pair, ":")
		if !ok {
			continue
		}
		for i := range r.o.SKUs {
			if s := &r.o.SKUs[i]; s.ID == id {
				setDefault(&s.ConsignPrice, price)
			}
		}
	}
}
