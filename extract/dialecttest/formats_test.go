package dialecttest_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/onebound"
	"offerlake/extract/portals"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func newSandbox(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	o.Now = func() time.Time { return noon }
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newOnebound(t *testing.T, o onebound.Options) *onebound.Dialect {
	t.Helper()
	d, err := onebound.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// send makes a call of a dialect to a sandbox.
func send(t *testing.T, s *sandbox.Server, d extract.Dialect, r extract.Request) extract.Answer {
	t.Helper()
	req, err := d.Build(t.Context(), "http://sandbox", r, sandbox.Credentials(), noon)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return extract.Answer{Status: w.Code, Body: w.Body.Bytes()}
}

func decodeOffer(d extract.Dialect, a extract.Answer, id catalog.OfferID) (offer *catalog.Offer, err error) {
	err = d.DecodeDetails(a, []catalog.OfferID{id}, func(_ catalog.OfferID, o *catalog.Offer, e error) { offer, err = o, e })
	return offer, err
}

// The same truth gives the same offer in every format of the answers, in clean
// catalogues and in rough ones, whatever PHP makes of what is empty.
func TestFormatsOfOnebound(t *testing.T) {
	t.Parallel()
	all := onebound.Options{Sales: true, Agent: true}
	dialects := make(map[string]*onebound.Dialect)
	for _, format := range []string{"json", "jsonu", "xml"} {
		o := all
		o.Format, o.Sign = format, format == "xml"
		dialects[format] = newOnebound(t, o)
	}
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		s := newSandbox(t, sandbox.Options{Offers: 400, Profile: profile, Seed: 5})
		for i := range s.Catalog().Len() {
			truth := s.Catalog().Offer(i)
			request := dialects["json"].Details([]catalog.OfferID{truth.ID})
			want, wantErr := decodeOffer(dialects["json"], send(t, s, dialects["json"], request), truth.ID)
			for _, format := range []string{"jsonu", "xml"} {
				a := send(t, s, dialects[format], request)
				if inXML := bytes.HasPrefix(a.Body, []byte("<?xml")); inXML != (format == "xml") {
					t.Fatalf("%s: answered %.60s", format, a.Body)
				}
				got, err := decodeOffer(dialects["json"], a, truth.ID) // any instance reads any format
				if diff := cmp.Diff(want, got); diff != "" || catalog.ClassOf(err) != catalog.ClassOf(wantErr) {
					t.Fatalf("%s %s: offer %d: %v, want %v (-want +got):\n%s\n%s", profile, format, truth.ID, err, wantErr, diff, a.Body)
				}
			}
			if truth.Delisted {
				continue
			}
			if want == nil || len(want.DecodeIssues) > 0 {
				t.Fatalf("%s: offer %d = %+v", profile, truth.ID, want)
			}
			checkAsked(t, s, truth, want)
		}
	}
}

// checkAsked checks what Sales and Agent ask for.
func checkAsked(t *testing.T, s *sandbox.Server, truth sandbox.Truth, got *catalog.Offer) {
	t.Helper()
	if len(got.Sales) != 30 {
		t.Fatalf("offer %d: %d days of sales, want 30", truth.ID, len(got.Sales))
	}
	for i, sale := range got.Sales {
		day := noon.AddDate(0, 0, i-30)
		want := catalog.RawSale{Day: day.Format(time.DateOnly), Sold: fmt.Sprint(s.Catalog().SoldOn(truth.ID, day))}
		if sale != want {
			t.Errorf("offer %d: sale %+v, want %+v", truth.ID, sale, want)
		}
	}
	for i, sku := range got.SKUs {
		if price, err := catalog.ParseDecimal(sku.ConsignPrice); err != nil || price != truth.SKUs[i].Consign {
			t.Errorf("offer %d: consign price %q, want %s", truth.ID, sku.ConsignPrice, truth.SKUs[i].Consign)
		}
	}
}

func TestPagesOfOnebound(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, sandbox.Options{Offers: 2000, Profile: sandbox.Rough})
	first := newOnebound(t, onebound.Options{})
	inXML := newOnebound(t, onebound.Options{Format: "xml"})
	for _, keyword := range sandbox.Keywords() {
		for page := 1; page < 8; page++ {
			r, err := first.Search(catalog.Query{Kind: catalog.SearchQuery, Keyword: keyword}, page)
			if err != nil {
				t.Fatal(err)
			}
			want, err1 := first.DecodePage(send(t, s, first, r))
			got, err2 := first.DecodePage(send(t, s, inXML, r))
			if diff := cmp.Diff(want, got); diff != "" || err1 != nil || err2 != nil {
				t.Fatalf("page %d of %s: %v, %v (-json +xml):\n%s", page, keyword, err1, err2, diff)
			}
		}
	}
}

