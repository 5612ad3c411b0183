package openplatform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/openplatform"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// world is an emulated gateway and a dialect that speaks to it.
type world struct {
	*testing.T
	s    *sandbox.Server
	d    *openplatform.Dialect
	cred extract.Credential
	now  time.Time
}

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// worlds runs test against clean and rough gateways, in JSON and in XML.
func worlds(t *testing.T, offers int, test func(w *world)) {
	t.Parallel()
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		for _, format := range []string{"json", "xml"} {
			t.Run(fmt.Sprint(profile, " ", format), func(t *testing.T) {
				t.Parallel()
				w := &world{T: t, cred: sandbox.Credentials(), now: noon}
				var err error
				w.s, err = sandbox.New(sandbox.Options{Offers: offers, Profile: profile, Now: func() time.Time { return w.now }})
				if err != nil {
					t.Fatal(err)
				}
				w.d, err = openplatform.New(openplatform.Options{Format: format, Detail: openplatform.ProductInfo})
				if err != nil {
					t.Fatal(err)
				}
				test(w)
			})
		}
	}
}

// send sends a request and returns its answer.
func (w *world) send(req *http.Request, err error) extract.Answer {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	rec := httptest.NewRecorder()
	w.s.ServeHTTP(rec, req)
	return extract.Answer{Status: rec.Code, Body: rec.Body.Bytes()}
}

// ask makes a call that the dialect built.
func (w *world) ask(r extract.Request, err error) extract.Answer {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	return w.send(w.d.Build(context.Background(), "http://gw.test", r, w.cred, w.now))
}

// list pages through a query until a page has no rows.
func (w *world) list(q catalog.Query) (ids []catalog.OfferID, last catalog.Page) {
	w.Helper()
	for n := 1; ; n++ {
		page, err := w.d.DecodePage(w.ask(w.d.Search(q, n)))
		if err != nil {
			w.Fatalf("page %d of %v: %v", n, q.Kind, err)
		}
		for _, h := range page.Hits {
			ids = append(ids, h.ID)
		}
		if len(page.Hits) == 0 {
			return ids, last
		}
		if page.HasMore.OK && !page.HasMore.V {
			return ids, page
		}
		last = page
	}
}

