package transform

import (
	"math"
	"slices"
	"strings"

	"offerlake/pipeline/catalog"
)

// supplier fills the product's supplier columns and appends a row of the
// suppliers table when the supplier's id is known.
func (p *pass) supplier() {
	s := &p.o.Supplier
	id := Clean(s.ID)
	if id == "" {
		place := p.cache.place(placeTexts{s.Province, s.City, s.Location})
		p.product.SupplierName = catalog.Text(Clean(s.Name))
		p.product.Province, p.product.City = catalog.Text(place.Province), catalog.Text(place.City)
		return
	}
	row := p.supplierRow(id, s)
	p.product.SupplierID, p.product.SupplierName = catalog.Some(id), row.Name
	p.product.Province, p.product.City = row.Province, row.City
	p.rows.Suppliers = append(p.rows.Suppliers, row)
}

// supplierRow returns what s tells of the supplier with the id.
func (p *pass) supplierRow(id string, s *catalog.OfferSupplier) catalog.Supplier {
	place := p.cache.place(placeTexts{s.Province, s.City, s.Location})
	return catalog.Supplier{
		SupplierID: id,
		Name:       catalog.Text(Clean(s.Name)),
		LoginID:    catalog.Text(Clean(s.LoginID)),
		ShopURL:    p.shopURL(s.ShopURL),
		Province:   catalog.Text(place.Province),
		City:       catalog.Text(place.City),
		Years:      p.years(s.Years),
		Scores:     sortedScores(s.Scores),
		ObservedAt: p.obs.At,
		JournalRef: p.obs.Ref,
	}
}

func (p *pass) shopURL(text string) catalog.Opt[string] {
	if text == "" {
		return catalog.Opt[string]{}
	}
	url, ok := webURL(text)
	if !ok {
		p.reject(CodeBadURL, of("supplier.shop_url"), "not an address of a shop", text)
	}
	return catalog.Text(url)
}

// years reads how many years a supplier has been a member: "7", "7年".
func (p *pass) years(text string) catalog.Opt[int32] {
	number, _, _ := strings.Cut(text, "年")
	n := p.count(number, of("supplier.years"))
	if n.V > math.MaxInt32 {
		p.reject(CodeBadNumber, of("supplier.years"), "too many years", text)
		return catalog.Opt[int32]{}
	}
	return catalog.Opt[int32]{V: int32(n.V), OK: n.OK}
}

// sortedScores returns clean scores sorted by key. Scores without a key or a
// value say nothing; of a repeated key the first one counts.
func sortedScores(scores []catalog.Pair) []catalog.Pair {
	if len(scores) == 0 {
		return nil
	}
	out := make([]catalog.Pair, 0, len(scores))
	for _, s := range scores {
		if s = (catalog.Pair{Key: Clean(s.Key), Value: Clean(s.Value)}); s.Key != "" && s.Value != "" {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b catalog.Pair) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(out, func(a, b catalog.Pair) bool { return a.Key == b.Key })
}
