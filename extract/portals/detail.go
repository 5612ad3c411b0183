package portals

import (
	"net/url"
	"regexp"
	"strconv"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/extract/skutext"
	"offerlake/pipeline/catalog"
)

// DecodeDetails reads the answer to a Details call.
func (d *Dialect) DecodeDetails(a extract.Answer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) error {
	r := detailReader{offer: new(catalog.Offer)}
	err := d.pool.ReadKnown(a.Status, a.Body, detailKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.read(r.field)
	})
	if err != nil {
		return err
	}
	if err := r.check(a.Status); err != nil {
		return err
	}
	envelope.EmitOne(r.offer, ids, emit)
	return nil
}

type detailReader struct {
	answer
	offer     *catalog.Offer
	detailURL string
	names     []string // sku_name of each SKU
}

func (r *detailReader) field(key []byte) {
	if string(key) != "item" {
		return
	}
	switch r.d.Kind() {
	case flex.Empty:
		r.payload = true
	case flex.Object:
		r.payload = true
		r.offer.DecodeIssues = r.d.Offer(r.item)
		r.finish()
	default:
		r.broken = true
	}
}

func (r *detailReader) item() {
	d, o := r.d, r.offer
	for key := range d.Object() {
		switch string(key) {
		case "num_iid":
			o.ID = d.OfferID().V
		case "title":
			o.Title = d.Text()
		case "pic_url":
			o.Images = d.Texts(o.Images)
		case "price":
			o.Price = d.Text()
		case "sales":
			o.Sold = d.Text()
		case "detail_url":
			r.detailURL = d.Text()
		case "shop_name":
			o.Supplier.Name = d.Text()
		case "shop_url":
			o.Supplier.ShopURL = d.Text()
		case "sku":
			envelope.SKUTable(d, o, r.sku)
		}
	}
}

func (r *detailReader) sku() {
	var s catalog.OfferSKU
	name, d := "", r.d
	for key := range d.Object() {
		switch string(key) {
		case "sku_id":
			s.ID = d.Text()
		case "sku_name":
			name = d.Text()
		case "sku_price":
			s.Price = d.Text()
		}
	}
	r.offer.SKUs = append(r.offer.SKUs, s)
	r.names = append(r.names, name)
}

// inDetailURL finds the id of an offer in the address of its page.
var inDetailURL = regexp.MustCompile(`/offer/(\d{1,18})\.html`)

// finish settles what depends on more than one field.
func (r *detailReader) finish() {
	o := r.offer
	if o.ID == 0 {
		if m := inDetailURL.FindStringSubmatch(r.detailURL); m != nil {
			id, _ := strconv.ParseInt(m[1], 10, 64) // 18 digits always fit
			o.ID = catalog.OfferID(id)
		}
	}
	if u, err := url.Parse(o.Supplier.ShopURL); err == nil {
		o.Supplier.ID = u.Query().Get("memberId")
	}
	skutext.Join(o, r.names, "sku", "sku_name")
}
