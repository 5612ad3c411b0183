package product

import (
	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// DecodePage reads the answer to a Search call.
func (s *Service) DecodePage(a extract.Answer) (catalog.Page, error) {
	var r pageReader
	err := s.pool.ReadKnown(a.Status, a.Body, pageKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.read()
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

func (r *pageReader) read() {
	for key := range r.d.Object() {
		switch string(key) {
		case "result":
			r.read()
		case "total":
			r.page.Total = r.d.Int64()
		case "pageSize":
			if n := r.d.Int64(); n.OK {
				r.page.PageSize = catalog.Some(int(n.V))
			}
		case "products":
			r.payload = true
			if envelope.Hits(r.d, &r.page, envelope.HitFields{ID: "productId", OtherID: "productID", Title: "subject", Price: "price"}) {
				r.broken = true
			}
		default:
			r.outcome.Field(r.d, key)
		}
	}
	r.outcome.KnownCode(r.d)
}