// listed returns the ids that are of offers on sale, each once: rough lists
// have others too.
func (w *world) listed(q catalog.Query) []catalog.OfferID {
	w.Helper()
	all, _ := w.list(q)
	var ids []catalog.OfferID
	for _, id := range all {
		if t, ok := w.s.Catalog().ByID(id); ok && !t.Delisted && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *world) same(what string, want, got any) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func sorted(ids []catalog.OfferID) []catalog.OfferID { return slices.Sorted(slices.Values(ids)) }

func TestPools(t *testing.T) {
	worlds(t, 2600, func(w *world) {
		for _, id := range sandbox.Pools()[1:] {
			want := w.s.Catalog().Pool(id)
			got := w.listed(catalog.Query{Kind: catalog.PoolQuery, Pool: fmt.Sprint(id)})
			w.same(fmt.Sprint("pool ", id), sorted(want), sorted(got))
		}
		_, err := w.d.DecodePage(w.ask(w.d.Search(catalog.Query{Kind: catalog.PoolQuery, Pool: "1"}, 1)))
		if catalog.ClassOf(err) != catalog.ErrRefused {
			w.Errorf("a pool of somebody else: %v, want %v", err, catalog.ErrRefused)
		}
	})
}

// A pool is no search: all of it can be read, however large.
func TestPoolsHaveNoWindow(t *testing.T) {
	worlds(t, 2600, func(w *world) {
		all, last := w.list(catalog.Query{Kind: catalog.PoolQuery, Pool: fmt.Sprint(sandbox.Pools()[0])})
		if window := w.d.Limits().Window; len(all) <= window || last.Total.V != int64(len(all)) {
			w.Errorf("%d rows of %v with a window of %d", len(all), last.Total, window)
		}
	})
}

func TestSelected(t *testing.T) {
	worlds(t, 1500, func(w *world) {
		var want []catalog.OfferID
		for i := range w.s.Catalog().Len() {
			if o := w.s.Catalog().Offer(i); o.Verified && !o.Delisted && o.Keyword == "毛巾" {
				want = append(want, o.ID)
			}
		}
		q := catalog.Query{Kind: catalog.SelectedQuery, Keyword: "毛巾"}
		w.same("selected", sorted(want), sorted(w.listed(q)))
		q.Keyword = "qqzzxxyy"
		if got := w.listed(q); got != nil {
			w.Errorf("nonsense finds %v", got)
		}
	})
}

func TestTop(t *testing.T) {
	worlds(t, 1500, func(w *world) {
		for rank, name := range map[catalog.Rank]string{catalog.RankOverall: "complex", catalog.RankHot: "hot", catalog.RankGoodPrice: "goodPrice"} {
			got, _ := w.list(catalog.Query{Kind: catalog.TopQuery, Category: 1031910, Rank: rank})
			w.same(string(rank), w.s.Catalog().Top(1031910, name), got)
		}
		if got, _ := w.list(catalog.Query{Kind: catalog.TopQuery, Category: 5}); got != nil {
			w.Errorf("the list of an unknown category has %v", got)
		}
	})
}

// One row is no list in XML.
func TestListsOfOne(t *testing.T) {
	worlds(t, 40, func(w *world) {
		for i := range w.s.Catalog().Len() {
			o := w.s.Catalog().Offer(i)
			q := catalog.Query{
				Kind: catalog.SelectedQuery, Keyword: o.Keyword, Category: o.Category,
				PriceFrom: catalog.Some(o.Price), PriceTo: catalog.Some(o.Price),
			}
			if got := w.listed(q); o.Verified && !o.Delisted && !slices.Contains(got, o.ID) {
				w.Errorf("offer %d is not among %v", o.ID, got)
			}
		}
		o := w.s.Catalog().Offer(0)
		day := noon.AddDate(0, 0, -3)
		text := fmt.Sprintf(`{"offerId":%d,"startDate":"%s","endDate":"%[2]s"}`, o.ID, day.Format("20060102"))
		r, err := w.d.Call("com.alibaba.fenxiao.crossborder:product.analyze.getPerdaySellQuantityTrendNew", catalog.Params{"tendQueryParam": text})
		extra, err := w.d.DecodeExtra(catalog.EnrichSales, catalog.Subject{Offer: o.ID}, w.ask(r, err))
		want := []catalog.RawSale{{Day: day.Format("20060102"), Sold: fmt.Sprint(w.s.Catalog().SoldOn(o.ID, day))}}
		w.same(fmt.Sprint("one day's sales ", err), want, extra.Sales)
	})
}

func TestImageSearch(t *testing.T) {
	worlds(t, 1200, func(w *world) {
		c := w.s.Catalog()
		for i := range c.Len() {
			id := c.ID(i)
			twins := c.Twins(id)
			if twins == nil || c.Offer(i).Delisted {
				continue
			}
			r, ok, err := w.d.Upload(catalog.Picture{File: "a.png", Data: c.Picture(id)})
			if !ok {
				w.Fatalf("Upload makes no call: %v", err)
			}
			handle, err := w.d.DecodeUpload(w.ask(r, err))
			if err != nil {
				w.Fatal(err)
			}
			want := append([]catalog.OfferID{id}, twins...)
			byFile, _ := w.list(catalog.Query{Kind: catalog.ImageQuery, Picture: &catalog.Picture{Handle: handle}})
			w.same("lookalikes of a file", want, byFile[:len(want)])
			byURL, _ := w.list(catalog.Query{Kind: catalog.ImageQuery, Picture: &catalog.Picture{URL: c.Offer(i).Images[0]}})
			w.same("lookalikes at an address", byFile, byURL)
			dearer := catalog.Query{Kind: catalog.ImageQuery, Picture: &catalog.Picture{Handle: handle}, PriceFrom: catalog.Some(c.Offer(i).Price + 1)}
			for _, other := range w.listed(dearer) {
				if o, _ := c.ByID(other); o.Price <= c.Offer(i).Price {
					w.Errorf("offer %d for %v is found above %v", other, o.Price, c.Offer(i).Price)
				}
			}
			return
		}
		w.Error("no offer has a twin")
	})
}

func TestUnknownPictures(t *testing.T) {
	worlds(t, 50, func(w *world) {
		upload := func(data []byte) (string, error) {
			r, _, err := w.d.Upload(catalog.Picture{Data: data})
			return w.d.DecodeUpload(w.ask(r, err))
		}
		handle, err := upload([]byte("no picture of the catalogue"))
		if err != nil {
			w.Fatal(err)
		}
		if got, _ := w.list(catalog.Query{Kind: catalog.ImageQuery, Picture: &catalog.Picture{Handle: handle}}); got != nil {
			w.Errorf("an unknown picture finds %v", got)
		}
		r := extract.Request{
			API:  "com.alibaba.fenxiao.crossborder:product.image.upload:1",
			File: &extract.File{Data: make([]byte, w.d.Limits().PictureBytes+1)},
		}
		if _, err := w.d.DecodeUpload(w.ask(r, nil)); catalog.ClassOf(err) != catalog.ErrInvalid {
			w.Errorf("too large a picture: %v, want %v", err, catalog.ErrInvalid)
		}
		_, err = w.d.DecodePage(w.ask(w.d.Search(catalog.Query{Kind: catalog.ImageQuery, Picture: &catalog.Picture{Handle: "109"}}, 1)))
		if catalog.ClassOf(err) != catalog.ErrRefused {
			w.Errorf("a handle that nobody gave: %v, want %v", err, catalog.ErrRefused)
		}
	})
}

// extra asks about an offer and its seller.
func (w *world) extra(kind catalog.Enrichment, o sandbox.Truth) catalog.Extra {
	w.Helper()
	s := catalog.Subject{Offer: o.ID, Supplier: catalog.OfferSupplier{ID: "1", LoginID: o.Supplier.LoginID}}
	extra, err := w.d.DecodeExtra(kind, s, w.ask(w.d.Enrich(kind, s, 1, noon)))
	if err != nil || extra.More || extra.DecodeIssues != nil {
		w.Fatalf("%s of offer %d: %v, %+v", kind, o.ID, err, extra)
	}
	return extra
}

func TestEnrichments(t *testing.T) {
	worlds(t, 60, func(w *world) {
		c := w.s.Catalog()
		sold := false
		for i := range c.Len() {
			o := c.Offer(i)
			if o.Delisted {
				continue
			}
			var want []catalog.RawSale
			var sum int64
			for n := range 30 {
				day := noon.AddDate(0, 0, n-30)
				sale := catalog.RawSale{Day: day.Format("20060102"), Sold: fmt.Sprint(c.SoldOn(o.ID, day))}
				if day.AddDate(0, 0, 1).Before(o.CreatedAt) {
					sale.Sold = ""
				}
				want = append(want, sale)
				sum += c.SoldOn(o.ID, day)
			}
			w.same("sales", want, w.extra(catalog.EnrichSales, o).Sales)
			if got := c.SoldWithin(o.ID, 30, noon); got != sum {
				w.Errorf("SoldWithin = %d, the days' sum is %d", got, sum)
			}
			sold = sold || sum > 0

			fee, err := catalog.ParseDecimal(w.extra(catalog.EnrichShipping, o).Shipping[0].Fee)
			if want := c.Freight(o.ID, "浙江省", 1); err != nil || fee != want {
				w.Errorf("freight of %d = %v, %v, want %v", o.ID, fee, err, want)
			}
			seller := w.extra(catalog.EnrichSupplier, o).Supplier
			if seller.ID != "1" || seller.LoginID != o.Supplier.LoginID || seller.ShopURL != o.Supplier.ShopURL() || seller.Name == "" {
				w.Errorf("seller %+v, want %+v", seller, o.Supplier)
			}
		}
		if !sold {
			w.Error("nothing was sold at all")
		}
	})
}

// payload makes a call by name and reads its payload into v.
func (w *world) payload(v any, api string, params catalog.Params) error {
	w.Helper()
	b, err := w.d.DecodeCall(w.ask(w.d.Call(api, params)))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		w.Fatalf("payload %s: %v", b, err)
	}
	return nil
}

