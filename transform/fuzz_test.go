package transform_test

import (
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"", "304不锈钢保温杯", "新款<font color=red>连衣裙</font>&nbsp;A&amp;B", "&amp;lt;b&amp;gt;", "ＡＢＣ，１２", "a < b", "e\u200b\u0301",
		"<b<b>>", "&#x26;lt;", "\xff\xfe", "＜b＞", "<a title=\"x>y\">z", "<!-- -->", "\u1100\u1161\u11a8", " \u00a8x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := transform.Clean(s)
		if !utf8.ValidString(once) {
			t.Errorf("Clean(%q) = %q, is not UTF-8", s, once)
		}
		if twice := transform.Clean(once); twice != once {
			t.Errorf("Clean(Clean(%q)) = %q, want %q", s, twice, once)
		}
	})
}

// FuzzNormalise puts the same text into every field of an offer.
func FuzzNormalise(f *testing.F) {
	for _, s := range []string{
		"", "0", "12.50", "18.8-23.5", "颜色:红;尺码:S", "0:0:颜色:白;1:0:尺码:S", "<img src=//a.b/c>", "\xff", "浙江省金华市", "20181213201638000+0800",
		"-1", "9223372036854775807", "1e999", "已售300+件", "published", "deleted", "img/ibank/1.jpg", "2147483646", "¥", "万", "元", ":", ";", "-",
	} {
		f.Add(s, uint8(0), uint8(2))
	}
	f.Fuzz(func(t *testing.T, s string, pricing, skus uint8) {
		o := &catalog.Offer{Pricing: catalog.Pricing(pricing % 4)}
		o.SKUs = make([]catalog.OfferSKU, skus%5)
		for i := range o.SKUs {
			o.SKUs[i].Attributes = make([]catalog.Attribute, 2)
			o.SKUs[i].Tiers = make([]catalog.Tier, i)
		}
		o.Tiers, o.Attributes = make([]catalog.Tier, 3), make([]catalog.Attribute, 2)
		o.Images, o.DetailImages, o.Supplier.Scores = make([]string, 2), make([]string, skus%2), make([]catalog.Pair, 2)
		o.DecodeIssues = make([]catalog.Issue, 1)
		fill(reflect.ValueOf(o).Elem(), s)
		o.ID, o.DecodeIssues[0].Code = 610947572360, "bad_type"
		if pricing >= 128 {
			o.Status = ""
		}
		var rows catalog.Rows
		transform.New(transform.Options{}).Normalise(o, observed, &rows)
		checkRows(t, &rows)
	})
}

// fill sets every string below v.
func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), s)
		}
	}
}

// checkRows asserts what holds for the rows of any one offer.
func checkRows(t *testing.T, rows *catalog.Rows) {
	t.Helper()
	checkText(t, reflect.ValueOf(*rows))
	if len(rows.Products) == 0 && len(rows.Rejects) == 0 {
		t.Error("an offer vanished without a reject")
	}
	codes := append(transform.RejectCodes(), "")
	for _, r := range rows.Rejects {
		if r.Code == transform.CodeInternal {
			t.Errorf("Normalise met a bug: %s", r.Message)
		}
		if r.Stage == "normalise" && !slices.Contains(codes, r.Code) {
			t.Errorf("code %q is not one of RejectCodes", r.Code)
		}
		if len(r.Excerpt.V) > 200 {
			t.Errorf("an excerpt has %d bytes", len(r.Excerpt.V))
		}
	}
	if len(rows.Products) == 0 {
		return
	}
	p := rows.Products[0]
	if int(p.SKUCount) != len(rows.SKUs) || len(rows.SKUs) == 0 || int(p.ImageCount) != len(rows.Images) {
		t.Errorf("counts %d, %d do not fit %d SKUs, %d images", p.SKUCount, p.ImageCount, len(rows.SKUs), len(rows.Images))
	}
	if p.PriceMin.OK != p.PriceMax.OK || p.PriceMin.V > p.PriceMax.V || p.PriceMin.OK && p.PriceMin.V <= 0 {
		t.Errorf("prices from %v to %v", p.PriceMin, p.PriceMax)
	}
	if priced := p.PriceBasis != catalog.BasisUnknown && p.PriceBasis != catalog.BasisNegotiable; priced != p.PriceMin.OK {
		t.Errorf("basis %q with price_min %v", p.PriceBasis, p.PriceMin)
	}
	if p.PriceBasis != catalog.BasisQuantity && len(rows.PriceTiers) > 0 {
		t.Errorf("basis %q with tiers %v", p.PriceBasis, rows.PriceTiers)
	}
	keys := map[string]bool{}
	for _, s := range rows.SKUs {
		if keys[s.SKUKey] || s.SKUKey != transform.SKUKey(s.OfferID, s.AttributesText) {
			t.Errorf("key %q of %q is repeated or wrong", s.SKUKey, s.AttributesText)
		}
		keys[s.SKUKey] = true
	}
}

// checkText reports strings below v that are not UTF-8.
func checkText(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			t.Errorf("a row holds %q, which is not UTF-8", v.String())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			checkText(t, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkText(t, v.Index(i))
		}
	}
}
