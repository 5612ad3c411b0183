package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// moveFilters takes out of a leaf's query what the gateway has no parameter
// for and the run can apply itself. What neither can do is an
// *extract.FilterError; other errors are the dialect's about the query.
func moveFilters(leaf *catalog.Leaf, d extract.Dialect) error {
	if leaf.Query.Kind == catalog.CallQuery {
		return nil
	}
	err := searchable(leaf.Query, d)
	var lacks *extract.FilterError
	if !errors.As(err, &lacks) {
		return err
	}
	var refused []string
	for _, field := range lacks.Fields {
		if !moveFilter(leaf, field) {
			refused = append(refused, field)
		}
	}
	if len(refused) > 0 {
		return &extract.FilterError{Fields: refused}
	}
	return searchable(leaf.Query, d)
}

// moveFilter moves one part of the leaf's query to its filter; false when the
// run cannot apply it.
func moveFilter(leaf *catalog.Leaf, field string) bool {
	q, f := &leaf.Query, &leaf.Filter
	switch field {
	case "price":
		f.PriceFrom, f.PriceTo = q.PriceFrom, q.PriceTo
		q.PriceFrom, q.PriceTo = catalog.Opt[catalog.Decimal]{}, catalog.Opt[catalog.Decimal]{}
	case "min_order":
		f.MinOrder, q.MinOrder = q.MinOrder, 0
	case "free_shipping":
		f.FreeShipping, q.FreeShipping = true, false
	case "verified_supplier":
		f.VerifiedSupplier, q.VerifiedSupplier = true, false
	default:
		return false
	}
	return true
}

// searchable asks the dialect whether it can express a query. A picture that
// would be handed in first passes as handed in.
func searchable(q catalog.Query, d extract.Dialect) error {
	q.Subtree = false
	if q.Kind == catalog.ImageQuery {
		id, ok := d.(extract.ImageDialect)
		if !ok {
			return errNoImages
		}
		picture := *q.Picture
		_, needed, err := id.Upload(picture)
		if err != nil {
			return err
		}
		if needed {
			picture.Handle = "-"
		}
		q.Picture = &picture
	}
	_, err := d.Search(q, 1)
	return err
}

var errNoImages = errors.New("there is no search by picture")

// refusedHint says what to do about filters that nobody can apply.
func refusedHint(fields []string) string {
	hints := map[string]string{
		"category": "Leave category out and pick the rows of products by category_id, or use a category source.",
		"sort":     "Leave sort out; the rows can be sorted in the tables.",
		"keyword":  "Leave keyword out.",
	}
	var out []string
	for _, f := range fields {
		if h := hints[f]; h != "" {
			out = append(out, h)
		}
	}
	return strings.Join(append(out, "See docs/gateways.md for what each kind can filter by."), " ")
}

// filterNames names the parts of a filter: those that are applied to search
// results, before details are paid for, and those that need the details.
func filterNames(f catalog.Filter) (before, after []string) {
	if f.PriceFrom.OK || f.PriceTo.OK {
		before = append(before, "price")
	}
	if f.MinOrder > 0 {
		after = append(after, "min_order")
	}
	if f.FreeShipping {
		after = append(after, "free_shipping")
	}
	if f.VerifiedSupplier {
		after = append(after, "verified_supplier")
	}
	return before, after
}

// Notes says which filters of a valid job offerlake applies itself, because
// the gateway does not: a line per source.
func (j *Job) Notes() []string {
	d, err := newDialect(&j.Gateway)
	if err != nil {
		return nil
	}
	var notes []string
	for i := range j.Sources {
		for _, leaf := range queries(&j.Sources[i], i) {
			if doubtful(leaf.Query, d) {
				notes = append(notes, fmt.Sprintf("sources[%d].%s: gateway kind %s is known to ignore a category beside a keyword; each search costs one call "+
					"more to find out, and one that is ignored is filter_ignored in coverage, never complete", i, leaf.Query.Kind, j.Gateway.spoken()))
				break
			}
			if j.standIn(&leaf) != nil || moveFilters(&leaf, d) != nil || leaf.Filter == (catalog.Filter{}) {
				continue
			}
			notes = append(notes, fmt.Sprintf("sources[%d].%s: %s", i, leaf.Query.Kind, filterNote(leaf.Filter, j.Gateway.spoken())))
			break // the other leaves of a source have the same filters
		}
	}
	return notes
}

func filterNote(f catalog.Filter, kind string) string {
	before, after := filterNames(f)
	var parts []string
	if len(before) > 0 {
		parts = append(parts, strings.Join(before, ", ")+" before it pays for details")
	}
	if len(after) > 0 {
		parts = append(parts, strings.Join(after, ", ")+" after details are paid for")
	}
	return fmt.Sprintf("offerlake applies %s: gateway kind %s has no such filter; an offer whose data does not tell stays in", strings.Join(parts, ", "), kind)
}

// untoldOf names the parts of a filter that would exclude nothing, because the
// details of a kind do not tell.
func untoldOf(f catalog.Filter, kind string) []string {
	_, after := filterNames(f)
	return slices.DeleteFunc(after, func(name string) bool { return !slices.Contains(untold(kind), name) })
}

// untold returns the filters that are applied to details and that the details
// of a kind tell nothing about, so that they exclude no offer: docs/gateways.md
// has what each kind was measured to carry.
func untold(kind string) []string {
	switch kind {
	case "onebound":
		return []string{"free_shipping", "verified_supplier"}
	case "router", "portals":
		return []string{"min_order", "free_shipping", "verified_supplier"}
	}
	return nil
}
