package onebound

import (
	"errors"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// DecodePage reads the answer to a Search call. A search that finds nothing is
// answered with the error of an unknown item, and is an empty page.
func (d *Dialect) DecodePage(a extract.Answer) (catalog.Page, error) {
	var r pageReader
	err := d.pool.ReadKnown(a.Status, a.Body, pageKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.read(r.field)
	})
	if err != nil {
		return catalog.Page{}, err
	}
	err = r.check(a.Status)
	if a.Status < 400 && errors.Is(err, catalog.ErrNotFound) {
		return catalog.Page{}, nil
	}
	if err != nil {
		return catalog.Page{}, err
	}
	if !r.page.Total.OK {
		r.page.Total = r.realTotal
	}
	return r.page, nil
}

type pageReader struct {
	answer
	page      catalog.Page
	realTotal catalog.Opt[int64]
}

func (r *pageReader) field(key []byte) {
	if string(key) != "items" {
		return
	}
	switch r.d.Kind() {
	case flex.Empty:
		r.payload = true
	case flex.Object:
		r.payload = true
		r.items()
	default:
		r.broken = true
	}
}

// items reads the list. page_count is not used: it counts a page more than
// there is.
func (r *pageReader) items() {
	d := r.d
	for key := range d.Object() {
		switch string(key) {
		case "total_results":
			r.page.Total = d.Int64()
		case "real_total_results":
			r.realTotal = d.Int64()
		case "page_size":
			if n := d.Int64(); n.OK {
				r.page.PageSize = catalog.Some(int(n.V))
			}
		case "item":
			if envelope.Hits(d, &r.page, envelope.HitFields{ID: "num_iid", Title: "title", Price: "price"}) {
				r.broken = true
			}
		case "error":
			r.item = d.Text()
		}
	}
}
