package product

import (
	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Enrichments tells that details describe the seller. The format has nothing
// else beyond details.
func (*Service) Enrichments() map[catalog.Enrichment]extract.Way {
	return map[catalog.Enrichment]extract.Way{catalog.EnrichSupplier: extract.InDetails}
}
