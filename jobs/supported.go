package jobs

import (
	"errors"
	"fmt"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// checkSupported asks the dialect whether it can do what the sources and
// enrich want, so that what it lacks is an error now and not a wrong result
// later.
func (p *parsing) checkSupported(j *Job) {
	if len(p.faults) > 0 {
		return
	}
	d, err := newDialect(&j.Gateway)
	if err != nil {
		p.wrong("gateway", err.Error(), "")
		return
	}
	var filters []catalog.Filter
	for i := range j.Sources {
		f, finds := p.checkSource(j, i, d)
		if !finds {
			continue
		}
		if filters = append(filters, f); f != filters[0] {
			p.splitJob(i, f, filters[0])
			return
		}
	}
	p.checkEnrich(j, d)
	p.validateReuse(j, d)
}

// checkSource checks one source, and returns the filter that the run would
// apply to its offers; finds is false when it finds none.
func (p *parsing) checkSource(j *Job, i int, d extract.Dialect) (f catalog.Filter, finds bool) {
	s := &j.Sources[i]
	at := fmt.Sprintf("sources[%d]", i)
	if s.Call != nil {
		p.checkCall(j, s.Call, at+".call", d)
		return f, false
	}
	for _, leaf := range queries(s, i) {
		if err := j.standIn(&leaf); err != nil {
			p.wrong(at, err.Error(), kindsThat(takesFiles))
			return f, true
		}
		if _, ok := d.(extract.CategoryDialect); leaf.Query.Subtree && !ok {
			p.wrong(at+".category.subtree", fmt.Sprintf("gateway kind %s cannot list sub-categories", j.Gateway.spoken()), "Name the leaf categories instead. "+kindsThat(listsCategories))
			return f, true
		}
		if err := moveFilters(&leaf, d); err != nil {
			p.unsupported(j, leaf.Query, err, at)
			return f, true
		}
		if none := untoldOf(leaf.Filter, j.Gateway.spoken()); len(none) > 0 {
			p.wrong(at, fmt.Sprintf("gateway kind %s cannot filter by %s, and its data does not tell it of any offer", j.Gateway.spoken(), strings.Join(none, ", ")),
				"Leave it out. See docs/gateways.md for what each kind can filter by.")
			return f, true
		}
		if leaf.Split && !splits(leaf.Query)(d) {
			p.wrong(at, fmt.Sprintf("cover: split needs a gateway that filters by price, and kind %s cannot", j.Gateway.spoken()), "Remove cover. "+kindsThat(splits(leaf.Query)))
			return f, true
		}
		if !p.checkRegions(j, leaf, s.regions(), at, d) {
			return f, true
		}
		f = leaf.Filter
	}
	return f, true
}

// standIn gives the picture of a file the contents of a small one, so that
// queries can be checked without reading files. It returns an error when the
// gateway takes no files.
func (j *Job) standIn(leaf *catalog.Leaf) error {
	if leaf.Query.Kind != catalog.ImageQuery || leaf.Query.Picture.File == "" {
		return nil
	}
	d, err := newDialect(&j.Gateway)
	if err != nil {
		return err
	}
	if _, ok := d.(extract.ImageDialect); ok && d.Limits().PictureBytes == 0 {
		return fmt.Errorf("gateway kind %s takes no picture files, only addresses: name it under urls", j.Gateway.spoken())
	}
	leaf.Query.Picture = &catalog.Picture{File: leaf.Query.Picture.File, Data: []byte{0xff}, SHA256: strings.Repeat("0", 64)}
	return nil
}

// unsupported reports a query that the dialect cannot express.
func (p *parsing) unsupported(j *Job, q catalog.Query, err error, at string) {
	kind := j.Gateway.spoken()
	var lacks *extract.FilterError
	switch {
	case errors.As(err, &lacks):
		p.wrong(at, fmt.Sprintf("gateway kind %s cannot filter by %s, and offerlake cannot in its place", kind, strings.Join(lacks.Fields, ", ")), refusedHint(lacks.Fields))
	default:
		hint := "See docs/gateways.md for what each kind can do."
		if able := kindsFor(q); able != noKindCan { // else it is the query that is wrong
			hint = able + " " + hint
		}
		p.wrong(at, ofKind(kind, err), hint)
	}
}

// ofKind is what a dialect has against a source.
func ofKind(kind string, err error) string {
	return "gateway kind " + kind + ": " + strings.TrimPrefix(err.Error(), kind+": ")
}

// kindsFor names the kinds that can express a query.
func kindsFor(q catalog.Query) string {
	return kindsThat(func(d extract.Dialect) bool {
		return moveFilters(&catalog.Leaf{Query: q}, d) == nil
	})
}

// splits tells whether a dialect can split a query by price.
func splits(q catalog.Query) func(extract.Dialect) bool {
	q.PriceFrom, q.PriceTo = catalog.Some(catalog.Decimal(0)), catalog.Some(catalog.Decimal(1))
	return func(d extract.Dialect) bool {
		_, err := d.Search(q, 1)
		return err == nil && d.Limits().Window > 0
	}
}

func listsCategories(d extract.Dialect) bool {
	_, ok := d.(extract.CategoryDialect)
	return ok
}

func takesFiles(d extract.Dialect) bool {
	_, ok := d.(extract.ImageDialect)
	return ok && d.Limits().PictureBytes > 0
}

// splitJob reports a source whose offers would need another filter than those
// of the sources before it: an offer that two sources find is one row, which
// is wanted or is not.
func (p *parsing) splitJob(i int, f, other catalog.Filter) {
	names := func(f catalog.Filter) string {
		before, after := filterNames(f)
		if all := append(before, after...); len(all) > 0 {
			return strings.Join(all, ", ")
		}
		return "nothing"
	}
	p.wrong(fmt.Sprintf("sources[%d]", i), fmt.Sprintf("offerlake would have to filter its offers by %s, those of the sources before it by %s (the gateway cannot)", names(f), names(other)),
		"Where offerlake filters itself, all sources of a job need the same filters: make a job of its own of this source.")
}

func (p *parsing) checkCall(j *Job, s *CallSource, at string, d extract.Dialect) {
	cd, ok := d.(extract.CallDialect)
	if !ok {
		p.wrong(at, fmt.Sprintf("gateway kind %s has no calls by name", j.Gateway.spoken()), kindsThat(func(d extract.Dialect) bool { _, ok := d.(extract.CallDialect); return ok }))
		return
	}
	if _, err := cd.Call(s.API, catalog.Params(s.Params)); err != nil {
		p.wrong(at, ofKind(j.Gateway.spoken(), err), "")
	}
}

func (p *parsing) checkEnrich(j *Job, d extract.Dialect) {
	for i, name := range j.Enrich {
		at := fmt.Sprintf("enrich[%d]", i)
		can := enriches(name)
		if !can(d) {
			p.wrong(at, fmt.Sprintf("gateway kind %s cannot tell %s", j.Gateway.spoken(), name), "Remove it. "+kindsThat(can))
		}
	}
}