func TestOrders(t *testing.T) {
	worlds(t, 400, func(w *world) {
		c := w.s.Catalog()
		n := 0
		for page := 1; ; page++ {
			var rows any
			err := w.payload(&rows, "com.alibaba.trade:alibaba.trade.getBuyerOrderList:1", catalog.Params{"page": strconv.Itoa(page), "pageSize": "20"})
			if err != nil {
				w.Fatal(err)
			}
			list, _ := rows.([]any)
			if one, ok := rows.(map[string]any); ok {
				list = []any{one}
			}
			if len(list) == 0 {
				break
			}
			for _, row := range list {
				n++
				want := c.Order(c.Orders() - n)
				base, _ := row.(map[string]any)["baseInfo"].(map[string]any)
				total, err := catalog.ParseDecimal(fmt.Sprint(base["totalAmount"]))
				if base["idOfStr"] != fmt.Sprint(want.ID) || total != want.Total || err != nil {
					w.Errorf("order %v of %v, %v, want %d of %v", base["idOfStr"], total, err, want.ID, want.Total)
				}
			}
		}
		if n != c.Orders() || n < 20 {
			w.Errorf("%d orders, want %d", n, c.Orders())
		}
		w.same("current time", 1, clock(w))
	})
}

// clock returns 1 if system/currentTime tells the time.
func clock(w *world) int {
	var text string
	if err := w.payload(&text, "system/currentTime", nil); err != nil || text != "20261122120000000+0800" {
		w.Errorf("system/currentTime = %q, %v", text, err)
		return 0
	}
	return 1
}

