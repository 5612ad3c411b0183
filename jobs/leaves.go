package jobs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Leaves expands the job's sources into queries, in the order of the file:
// one per keyword, category, shop, picture, pool and call, and one for each
// list of ids. A query that appears twice is kept once. Filters that the
// gateway lacks stand beside their query. It reads the files that the sources
// name; the ids of standard input are not among the leaves.
func (j *Job) Leaves() ([]catalog.Leaf, error) { return j.leaves(nil) }

// leaves is Leaves with the ids that standard input gave.
func (j *Job) leaves(stdin []catalog.OfferID) ([]catalog.Leaf, error) {
	d, err := newDialect(&j.Gateway)
	if err != nil {
		return nil, err
	}
	var leaves []catalog.Leaf
	seen := map[string]bool{}
	for i := range j.Sources {
		found, err := j.sourceLeaves(&j.Sources[i], i, d, stdin)
		if err != nil {
			return nil, fmt.Errorf("%s: sources[%d].%w", j.File, i, err)
		}
		for _, l := range found {
			key, err := json.Marshal(struct {
				Q     catalog.Query
				Pages int
			}{l.Query, l.MaxPages})
			if err != nil {
				return nil, err
			}
			if l.Query.Kind == catalog.OffersQuery || !seen[string(key)] {
				seen[string(key)] = true
				leaves = append(leaves, l)
			}
		}
	}
	return leaves, nil
}

// sourceLeaves expands the source at a place of the job.
func (j *Job) sourceLeaves(s *Source, index int, d extract.Dialect, stdin []catalog.OfferID) ([]catalog.Leaf, error) {
	if s.Offers != nil {
		return j.offersLeaf(s.Offers, index, stdin)
	}
	leaves := queries(s, index)
	if s.Image != nil {
		if err := j.readPictures(leaves, d); err != nil {
			return nil, fmt.Errorf("image: %w", err)
		}
	}
	for i := range leaves {
		if err := moveFilters(&leaves[i], d); err != nil {
			return nil, fmt.Errorf("%s: %w", leaves[i].Query.Kind, err)
		}
	}
	return leaves, nil
}

// queries expands a source other than offers, as the job states it: without
// the contents of pictures, and with filters that the gateway may lack.
func queries(s *Source, index int) []catalog.Leaf {
	var leaves []catalog.Leaf
	add := func(name string, pages int, q catalog.Query) {
		leaves = append(leaves, catalog.Leaf{
			Source: fmt.Sprintf("%s[%d]:%s", q.Kind, index, name), Query: q, MaxPages: pages, Split: s.cover() == coverSplit, Regions: regionsOf(s.regions()),
		})
	}
	switch {
	case s.Search != nil:
		for _, k := range s.Search.Keywords {
			add(k, s.Search.Pages, s.Search.query(k))
		}
	case s.Category != nil:
		for _, id := range s.Category.IDs {
			add(strconv.FormatInt(id, 10), s.Category.Pages, catalog.Query{
				Kind: catalog.CategoryQuery, Category: catalog.CategoryID(id),
				Subtree: s.Category.Subtree, Sort: catalog.Sort(s.Category.Sort),
			})
		}
	case s.Shop != nil:
		for _, seller := range s.Shop.Sellers {
			add(seller, s.Shop.Pages, catalog.Query{Kind: catalog.ShopQuery, Seller: seller})
		}
	case s.Image != nil:
		for _, p := range s.Image.pictures() {
			add(p.URL+p.File, s.Image.Pages, catalog.Query{Kind: catalog.ImageQuery, Picture: p, Keyword: strings.TrimSpace(s.Image.Keyword)})
		}
	case s.Pool != nil:
		for _, id := range s.Pool.IDs {
			add(id, s.Pool.Pages, catalog.Query{Kind: catalog.PoolQuery, Pool: id, Category: catalog.CategoryID(s.Pool.Category)})
		}
	case s.Selected != nil:
		add(cmp.Or(s.Selected.Keyword, "all"), s.Selected.Pages, s.Selected.query())
	case s.Top != nil:
		for _, id := range s.Top.Categories {
			add(strconv.FormatInt(id, 10), 0, catalog.Query{Kind: catalog.TopQuery, Category: catalog.CategoryID(id), Rank: catalog.Rank(s.Top.Rank)})
		}
	case s.Call != nil:
		add(s.Call.Table, s.Call.Pages, s.Call.query())
	}
	return leaves
}

