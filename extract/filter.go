package extract

import (
	"slices"

	"offerlake/pipeline/catalog"
)

// Unfiltered returns a *FilterError that names those parts of q, by their names
// in the job file, that are set but not among passed, which are those that the
// dialect has parameters for. It returns nil when there are none.
func Unfiltered(q catalog.Query, passed ...string) error {
	var fields []string
	for _, part := range []struct {
		name string
		set  bool
	}{
		{"price", q.PriceFrom.OK || q.PriceTo.OK},
		{"min_order", q.MinOrder > 0},
		{"free_shipping", q.FreeShipping},
		{"verified_supplier", q.VerifiedSupplier},
		{"category", q.Category != 0},
		{"region", q.Region != ""},
		{"sold", q.SoldFrom.OK || q.SoldTo.OK},
		{"sort", q.Sort != catalog.SortDefault},
		{"keyword", q.Keyword != ""},
	} {
		if part.set && !slices.Contains(passed, part.name) {
			fields = append(fields, part.name)
		}
	}
	if fields == nil {
		return nil
	}
	return &FilterError{Fields: fields}
}
