package portals

import (
	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Enrichments tells that details name the seller. There is nothing else beyond
// details.
func (*Dialect) Enrichments() map[catalog.Enrichment]extract.Way {
	return map[catalog.Enrichment]extract.Way{catalog.EnrichSupplier: extract.InDetails}
}
