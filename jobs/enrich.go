package jobs

import (
	"slices"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// enrichCategories is the enrichment that is about no offer: the category tree.
const enrichCategories = "categories"

// wantsCategories reports whether the job asks for the category tree.
func (j *Job) wantsCategories() bool { return slices.Contains(j.Enrich, enrichCategories) }

// enrichments returns what the job asks for about offers and sellers.
func (j *Job) enrichments() []catalog.Enrichment {
	var all []catalog.Enrichment
	for _, name := range j.Enrich {
		if name != enrichCategories {
			all = append(all, catalog.Enrichment(name))
		}
	}
	return all
}

// byCall returns those enrichments that take calls of their own.
func (j *Job) byCall(d extract.Dialect) []catalog.Enrichment {
	return slices.DeleteFunc(j.enrichments(), func(e catalog.Enrichment) bool { return wayOf(d, e) != extract.ByCall })
}

// enriches returns whether a dialect can tell an enrichment.
func enriches(name string) func(extract.Dialect) bool {
	if name == enrichCategories {
		return listsCategories
	}
	return func(d extract.Dialect) bool { return wayOf(d, catalog.Enrichment(name)) != 0 }
}

// wayOf returns where a dialect has an enrichment from, 0 when it has it not.
func wayOf(d extract.Dialect, e catalog.Enrichment) extract.Way {
	if ed, ok := d.(extract.EnrichDialect); ok {
		return ed.Enrichments()[e]
	}
	return 0
}
