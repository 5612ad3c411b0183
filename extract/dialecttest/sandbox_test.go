package dialecttest_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/jpeg"
	"image/png"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"offerlake/extract"
	"offerlake/extract/bearer"
	"offerlake/extract/onebound"
	"offerlake/extract/openplatform"
	"offerlake/extract/param2"
	"offerlake/extract/router"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// Every dialect decodes the details of a whole emulated catalogue, in its clean
// and in its rough form; what must survive is compared with the truth.
func TestDetailsOfSandbox(t *testing.T) {
	t.Parallel()
	for name, d := range dialects(t) {
		for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
			t.Run(fmt.Sprintf("%s %s", name, profile), func(t *testing.T) {
				t.Parallel()
				checkCatalog(t, name, d, profile)
			})
		}
	}
}

func dialects(t *testing.T) map[string]extract.Dialect {
	t.Helper()
	reseller, err1 := onebound.New(onebound.Options{})
	official, err2 := openplatform.New(openplatform.Options{})
	token, err3 := bearer.New(bearer.Options{})
	signed, err4 := param2.New(param2.Options{})
	routed, err5 := router.New(router.Options{})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	return map[string]extract.Dialect{
		"onebound": reseller, "openplatform": official, "param2": signed, "bearer": token, "router": routed,
	}
}

// flat are the dialects whose products have neither attributes nor tiers,
// minimum orders or ids of sellers.
var flat = []string{"router"}

func checkCatalog(t *testing.T, name string, d extract.Dialect, profile sandbox.Profile) {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{Offers: 500, Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Catalog().Len() {
		truth := s.Catalog().Offer(i)
		body, err := s.Detail(name, truth.ID)
		if err != nil {
			t.Fatal(err)
		}
		isFlat := slices.Contains(flat, name)
		if isFlat {
			truth.Attributes, truth.Tiers = nil, nil
		}
		if err := compare(d, body, truth, isFlat); err != nil {
			t.Errorf("offer %d: %v", truth.ID, err)
		}
	}
}

// compare decodes body and returns the first difference to the truth.
func compare(d extract.Dialect, body []byte, truth sandbox.Truth, isFlat bool) error {
	var got *catalog.Offer
	err := d.DecodeDetails(extract.Answer{Status: 200, Body: body}, []catalog.OfferID{truth.ID},
		func(_ catalog.OfferID, o *catalog.Offer, _ error) { got = o })
	if truth.Delisted {
		if catalog.ClassOf(err) != catalog.ErrDelisted {
			return fmt.Errorf("error %v, want %v", err, catalog.ErrDelisted)
		}
		return nil
	}
	switch {
	case err != nil:
		return err
	case got == nil:
		return fmt.Errorf("was not emitted")
	case got.ID != truth.ID:
		return fmt.Errorf("id %d", got.ID)
	case len(got.DecodeIssues) > 0 || got.SKUTableIsBad:
		return fmt.Errorf("issues %v, SKU table bad: %v", got.DecodeIssues, got.SKUTableIsBad)
	case len(got.Attributes) != len(truth.Attributes):
		return fmt.Errorf("%d attributes, want %d", len(got.Attributes), len(truth.Attributes))
	case len(got.Tiers) != len(truth.Tiers):
		return fmt.Errorf("%d tiers, want %d", len(got.Tiers), len(truth.Tiers))
	case plain(got.Title) != truth.Title || got.CategoryID == "" || got.Stock == "" || len(got.Images) == 0,
		!isFlat && (got.MinOrder == "" || got.Supplier.ID == ""):
		return fmt.Errorf("an empty field in %+v", got)
	case got.FreeShipping.OK && got.FreeShipping.V != truth.FreeShipping:
		return fmt.Errorf("free shipping %v", got.FreeShipping)
	}
	return compareSKUs(got.SKUs, truth.SKUs)
}

func compareSKUs(got []catalog.OfferSKU, truth []sandbox.TruthSKU) error {
	if len(got) != len(truth) {
		return fmt.Errorf("%d SKUs, want %d", len(got), len(truth))
	}
	ids := make(map[string]sandbox.TruthSKU, len(truth))
	for _, s := range truth {
		ids[fmt.Sprint(s.ID)] = s
	}
	for _, s := range got {
		want, ok := ids[s.ID]
		if !ok || s.SpecID != want.SpecID || s.Stock != fmt.Sprint(want.Stock) || !sameAttributes(s.Attributes, want.Attributes) {
			return fmt.Errorf("SKU %+v, want %+v", s, want)
		}
		delete(ids, s.ID)
	}
	return nil
}

func sameAttributes(got []catalog.Attribute, want []sandbox.TruthAttribute) bool {
	return slices.EqualFunc(got, want, func(a catalog.Attribute, b sandbox.TruthAttribute) bool {
		return plain(a.Name) == b.Name && plain(a.Value) == b.Value
	})
}

var tag = regexp.MustCompile(`</?font[^>]*>`)

// plain is text without the ornaments of a rough answer.
func plain(s string) string {
	s = tag.ReplaceAllString(html.UnescapeString(norm.NFKC.String(s)), "")
	return strings.Join(strings.Fields(s), " ")
}

// ask searches a sandbox.
func ask(t *testing.T, s *sandbox.Server, d extract.Dialect, q catalog.Query) catalog.Page {
	t.Helper()
	r, err := d.Search(q, 1)
	if err != nil {
		t.Fatal(err)
	}
	a := send(t, s, d, r)
	page, err := d.DecodePage(a)
	if err != nil {
		t.Fatalf("DecodePage(%d %s) = %v", a.Status, a.Body, err)
	}
	return page
}

// A search brings the rows with their titles and prices.
func TestSearchOfSandbox(t *testing.T) {
	t.Parallel()
	all := dialects(t)
	for _, name := range []string{"bearer", "param2", "router"} {
		for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
			s := newSandbox(t, sandbox.Options{Offers: 2000, Profile: profile})
			page := ask(t, s, all[name], catalog.Query{Kind: catalog.SearchQuery, Keyword: "连衣裙"})
			if len(page.Hits) != 50 || page.Total.V < 51 {
				t.Errorf("%s %s: %d rows of %d, want a full page of more", name, profile, len(page.Hits), page.Total.V)
			}
			for _, h := range page.Hits {
				truth, ok := s.Catalog().ByID(h.ID)
				price, err := catalog.ParseDecimal(h.Price)
				if ok && (plain(h.Title) != truth.Title || h.Price != "" && (err != nil || price != truth.Price)) {
					t.Errorf("%s %s: hit %+v, want %q at %s", name, profile, h, truth.Title, truth.Price)
				}
				if h.Price == "" && profile == sandbox.Clean {
					t.Errorf("%s: hit %+v has no price", name, h)
				}
			}
		}
	}
}