func TestLogistics(t *testing.T) {
	worlds(t, 400, func(w *world) {
		c := w.s.Catalog()
		sent, waiting := 0, 0
		for i := range c.Orders() {
			o := c.Order(i)
			var rows any
			err := w.payload(&rows, "com.alibaba.logistics/alibaba.trade.getLogisticsInfos.buyerView", catalog.Params{
				"orderId": fmt.Sprint(o.ID), "webSite": "1688",
			})
			if o.Logistics == nil {
				waiting++
				if catalog.ClassOf(err) != catalog.ErrRefused {
					w.Errorf("parcel of an order that was not sent: %v, %v", rows, err)
				}
				continue
			}
			sent++
			if list, ok := rows.([]any); ok {
				rows = list[0]
			}
			row, _ := rows.(map[string]any)
			if err != nil || row["logisticsBillNo"] != o.Logistics.Waybill || row["logisticsCompanyName"] != o.Logistics.Company {
				w.Errorf("parcel %v, %v, want %+v", row, err, o.Logistics)
			}
		}
		if sent == 0 || waiting == 0 {
			w.Errorf("%d orders were sent, %d were not", sent, waiting)
		}
	})
}

// A token is obtained with a code, renewed, and its refresh token postponed,
// each time past the end of the one before.
func TestTokens(t *testing.T) {
	worlds(t, 40, func(w *world) {
		ctx := context.Background()
		given := w.cred
		w.cred.AccessToken, w.cred.RefreshToken = "", ""
		tok, err := w.d.DecodeToken(w.send(openplatform.ExchangeRequest(ctx, "http://gw.test", w.cred)), w.now)
		if err != nil || tok.Refresh != given.RefreshToken || !tok.Expires.Equal(noon.Add(10*time.Hour)) || !tok.RefreshExpires.Equal(noon.AddDate(0, 6, 0)) {
			w.Fatalf("by code: %+v, %v", tok, err)
		}
		w.cred.AccessToken, w.cred.RefreshToken = tok.Access, tok.Refresh
		w.works("obtained by code")

		tok, err = w.d.DecodePostponed(w.send(w.d.PostponeRequest(ctx, "http://gw.test", w.cred, w.now)), w.now)
		if err != nil || tok.Refresh == "" || tok.Refresh == w.cred.RefreshToken || tok.RefreshExpires.IsZero() {
			w.Fatalf("postponed: %+v, %v", tok, err)
		}
		w.cred.RefreshToken = tok.Refresh

		w.now = w.now.Add(10 * time.Hour)
		_, err = w.d.DecodePage(w.ask(w.d.Search(catalog.Query{Kind: catalog.CategoryQuery, Category: 13}, 1)))
		if catalog.ClassOf(err) != catalog.ErrToken {
			w.Errorf("a call with an expired token: %v, want %v", err, catalog.ErrToken)
		}
		tok, err = w.d.DecodeToken(w.send(w.d.TokenRequest(ctx, "http://gw.test", w.cred, w.now)), w.now)
		if err != nil || tok.Refresh != "" {
			w.Fatalf("renewed: %+v, %v", tok, err)
		}
		w.cred.AccessToken = tok.Access
		w.works("renewed")

		w.cred.RefreshToken += "x"
		_, err = w.d.DecodeToken(w.send(w.d.TokenRequest(ctx, "http://gw.test", w.cred, w.now)), w.now)
		if catalog.ClassOf(err) != catalog.ErrDenied {
			w.Errorf("a forged refresh token: %v, want %v", err, catalog.ErrDenied)
		}
	})
}

func (w *world) works(token string) {
	w.Helper()
	if _, err := w.d.DecodePage(w.ask(w.d.Search(catalog.Query{Kind: catalog.CategoryQuery, Category: 13}, 1))); err != nil {
		w.Errorf("a call with the token %s: %v", token, err)
	}
}