// coverSplit is the cover of sources whose queries are split until they fit the
// gateway's window.
const coverSplit = "split"

func (s *Source) cover() string {
	switch {
	case s.Search != nil:
		return s.Search.Cover
	case s.Category != nil:
		return s.Category.Cover
	case s.Shop != nil:
		return s.Shop.Cover
	case s.Selected != nil:
		return s.Selected.Cover
	}
	return ""
}

func bound(m *Money) catalog.Opt[catalog.Decimal] {
	if m == nil {
		return catalog.Opt[catalog.Decimal]{}
	}
	return catalog.Some(m.Decimal)
}

func (s *SelectedSource) query() catalog.Query {
	return catalog.Query{
		Kind: catalog.SelectedQuery, Keyword: strings.TrimSpace(s.Keyword), Category: catalog.CategoryID(s.Category),
		PriceFrom: bound(s.Price.From), PriceTo: bound(s.Price.To),
	}
}

func (s *SearchSource) query(keyword string) catalog.Query {
	return catalog.Query{
		Kind: catalog.SearchQuery, Keyword: strings.TrimSpace(keyword), Category: catalog.CategoryID(s.Category),
		PriceFrom: bound(s.Price.From), PriceTo: bound(s.Price.To), MinOrder: s.MinOrder,
		FreeShipping: s.FreeShipping, VerifiedSupplier: s.VerifiedSupplier, Sort: catalog.Sort(s.Sort),
	}
}

// pictures lists what the source looks for, URLs first.
func (s *ImageSource) pictures() []*catalog.Picture {
	var all []*catalog.Picture
	for _, u := range s.URLs {
		all = append(all, &catalog.Picture{URL: u})
	}
	for _, f := range s.Files {
		all = append(all, &catalog.Picture{File: f})
	}
	return all
}

func (s *CallSource) query() catalog.Query {
	c := &catalog.Call{API: s.API, Params: catalog.Params(s.Params), Records: s.Records, Table: s.Table}
	if s.PageParam != "" {
		c.PageParam, c.FirstPage = s.PageParam, *s.FirstPage
	}
	return catalog.Query{Kind: catalog.CallQuery, Call: c}
}

func (j *Job) offersLeaf(s *OffersSource, index int, stdin []catalog.OfferID) ([]catalog.Leaf, error) {
	leaf := catalog.Leaf{Source: fmt.Sprintf("offers[%d]:inline", index), Query: catalog.Query{Kind: catalog.OffersQuery}}
	if s.IDsFrom == fromStdin {
		leaf.Source = fmt.Sprintf("offers[%d]:stdin", index)
		if leaf.Query.IDs = stdin; stdin == nil {
			return nil, nil
		}
		return []catalog.Leaf{leaf}, nil
	}
	ids := s.IDs
	if s.IDsFrom != "" {
		leaf.Source = fmt.Sprintf("offers[%d]:%s", index, filepath.Base(s.IDsFrom))
		path := j.input(s.IDsFrom)
		var err error
		if ids, err = readIDs(path, s.Column); err != nil {
			return nil, fmt.Errorf("offers: %w", err)
		}
		if len(ids) == 0 {
			return nil, fmt.Errorf("offers: %s holds no offer id", path)
		}
	}
	var err error
	if leaf.Query.IDs, err = offerIDs(ids); err != nil {
		return nil, fmt.Errorf("offers: %w", err)
	}
	return []catalog.Leaf{leaf}, nil
}

// input returns the path of a file that the job reads.
func (j *Job) input(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(j.Dir, name)
}

// readsStdin reports whether a source takes its ids from standard input.
func (j *Job) readsStdin() bool {
	return slices.ContainsFunc(j.Sources, func(s Source) bool { return s.Offers != nil && s.Offers.IDsFrom == fromStdin })
}