// An image search brings the offer and its twins, whichever way the picture
// comes.
func TestImageSearchOfSandbox(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, sandbox.Options{Offers: 600})
	all := dialects(t)
	for i := range s.Catalog().Len() {
		offer := s.Catalog().Offer(i)
		twins := s.Catalog().Twins(offer.ID)
		if len(twins) == 0 {
			continue
		}
		picture := s.Catalog().Picture(offer.ID)
		for way, p := range map[string]catalog.Picture{
			"url":  {URL: offer.Images[0]},
			"png":  {File: "a.png", SHA256: "1", Data: picture},
			"jpeg": {File: "a.jpg", SHA256: "2", Data: asJPEG(t, picture)},
		} {
			for _, name := range []string{"bearer", "param2"} {
				var got []catalog.OfferID
				for _, h := range ask(t, s, all[name], catalog.Query{Kind: catalog.ImageQuery, Picture: &p, Keyword: offer.Keyword}).Hits {
					got = append(got, h.ID)
				}
				if want := append([]catalog.OfferID{offer.ID}, twins...); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
					t.Errorf("%s by %s: found %v, want %v first", name, way, got, want)
				}
			}
		}
	}
}

// Calls by name bring their payload without the envelope.
func TestCallOfSandbox(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, sandbox.Options{Profile: sandbox.Rough})
	id := s.Catalog().ID(0).String()
	all := dialects(t)
	cases := []struct {
		dialect, api string
		params       catalog.Params
		want         string // what the payload begins with
	}{
		{"bearer", "alibaba.product.get", catalog.Params{"productId": id}, `{"product":{`},
		{"param2", "com.alibaba.product/alibaba.product.get", catalog.Params{"productId": id}, `{"product":{`},
		{"router", "alibaba.product.get", catalog.Params{"product_id": id}, `{"product":{`},
		{"bearer", "com.alibaba.trade/alibaba.trade.getBuyerOrderList", nil, `[{"baseInfo"`},
		{"param2", "com.alibaba.trade/alibaba.trade.getBuyerOrderList", nil, `[{"baseInfo"`},
	}
	for _, c := range cases {
		d, _ := all[c.dialect].(extract.CallDialect)
		r, err := d.Call(c.api, c.params)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.DecodeCall(send(t, s, all[c.dialect], r))
		if err != nil || !bytes.HasPrefix(got, []byte(c.want)) {
			t.Errorf("%s %s = %.100s, %v, want %s", c.dialect, c.api, got, err, c.want)
		}
	}
}

func asJPEG(t *testing.T, picture []byte) []byte {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 50}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
