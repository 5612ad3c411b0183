package product

import (
	"fmt"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Enrichments tells that details describe the seller. The format has nothing
// else beyond details.
func (*Service) Enrichments() map[catalog.Enrichment]extract.Way {
	return map[catalog.Enrichment]extract.Way{catalog.EnrichSupplier: extract.InDetails}
}

// Enrich returns an error: there are no calls for enrichments.
func (s *Service) Enrich(kind catalog.Enrichment, _ catalog.Subject, _ int, _ time.Time) (extract.Request, error) {
	return extract.Request{}, s.noCall(kind)
}

// DecodeExtra returns an error: there are no calls for enrichments.
func (s *Service) DecodeExtra(kind catalog.Enrichment, _ catalog.Subject, _ extract.Answer) (catalog.Extra, error) {
	return catalog.Extra{}, s.noCall(kind)
}

func (s *Service) noCall(kind catalog.Enrichment) error {
	return fmt.Errorf("%s: there is no API for %s", s.name, kind)
}
