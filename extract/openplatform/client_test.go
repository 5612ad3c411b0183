package openplatform_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offerlake/extract"
	"offerlake/extract/openplatform"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// wire is the way to an emulated gateway without a network.
type wire struct{ s *sandbox.Server }

func (w wire) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil { // how the gateway breaks a connection off
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	rec := httptest.NewRecorder()
	w.s.ServeHTTP(rec, req)
	return rec.Result(), nil
}

// memory is a journal that lasts as long as the test.
type memory struct {
	mu   sync.Mutex
	recs map[string][]catalog.Record
}

func (m *memory) Records(key string) ([]catalog.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.recs[key], nil
}

func (m *memory) Append(r catalog.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.Body = append([]byte(nil), r.Body...)
	m.recs[r.Key] = append(m.recs[r.Key], r)
	return nil
}

func (m *memory) Ref(key string) string { return catalog.KeyHash(key) }

// What a run asks for comes through a gateway that throttles, breaks off and
// forgets tokens, and none of it is paid for again.
func TestHostileGateway(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "xml"} {
		t.Run(format, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon)) // the world is younger than the clock of the bubble
				s, err := sandbox.New(sandbox.Options{Offers: 2600, Profile: sandbox.Hostile})
				if err != nil {
					t.Fatal(err)
				}
				journal := &memory{recs: make(map[string][]catalog.Record)}
				first := gather(t, s, journal, format)
				if faults := s.Stats().Faults; faults == 0 {
					t.Error("the gateway made no faults")
				}
				answered := s.Stats()
				if answered.Repeats != 0 {
					t.Errorf("%d calls were answered twice", answered.Repeats)
				}
				second := gather(t, s, journal, format)
				if first != second {
					t.Errorf("from the journal:\n%s\nfrom the gateway:\n%s", second, first)
				}
				if calls := s.Stats().Calls - answered.Calls; calls != 0 {
					t.Errorf("%d calls were made for what is in the journal", calls)
				}
			})
		})
	}
}

// gather asks for some of everything and returns what it got as text.
func gather(t *testing.T, s *sandbox.Server, journal extract.Journal, format string) string {
	t.Helper()
	d, err := openplatform.New(openplatform.Options{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	c, err := extract.NewClient(d, journal, extract.Options{
		Gateway: "openplatform", Endpoints: []string{"http://gw.test"}, Credentials: []extract.Credential{sandbox.Credentials()},
		HTTP: wire{s}, PerSecond: extract.Unlimited,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	catalogue := s.Catalog()
	g := &gathering{T: t, c: c, catalog: catalogue}

	pool := sandbox.Pools()[0]
	if n := g.pages(catalog.Query{Kind: catalog.PoolQuery, Pool: fmt.Sprint(pool)}); n != len(catalogue.Pool(pool)) {
		t.Errorf("%d offers of the pool, want %d", n, len(catalogue.Pool(pool)))
	}
	g.pages(catalog.Query{Kind: catalog.SelectedQuery, Keyword: "毛巾"})
	g.pages(catalog.Query{Kind: catalog.TopQuery, Category: 1031910})
	o := onSale(catalogue)
	g.pages(catalog.Query{Kind: catalog.ImageQuery, Picture: &catalog.Picture{File: "a.png", Data: catalogue.Picture(o.ID)}})
	for _, kind := range []catalog.Enrichment{catalog.EnrichSales, catalog.EnrichShipping} {
		extra, err := c.Enrich(context.Background(), kind, catalog.Subject{Offer: o.ID})
		if err != nil || len(extra.Pages) != 1 {
			t.Errorf("%s: %v, %d pages", kind, err, len(extra.Pages))
			continue
		}
		g.text += fmt.Sprintln(kind, extra.Pages[0].Extra)
	}
	nodes, _, err := c.Categories(context.Background())
	if err != nil || len(nodes) < 30 {
		t.Errorf("%d categories, %v", len(nodes), err)
	}
	g.pages(catalog.Query{Kind: catalog.CallQuery, Call: &catalog.Call{
		API: "com.alibaba.trade/alibaba.trade.getBuyerOrderList", PageParam: "page", FirstPage: 1, Table: "orders",
	}})
	return g.text
}

func onSale(c *sandbox.Catalog) sandbox.Truth {
	for i := 0; ; i++ {
		if o := c.Offer(i); !o.Delisted {
			return o
		}
	}
}

type gathering struct {
	*testing.T
	c       *extract.Client
	catalog *sandbox.Catalog
	text    string
}

// pages notes what the pages of a query hold, and returns how many offers that
// is, without those that are not on sale, which rough lists name too.
func (g *gathering) pages(q catalog.Query) int {
	g.Helper()
	leaves, _, err := g.c.Leaves(context.Background(), catalog.Leaf{Source: string(q.Kind), Query: q})
	if err != nil {
		g.Fatalf("%s: %v", q.Kind, err)
	}
	seen := make(map[catalog.OfferID]bool)
	for _, leaf := range leaves {
		var stop catalog.StopReason
		for page, err := range g.c.Pages(context.Background(), leaf) {
			if err != nil {
				g.Fatalf("%s: %v", q.Kind, err)
			}
			for _, h := range page.Hits {
				if o, ok := g.catalog.ByID(h.ID); ok && !o.Delisted {
					seen[h.ID] = true
				}
			}
			g.text += fmt.Sprintf("%s %d: %v %s\n", q.Kind, page.Number, page.Hits, page.Records)
			stop = page.Stop
		}
		if stop == catalog.StopCapped {
			g.Errorf("%s: paging ended at a window", q.Kind)
		}
	}
	return len(seen)
}
