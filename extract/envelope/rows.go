package envelope

import (
	"cmp"
	"fmt"

	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// HitFields are the names that a gateway gives the fields of a row of search
// results. OtherID is another spelling of ID, if there is one.
type HitFields struct{ ID, OtherID, Title, Price string }

// Hits reads a list of search results at d's place into page. Rows without a
// usable id are counted there. It reports whether the value was no list.
func Hits(d *flex.Decoder, page *catalog.Page, names HitFields) (unreadable bool) {
	otherID := cmp.Or(names.OtherID, names.ID)
	t := d.Rows(func() {
		var h catalog.Hit
		for key := range d.Object() {
			switch string(key) {
			case names.ID, otherID:
				h.ID = d.OfferID().V
			case names.Title:
				h.Title = d.Text()
			case names.Price:
				h.Price = d.Text()
			}
		}
		if h.ID == 0 {
			page.Dropped++
			return
		}
		page.Hits = append(page.Hits, h)
	})
	page.Dropped += t.Dropped
	return t.Unreadable
}

// EmitOne hands on the offer that an answer about one id describes, which need
// not repeat the id. An offer without id, title and SKUs is none.
func EmitOne(o *catalog.Offer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) {
	if o == nil || o.ID == 0 && o.Title == "" && len(o.SKUs) == 0 {
		return
	}
	if o.ID == 0 {
		o.ID = ids[0]
	}
	emit(o.ID, o, nil)
}

// SKUTable reads the SKU table of o at d's place, row by row. An offer without
// one has an empty table or no field at all; a table that cannot be read marks
// the offer, so that it does not pass for one without.
func SKUTable(d *flex.Decoder, o *catalog.Offer, row func()) {
	t := d.Rows(row)
	if t.Bad() {
		o.SKUTableIsBad = true
	}
	if t.Dropped > 0 {
		d.Report(fmt.Sprintf("%d rows of the SKU table are no objects", t.Dropped), nil)
	}
}
