package portals

import (
	"fmt"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Enrichments tells that details name the seller. There is nothing else beyond
// details.
func (*Dialect) Enrichments() map[catalog.Enrichment]extract.Way {
	return map[catalog.Enrichment]extract.Way{catalog.EnrichSupplier: extract.InDetails}
}

// Enrich returns an error: there are no calls for enrichments.
func (*Dialect) Enrich(kind catalog.Enrichment, _ catalog.Subject, _ int, _ time.Time) (extract.Request, error) {
	return extract.Request{}, noCall(kind)
}

// DecodeExtra returns an error: there are no calls for enrichments.
func (*Dialect) DecodeExtra(kind catalog.Enrichment, _ catalog.Subject, _ extract.Answer) (catalog.Extra, error) {
	return catalog.Extra{}, noCall(kind)
}

func noCall(kind catalog.Enrichment) error {
	return fmt.Errorf("portals: there is no API for %s", kind)
}
