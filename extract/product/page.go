package product

import (
	"offerlake/extract"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// DecodePage reads the answer to a Search call.
func (s *Service) DecodePage(a extract.Answer) (catalog.Page, error) {
	var r pageReader
	err := s.pool.Read(a.Status, a.Body, func(in *flex.Decoder) {
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
			r.hits()
		default:
			r.outcome.Field(r.d, key)
		}
	}
}

func (r *pageReader) hits() {
	t := r.d.Rows(func() {
		var h catalog.Hit
		for key := range r.d.Object() {
			switch string(key) {
			case "productId", "productID":
				h.ID = r.d.OfferID().V
			case "subject":
				h.Title = r.d.Text()
			case "price":
				h.Price = r.d.Text()
			}
		}
		if h.ID == 0 {
			r.page.Dropped++
			return
		}
		r.page.Hits = append(r.page.Hits, h)
	})
	r.page.Dropped += t.Dropped
	r.broken = r.broken || t.Unreadable
}
