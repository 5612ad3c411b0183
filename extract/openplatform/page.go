package openplatform

import (
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Marks names the field of search results that tells when an offer was changed
// last (wire.md 3.1).
func (*Dialect) Marks() string { return "modifyDate" }

// DecodePage reads the answer to a Search call of any kind. The rows lie under
// data in the searches, under rankProductModels in the ranking lists, and are
// the payload itself in pools and in the selected-supply list.
func (d *Dialect) DecodePage(a extract.Answer) (catalog.Page, error) {
	var r pageReader
	r.rows = r.hits
	if err := d.read(a, &r.answer, r.field); err != nil {
		return catalog.Page{}, err
	}
	if r.only.ID != 0 && r.page.Hits == nil {
		r.page.Hits = []catalog.Hit{r.only}
	}
	return r.page, nil
}

type pageReader struct {
	answer
	page catalog.Page
	only catalog.Hit // a list of one as XML has it: the row in the place of the list
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
	case "pageInfo":
		for key := range r.d.Object() {
			r.field(key)
		}
	case "data":
		r.payload = true
		r.hits()
	case "rankProductModels":
		r.payload = true
		r.page.HasMore = catalog.Some(false) // a ranking list has one page
		r.hits()
	default:
		r.hitField(&r.only, key)
	}
}

func (r *pageReader) hits() {
	t := r.d.Rows(func() {
		if h := r.hit(); h.ID != 0 {
			r.page.Hits = append(r.page.Hits, h)
		} else {
			r.page.Dropped++
		}
	})
	r.page.Dropped += t.Dropped
	r.broken = r.broken || t.Unreadable
}

// hit reads a row; its ID is 0 if it has none that can be used.
func (r *pageReader) hit() catalog.Hit {
	var h catalog.Hit
	for key := range r.d.Object() {
		r.hitField(&h, key)
	}
	return h
}

// hitField reads one field of a row. Each row of a pool tells how many offers
// the pool has.
func (r *pageReader) hitField(h *catalog.Hit, key []byte) {
	switch string(key) {
	case "offerId", "itemId":
		if id := r.d.OfferID(); id.OK {
			h.ID = id.V
		}
	case "subject", "title":
		h.Title = r.d.Text()
	case "priceInfo":
		h.Price = r.price()
	case "modifyDate":
		if at, err := time.ParseInLocation(time.DateTime, r.d.Text(), catalog.GatewayZone); err == nil {
			h.ModifiedAt = at
		}
	case "offerPoolTotal":
		if total := r.d.Int64(); total.OK {
			r.page.Total = total
		}
	}
}

func (r *pageReader) price() string {
	var price string
	for key := range r.d.Object() {
		if string(key) == "price" {
			price = r.d.Text()
		}
	}
	return price
}
