package openplatform

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
		r.envelope(r.field)
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
	case "totalRecords":
		r.payload = true
		r.page.Total = r.d.Int64()
	case "pageSize":
		if n := r.d.Int64(); n.OK {
			r.page.PageSize = catalog.Some(int(n.V))
		}
	case "data":
		r.payload = true
		r.hits()
	}
}

func (r *pageReader) hits() {
	t := r.d.Rows(func() {
		var id catalog.Opt[catalog.OfferID]
		for key := range r.d.Object() {
			if string(key) == "offerId" {
				id = r.d.OfferID()
			}
		}
		if !id.OK {
			r.page.Dropped++
			return
		}
		r.page.Hits = append(r.page.Hits, catalog.Hit{ID: id.V})
	})
	r.page.Dropped += t.Dropped
	r.broken = r.broken || t.Unreadable
}
