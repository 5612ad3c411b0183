package pipeline

import (
	"fmt"

	"offerlake/pipeline/catalog"
)

// Stage and code of the rejects rows of offers that a leaf's filter left out.
const (
	stageFilter = "filter"
	// CodeFiltered is no fault: the job asked for other offers.
	CodeFiltered = "filtered"
)

// filteredByPrice tells why the price of a row of search results leaves its
// offer out, "" when it does not.
func filteredByPrice(f *catalog.Filter, price catalog.Opt[catalog.Decimal]) string {
	switch {
	case !price.OK:
	case f.PriceFrom.OK && price.V < f.PriceFrom.V:
		return fmt.Sprintf("price: %s is less than %s", price.V, f.PriceFrom.V)
	case f.PriceTo.OK && price.V > f.PriceTo.V:
		return fmt.Sprintf("price: %s is more than %s", price.V, f.PriceTo.V)
	}
	return ""
}

// filteredByDetails tells why the details of an offer leave it out, "" when
// they do not. unpriced tells that the row of search results had no price: the
// details decide then, and an offer stays if any of its prices is in range.
func filteredByDetails(f *catalog.Filter, p *catalog.Product, unpriced bool) string {
	switch {
	case unpriced && f.PriceFrom.OK && p.PriceMax.OK && p.PriceMax.V < f.PriceFrom.V:
		return fmt.Sprintf("price: at most %s, which is less than %s", p.PriceMax.V, f.PriceFrom.V)
	case unpriced && f.PriceTo.OK && p.PriceMin.OK && p.PriceMin.V > f.PriceTo.V:
		return fmt.Sprintf("price: at least %s, which is more than %s", p.PriceMin.V, f.PriceTo.V)
	case f.MinOrder > 0 && p.MinOrderQuantity.V > f.MinOrder:
		return fmt.Sprintf("min_order: %d is more than %d", p.MinOrderQuantity.V, f.MinOrder)
	case f.FreeShipping && p.FreeShipping.OK && !p.FreeShipping.V:
		return "free_shipping: false, only true is wanted"
	case f.VerifiedSupplier && p.VerifiedSupplier.OK && !p.VerifiedSupplier.V:
		return "verified_supplier: false, only true is wanted"
	}
	return ""
}

// filtered is the row for an offer that a filter left out.
func filtered(id catalog.OfferID, reason, ref string) catalog.Reject {
	return catalog.Reject{
		OfferID: catalog.Some(id), Stage: stageFilter, Code: CodeFiltered, Message: reason, JournalRef: ref,
	}
}
