package router

import (
	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/extract/skutext"
	"offerlake/pipeline/catalog"
)

// DecodeDetails reads the answer to a Details call.
func (d *Dialect) DecodeDetails(a extract.Answer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) error {
	var r detailReader
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

// detailReader reads one product.
type detailReader struct {
	answer
	offer *catalog.Offer
	texts []string // the attributes of each SKU
}

func (r *detailReader) field(key []byte) {
	if string(key) != "product" {
		return
	}
	r.payload = true
	switch r.d.Kind() {
	case flex.Empty:
	case flex.Object:
		r.offer, r.texts = new(catalog.Offer), nil
		r.offer.DecodeIssues = r.d.Offer(r.product)
		skutext.Join(r.offer, r.texts, "skus", "attributes")
	default:
		r.broken = true
	}
}

func (r *detailReader) product() {
	d, o := r.d, r.offer
	for key := range d.Object() {
		switch string(key) {
		case "productId":
			o.ID = d.OfferID().V
		case "productName":
			o.Title = d.Text()
		case "price":
			o.Price = d.Text()
		case "quantity":
			o.Stock = d.Text()
		case "categoryId":
			o.CategoryID = d.Text()
		case "images":
			o.Images = d.Texts(o.Images)
		case "supplierName":
			o.Supplier.Name = d.Text()
		case "skus":
			envelope.SKUTable(d, o, r.sku)
		}
	}
}

func (r *detailReader) sku() {
	var s catalog.OfferSKU
	text, d := "", r.d
	for key := range d.Object() {
		switch string(key) {
		case "skuId":
			s.ID = d.Text()
		case "specId":
			s.SpecID = d.Text()
		case "attributes":
			text = d.Text()
		case "price":
			s.Price = d.Text()
		case "quantity":
			s.Stock = d.Text()
		}
	}
	r.offer.SKUs = append(r.offer.SKUs, s)
	r.texts = append(r.texts, text)
}
