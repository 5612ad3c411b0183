package dialecttest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// What a run asks for comes through a gateway that throttles, breaks off and
// forgets tokens, and none of it is paid for again: by keyword and by picture,
// then the details of all that was found.
func TestHostileSandbox(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bearer", "param2", "router"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon)) // the bubble's clock begins years before
				s, err := sandbox.New(sandbox.Options{Offers: 1500, Profile: sandbox.Hostile})
				if err != nil {
					t.Fatal(err)
				}
				journal := new(dialecttest.Journal)
				gather(t, s, name, journal)
				first := s.Stats()
				if first.Faults == 0 || first.Repeats != 0 {
					t.Errorf("Stats() = %+v, want faults and no repeats", first)
				}
				gather(t, s, name, journal)
				if calls := s.Stats().Calls - first.Calls; calls != 0 {
					t.Errorf("%d calls were made for what is in the journal", calls)
				}
			})
		})
	}
}

// gather checks that all offers of a keyword, and all that look like one of
// them, are found and described.
func gather(t *testing.T, s *sandbox.Server, name string, journal *dialecttest.Journal) {
	t.Helper()
	c, err := extract.NewClient(dialects(t)[name], journal, extract.Options{
		Gateway: name, Endpoints: []string{"http://gw.test"}, Credentials: []extract.Credential{sandbox.Credentials()},
		HTTP: dialecttest.Wire{Handler: s}, PerSecond: extract.Unlimited,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := s.Catalog().Keyword("毛巾")
	found := pages(t, c, catalog.Query{Kind: catalog.SearchQuery, Keyword: "毛巾"})
	if name != "router" {
		picture := &catalog.Picture{File: "a.png", SHA256: "1", Data: s.Catalog().Picture(want[0])}
		alike := pages(t, c, catalog.Query{Kind: catalog.ImageQuery, Picture: picture})
		if len(alike) != 95 || alike[0] != want[0] {
			t.Errorf("%d offers are alike, %v first, want 95 and %d", len(alike), alike[:1], want[0])
		}
	}
	described := make(map[catalog.OfferID]bool)
	for ids := range slices.Chunk(found, min(c.MaxBatch(), 2)) {
		batch, err := c.Details(t.Context(), wantedAll(ids))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range batch.Details {
			described[d.ID] = d.Err == nil
			truth, known := s.Catalog().ByID(d.ID)
			if class := catalog.ClassOf(d.Err); class != classOf(truth, known) {
				t.Errorf("offer %d: %v, want %q", d.ID, d.Err, classOf(truth, known))
			}
		}
	}
	for _, id := range want {
		if !described[id] {
			t.Errorf("offer %d is not described", id)
		}
	}
}

func classOf(truth sandbox.Truth, known bool) catalog.Class {
	switch {
	case !known:
		return catalog.ErrNotFound
	case truth.Delisted:
		return catalog.ErrDelisted
	}
	return ""
}

// pages returns the offers of a query, each once.
// wantedAll asks for offers whose rows tell nothing of them.
func wantedAll(ids []catalog.OfferID) []catalog.Wanted {
	var wanted []catalog.Wanted
	for _, id := range ids {
		wanted = append(wanted, catalog.Wanted{ID: id})
	}
	return wanted
}

func pages(t *testing.T, c *extract.Client, q catalog.Query) []catalog.OfferID {
	t.Helper()
	var ids []catalog.OfferID
	for page, err := range c.Pages(t.Context(), catalog.Leaf{Source: "test", Query: q}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range page.Hits {
			if !slices.Contains(ids, h.ID) {
				ids = append(ids, h.ID)
			}
		}
	}
	return ids
}