// Reviews, freight and pictures come as they truly are, in JSON and in XML.
func TestExtrasOfOnebound(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "xml"} {
		d := newOnebound(t, onebound.Options{Format: format})
		for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
			s := newSandbox(t, sandbox.Options{Offers: 150, Profile: profile})
			for i := range s.Catalog().Len() {
				truth := s.Catalog().Offer(i)
				if truth.Delisted {
					continue
				}
				checkReviews(t, s, d, truth)
				checkFee(t, s, d, truth)
			}
		}
	}
}

func checkReviews(t *testing.T, s *sandbox.Server, d *onebound.Dialect, truth sandbox.Truth) {
	t.Helper()
	var got []catalog.RawReview
	more := true
	for page := 1; more; page++ {
		extra := enrich(t, s, d, catalog.EnrichReviews, truth.ID, page)
		got, more = append(got, extra.Reviews...), extra.More
		if page > 5 {
			t.Fatalf("offer %d: reviews never end", truth.ID)
		}
	}
	var want []catalog.RawReview
	for _, r := range s.Catalog().Reviews(truth.ID) {
		want = append(want, catalog.RawReview{
			ID: r.ID, Rating: fmt.Sprint(r.Rating), Text: r.Text, SKUText: r.SKUText, At: r.At.Format(time.DateTime),
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reviews of offer %d (-want +got):\n%s", truth.ID, diff)
	}
}

func checkFee(t *testing.T, s *sandbox.Server, d *onebound.Dialect, truth sandbox.Truth) {
	t.Helper()
	extra := enrich(t, s, d, catalog.EnrichShipping, truth.ID, 1)
	if len(extra.Shipping) != 1 {
		t.Fatalf("freight of offer %d = %+v", truth.ID, extra)
	}
	fee, err := catalog.ParseDecimal(extra.Shipping[0].Fee)
	if want := s.Catalog().Freight(truth.ID, "浙江", 1); err != nil || fee != want {
		t.Errorf("freight of offer %d = %+v, want %s", truth.ID, extra.Shipping[0], want)
	}
}

func enrich(t *testing.T, s *sandbox.Server, d *onebound.Dialect, kind catalog.Enrichment, id catalog.OfferID, page int) catalog.Extra {
	t.Helper()
	subject := catalog.Subject{Offer: id}
	r, err := d.Enrich(kind, subject, page, noon)
	if err != nil {
		t.Fatal(err)
	}
	a := send(t, s, d, r)
	extra, err := d.DecodeExtra(kind, subject, a)
	if err != nil || len(extra.DecodeIssues) > 0 {
		t.Fatalf("%s of offer %d: %v, issues %v\n%s", kind, id, err, extra.DecodeIssues, a.Body)
	}
	return extra
}

func TestImageSearchOfOnebound(t *testing.T) {
	t.Parallel()
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		s := newSandbox(t, sandbox.Options{Offers: 600, Profile: profile})
		d := newOnebound(t, onebound.Options{})
		for i := 0; i < 600; i += 7 {
			truth := s.Catalog().Offer(i)
			if truth.Delisted {
				continue
			}
			picture := catalog.Picture{URL: truth.Images[0]}
			r, ok, err := d.Upload(picture)
			if err != nil || !ok {
				t.Fatalf("Upload = %v, %v", ok, err)
			}
			if picture.Handle, err = d.DecodeUpload(send(t, s, d, r)); err != nil {
				t.Fatalf("%s: DecodeUpload = %v", profile, err)
			}
			if r, err = d.Search(catalog.Query{Kind: catalog.ImageQuery, Picture: &picture}, 1); err != nil {
				t.Fatal(err)
			}
			page, err := d.DecodePage(send(t, s, d, r))
			want := append([]catalog.OfferID{truth.ID}, s.Catalog().Twins(truth.ID)...)
			var got []catalog.OfferID
			for _, h := range page.Hits[:min(len(want), len(page.Hits))] {
				got = append(got, h.ID)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: offer %d by picture: %v, %v, want %v first", profile, truth.ID, got, err, want)
			}
		}
		unknown := catalog.Picture{Handle: "https://img.test/unknown.jpg"}
		r, err := d.Search(catalog.Query{Kind: catalog.ImageQuery, Picture: &unknown}, 1)
		page, err2 := d.DecodePage(send(t, s, d, r))
		if err != nil || err2 != nil || len(page.Hits) > 0 {
			t.Errorf("%s: an unknown picture: %v, %v, %v, want nothing found", profile, page, err, err2)
		}
	}
}

// Calls by name reach any API of the emulator, the official platform's through
// custom too.
func TestCallsOfOnebound(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, sandbox.Options{Offers: 300})
	offer := s.Catalog().Offer(1)
	cases := []struct {
		api    string
		params catalog.Params
		want   string // the beginning of the payload
		class  catalog.Class
	}{
		{"seller_info", catalog.Params{"nick": offer.Supplier.ID}, `{"user":{"sid":"` + offer.Supplier.ID + `"`, ""},
		{"seller_info", catalog.Params{"nick": "nobody"}, "", catalog.ErrNotFound},
		{"item_review", catalog.Params{"num_iid": offer.ID.String()}, `{"items":{"num_iid":"` + offer.ID.String() + `"`, ""},
		{"item_teleport", nil, "", catalog.ErrUpstream},
		{"custom", catalog.Params{
			"method": "com.alibaba.fenxiao.crossborder/product.search.keywordQuery", "_o_args": `{"offerQueryParam":{"keyword":"雨伞","beginPage":1,"pageSize":2,"country":"en"}}`,
		}, `{"totalRecords":`, ""},
		{"custom", catalog.Params{"method": "com.alibaba.fenxiao.crossborder/product.search.keywordQuery", "_o_args": `{}`}, "", catalog.ErrInvalid},
		{"custom", catalog.Params{"method": "com.alibaba.product/alibaba.product.teleport", "_o_args": `{}`}, "", catalog.ErrDenied},
	}
	d := newOnebound(t, onebound.Options{})
	for _, c := range cases {
		r, err := d.Call(c.api, c.params)
		if err != nil {
			t.Fatal(err)
		}
		a := send(t, s, d, r)
		payload, err := d.DecodeCall(a)
		if catalog.ClassOf(err) != c.class || !bytes.HasPrefix(payload, []byte(c.want)) {
			t.Errorf("%s %v = %.200s, %v, want %s, %q\n%s", c.api, c.params, payload, err, c.want, c.class, a.Body)
		}
	}
}

