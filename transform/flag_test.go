package transform_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// TestFlags: what is odd is published as it was sent, and says so. Every code
// of the closed list is met.
func TestFlags(t *testing.T) {
	t.Parallel()
	met := map[string]bool{}
	for _, tt := range []struct {
		name, want string
		spoil      func(*catalog.Offer)
		kept       func(*catalog.Rows) bool
	}{
		{"negative promotion", "impossible_price skus[0].promotion_price", func(o *catalog.Offer) { o.SKUs[0].PromotionPrice = "-3" },
			func(r *catalog.Rows) bool { return r.SKUs[0].PromotionPrice == catalog.Some(catalog.Decimal(-3_0000)) }},
		{"price of nothing", "impossible_price skus[0].price", func(o *catalog.Offer) { o.Pricing, o.Tiers, o.SKUs[0].Price = catalog.PricingBySKU, nil, "0" },
			func(r *catalog.Rows) bool {
				return r.SKUs[0].Price == catalog.Some(catalog.Decimal(0)) && r.Products[0].PriceMin.V > 0 && r.Products[0].PriceAtMinOrder.V > 0
			}},
		{"nines", "placeholder_price skus[0].price", func(o *catalog.Offer) { o.Pricing, o.Tiers, o.SKUs[0].Price = catalog.PricingBySKU, nil, "99999.99" },
			func(r *catalog.Rows) bool { return r.Products[0].PriceMax == r.SKUs[0].Price }},
		{"dear promotion", "promotion_above_price skus[1].promotion_price", func(o *catalog.Offer) {
			o.Pricing, o.Tiers, o.SKUs[1].Price, o.SKUs[1].PromotionPrice = catalog.PricingBySKU, nil, "10", "11"
		}, func(r *catalog.Rows) bool { return r.SKUs[1].PromotionPrice.V == 11_0000 }},
		{"rising tiers", "rising_tiers tiers[1].price", func(o *catalog.Offer) {
			o.Pricing, o.Tiers = catalog.PricingByQuantity, []catalog.Tier{{MinQuantity: "1", Price: "5"}, {MinQuantity: "10", Price: "6"}}
		}, func(r *catalog.Rows) bool { return len(r.PriceTiers) == 2 && r.PriceTiers[1].Price == 6_0000 }},
		{"plenty", "plenty_in_stock skus[2].stock", func(o *catalog.Offer) { o.SKUs[2].Stock = "2147483646" },
			func(r *catalog.Rows) bool { return !r.SKUs[2].Stock.OK && !r.Products[0].Stock.OK }},
		{"ten tons", "implausible_weight weight", func(o *catalog.Offer) { o.Weight.Text = "10000" },
			func(r *catalog.Rows) bool {
				return r.Products[0].WeightG == catalog.Some(catalog.Decimal(10_000_000_0000))
			}},
		{"a SKU without a price", "unpriced_sku skus[3].price", func(o *catalog.Offer) { o.Pricing, o.Tiers, o.SKUs[3].Price = catalog.PricingBySKU, nil, "" },
			func(r *catalog.Rows) bool { return !r.SKUs[3].Price.OK && r.SKUs[4].Price.OK }},
	} {
		o := typicalOffer()
		for i := range o.SKUs {
			o.SKUs[i].Price = "10"
		}
		tt.spoil(o)
		rows := normalise(t, o)
		var got []string
		for _, f := range rows.Flags {
			got = append(got, f.Code+" "+f.Path)
			met[f.Code] = true
			if f.OfferID != o.ID || f.JournalRef == "" || f.ObservedAt.IsZero() {
				t.Errorf("%s: flag %+v lacks where it is from", tt.name, f)
			}
			if ofSKU := f.Path[:3] == "sku"; ofSKU != f.SKUKey.OK {
				t.Errorf("%s: flag at %s has the SKU key %v", tt.name, f.Path, f.SKUKey)
			}
		}
		if diff := cmp.Diff([]string{tt.want}, got); diff != "" || len(rows.Rejects) > 0 {
			t.Errorf("%s: flags (-want +got):\n%s rejects: %v", tt.name, diff, rows.Rejects)
		}
		if !tt.kept(rows) {
			t.Errorf("%s: the value was not kept: %+v", tt.name, rows.SKUs)
		}
	}
	for _, code := range transform.FlagCodes() {
		if !met[code] {
			t.Errorf("flag %s is never set", code)
		}
	}
}

// TestPriceAtMinOrder: the tier that the minimum order falls into decides.
func TestPriceAtMinOrder(t *testing.T) {
	t.Parallel()
	tiers := []catalog.Tier{{MinQuantity: "2", Price: "10"}, {MinQuantity: "10", Price: "9"}, {MinQuantity: "100", Price: "8"}}
	for _, tt := range []struct {
		name, minOrder, want string
		offer                catalog.Offer
	}{
		{"not told", "", "10", catalog.Offer{Tiers: tiers}},
		{"below the first", "1", "10", catalog.Offer{Tiers: tiers}},
		{"within", "10", "9", catalog.Offer{Tiers: tiers}},
		{"above", "5000", "8", catalog.Offer{Tiers: tiers}},
		{"by SKU", "50", "3", catalog.Offer{SKUs: coloured("5", "3", "4")}},
		{"single", "50", "7", catalog.Offer{Price: "7"}},
		{"tiers of SKUs", "10", "9", catalog.Offer{Pricing: catalog.PricingSKUByQuantity, SKUs: func() []catalog.OfferSKU {
			s := coloured("20", "12")
			s[1].Tiers = tiers
			return s
		}()}},
		{"none", "1", "0", catalog.Offer{Price: "面议"}},
	} {
		tt.offer.ID, tt.offer.Title, tt.offer.MinOrder = 1, "杯", tt.minOrder
		if got := normalise(t, &tt.offer).Products[0].PriceAtMinOrder.V.String(); got != tt.want {
			t.Errorf("%s: price_at_min_order = %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestLowerBounds: "at least" is kept for SKUs, and in the offer's total.
func TestLowerBounds(t *testing.T) {
	t.Parallel()
	skus := coloured("1", "1")
	skus[0].Stock, skus[0].Sold, skus[1].Stock = "999+", "1.2万+", "1"
	rows := normalise(t, &catalog.Offer{ID: 1, Title: "杯", SKUs: skus})
	s, p := rows.SKUs[0], rows.Products[0]
	if s.Stock.V != 999 || !s.StockIsLowerBound || s.Sold.V != 12_000 || !s.SoldIsLowerBound || rows.SKUs[1].StockIsLowerBound {
		t.Errorf("SKU = %+v, want lower bounds of 999 and 12000", s)
	}
	if p.Stock.V != 1000 || !p.StockIsLowerBound {
		t.Errorf("stock of the offer = %v, lower bound %t; want at least 1000", p.Stock, p.StockIsLowerBound)
	}
}
