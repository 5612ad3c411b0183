package jobs

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// Leaves expands the job's sources into queries, in the order of the file:
// one per keyword, category and shop, and one for each list of ids. A query
// that appears twice is kept once. It reads the files that ids come from.
func (j *Job) Leaves() ([]catalog.Leaf, error) {
	var leaves []catalog.Leaf
	seen := map[string]bool{}
	for i := range j.Sources {
		s := &j.Sources[i]
		found := sourceLeaves(s, fmt.Sprintf("%d", i))
		if s.Offers != nil {
			leaf, err := j.offersLeaf(s.Offers, i)
			if err != nil {
				return nil, fmt.Errorf("%s: sources[%d].offers: %w", j.File, i, err)
			}
			found = []catalog.Leaf{leaf}
		}
		for _, l := range found {
			key, err := json.Marshal(struct {
				Q     catalog.Query
				Pages int
			}{l.Query, l.MaxPages})
			if err != nil {
				return nil, err
			}
			if s.Offers != nil || !seen[string(key)] {
				seen[string(key)] = true
				leaves = append(leaves, l)
			}
		}
	}
	return leaves, nil
}

// sourceLeaves expands a source that needs no file. index is the source's
// place in the job.
func sourceLeaves(s *Source, index string) []catalog.Leaf {
	var leaves []catalog.Leaf
	add := func(kind, name string, pages int, q catalog.Query) {
		leaves = append(leaves, catalog.Leaf{Source: kind + "[" + index + "]:" + name, Query: q, MaxPages: pages})
	}
	switch {
	case s.Search != nil:
		for _, k := range s.Search.Keywords {
			add("search", k, s.Search.Pages, s.Search.query(k))
		}
	case s.Category != nil:
		for _, id := range s.Category.IDs {
			add("category", strconv.FormatInt(id, 10), s.Category.Pages, catalog.Query{
				Kind: catalog.CategoryQuery, Category: catalog.CategoryID(id),
				Subtree: s.Category.Subtree, Sort: catalog.Sort(s.Category.Sort),
			})
		}
	case s.Shop != nil:
		for _, seller := range s.Shop.Sellers {
			add("shop", seller, s.Shop.Pages, catalog.Query{Kind: catalog.ShopQuery, Seller: seller})
		}
	}
	return leaves
}

func (s *SearchSource) query(keyword string) catalog.Query {
	bound := func(m *Money) catalog.Opt[catalog.Decimal] {
		if m == nil {
			return catalog.Opt[catalog.Decimal]{}
		}
		return catalog.Some(m.Decimal)
	}
	return catalog.Query{
		Kind: catalog.SearchQuery, Keyword: strings.TrimSpace(keyword), Category: catalog.CategoryID(s.Category),
		PriceFrom: bound(s.Price.From), PriceTo: bound(s.Price.To), MinOrder: s.MinOrder,
		FreeShipping: s.FreeShipping, VerifiedSupplier: s.VerifiedSupplier, Sort: catalog.Sort(s.Sort),
	}
}

func (j *Job) offersLeaf(s *OffersSource, index int) (catalog.Leaf, error) {
	ids, name := s.IDs, "inline"
	if s.IDsFrom != "" {
		name = filepath.Base(s.IDsFrom)
		path := s.IDsFrom
		if !filepath.IsAbs(path) {
			path = filepath.Join(j.Dir, path)
		}
		var err error
		if ids, err = readIDs(path, s.Column); err != nil {
			return catalog.Leaf{}, err
		}
		if len(ids) == 0 {
			return catalog.Leaf{}, fmt.Errorf("%s holds no offer id", path)
		}
	}
	q := catalog.Query{Kind: catalog.OffersQuery}
	for _, id := range ids {
		if id <= 0 {
			return catalog.Leaf{}, fmt.Errorf("%d is not an offer id", id)
		}
		q.IDs = append(q.IDs, catalog.OfferID(id))
	}
	return catalog.Leaf{Source: fmt.Sprintf("offers[%d]:%s", index, name), Query: q}, nil
}

// readIDs reads offer ids from a CSV file with a header that has the column,
// or from a text file with one id a line. Blank lines and # comments are
// skipped in text files.
func readIDs(path, column string) ([]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		return readCSVIDs(f, path, column)
	}
	var ids []int64
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")); text == "" {
			continue
		}
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %q is not an offer id", path, n, text)
		}
		ids = append(ids, id)
	}
	return ids, lines.Err()
}

func readCSVIDs(r io.Reader, path, column string) ([]int64, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	rows.FieldsPerRecord = -1
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: no CSV header: %w", path, err)
	}
	names := slices.Clone(header)
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	at := slices.Index(names, column)
	if at < 0 {
		return nil, fmt.Errorf("%s has no column %q, name one of its columns with column: %s", path, column, strings.Join(names, ", "))
	}
	var ids []int64
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := rows.FieldPos(0)
		if at >= len(row) {
			return nil, fmt.Errorf("%s:%d: the row has %d fields; %s is field %d", path, line, len(row), column, at+1)
		}
		id, err := strconv.ParseInt(strings.TrimSpace(row[at]), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %q is not an offer id", path, line, row[at])
		}
		ids = append(ids, id)
	}
}