func TestQuotaOfOnebound(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, sandbox.Options{Offers: 50, PerDay: 3})
	for _, format := range []string{"json", "xml"} {
		s.Reset()
		d := newOnebound(t, onebound.Options{Format: format})
		id := s.Catalog().ID(1)
		for n := int64(1); n <= 4; n++ {
			a := send(t, s, d, d.Details([]catalog.OfferID{id}))
			used, limit, ok := d.Quota(a)
			if used != min(n, 3) || limit != 3 || !ok {
				t.Errorf("%s: Quota after call %d = %d of %d, %v", format, n, used, limit, ok)
			}
			if _, err := decodeOffer(d, a, id); (catalog.ClassOf(err) == catalog.ErrQuota) != (n > 3) {
				t.Errorf("%s: call %d of 3 = %v", format, n, err)
			}
		}
	}
}

// portals knows less of an offer than the others; what it knows is right, and
// above all the attributes of its SKUs.
func TestPortalsOfSandbox(t *testing.T) {
	t.Parallel()
	d, err := portals.New(portals.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		s := newSandbox(t, sandbox.Options{Offers: 2000, Profile: profile})
		hard := 0 // SKUs whose attributes hold separators
		for i := range s.Catalog().Len() {
			truth := s.Catalog().Offer(i)
			a := send(t, s, d, d.Details([]catalog.OfferID{truth.ID}))
			got, err := decodeOffer(d, a, truth.ID)
			if truth.Delisted {
				if catalog.ClassOf(err) != catalog.ErrDelisted {
					t.Errorf("offer %d: %v, want %v", truth.ID, err, catalog.ErrDelisted)
				}
				continue
			}
			if err != nil || got.ID != truth.ID || plain(got.Title) != truth.Title || got.Supplier.ID != truth.Supplier.ID ||
				len(got.DecodeIssues) > 0 || len(got.SKUs) != len(truth.SKUs) {
				t.Fatalf("%s: offer %d = %+v, %v", profile, truth.ID, got, err)
			}
			for k, sku := range got.SKUs {
				want := truth.SKUs[k]
				price, err := catalog.ParseDecimal(sku.Price)
				if sku.ID != fmt.Sprint(int64(want.ID)) || err != nil || price != want.Price || !sameAttributes(sku.Attributes, want.Attributes) {
					t.Errorf("%s: offer %d: SKU %+v, want %+v", profile, truth.ID, sku, want)
				}
				for _, at := range want.Attributes {
					if bytes.ContainsAny([]byte(at.Value), ":;") {
						hard++
					}
				}
			}
		}
		if (hard > 0) != (profile == sandbox.Rough) {
			t.Errorf("%s: %d SKUs with separators in their values", profile, hard)
		}
		page := ask(t, s, d, catalog.Query{Kind: catalog.SearchQuery, Keyword: "毛巾"})
		if len(page.Hits) != 40 || page.Total.V < 41 {
			t.Errorf("%s: %d rows of %d, want a full page of more", profile, len(page.Hits), page.Total.V)
		}
		seller := s.Catalog().Offer(3).Supplier.ID
		if page := ask(t, s, d, catalog.Query{Kind: catalog.ShopQuery, Seller: seller}); len(page.Hits) == 0 {
			t.Errorf("%s: the shop %s is empty", profile, seller)
		}
	}
}
