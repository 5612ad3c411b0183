package portals

import (
	"offerlake/extract"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// DecodePage reads the answer to a Search call.
func (d *Dialect) DecodePage(a extract.Answer) (catalog.Page, error) {
	var r pageReader
	err := d.pool.Read(a.Status, a.Body, func(in *flex.Decoder) {
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
	case "page_size":
		if n := r.d.Int64(); n.OK {
			r.page.PageSize = catalog.Some(int(n.V))
		}
	case "items":
		r.payload = true
		t := r.d.Rows(r.hit)
		r.page.Dropped += t.Dropped
		r.broken = r.broken || t.Unreadable
	}
}

func (r *pageReader) hit() {
	var h catalog.Hit
	for key := range r.d.Object() {
		switch string(key) {
		case "num_iid":
			h.ID = r.d.OfferID().V
		case "title":
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
}
