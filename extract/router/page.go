package router

import (
	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// DecodePage reads the answer to a Search call.
func (d *Dialect) DecodePage(a extract.Answer) (catalog.Page, error) {
	var r pageReader
	err := d.pool.ReadKnown(a.Status, a.Body, pageKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.read(r.field)
	})
	if err != nil {
		return catalog.Page{}, err
	}
	if err := r.check(a.Status); err != nil {
		return catalog.Page{}, err
	}
	return r.page, nil
}

type pageReader struct {
	answer
	page catalog.Page
}

func (r *pageReader) field(key []byte) {
	switch string(key) {
	case "total":
		r.page.Total = r.d.Int64()
	case "products":
		r.payload = true
		if envelope.Hits(r.d, &r.page, envelope.HitFields{ID: "productId", Title: "productName", Price: "price"}) {
			r.broken = true
		}
	}
}
