package transform_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// normalise returns the rows of one offer.
func normalise(t *testing.T, o *catalog.Offer) *catalog.Rows {
	t.Helper()
	var rows catalog.Rows
	transform.New(transform.Options{}).Normalise(o, observed, &rows)
	return &rows
}

func text(d catalog.Opt[catalog.Decimal]) string {
	if !d.OK {
		return "-"
	}
	return d.V.String()
}

// prices is what the tables say about an offer's prices.
type prices struct {
	Basis    catalog.PriceBasis
	Min, Max string
	SKUs     []string
	Tiers    []string
	Rejects  []string // code and path
}

func pricesOf(rows *catalog.Rows) prices {
	p := rows.Products[0]
	out := prices{Basis: p.PriceBasis, Min: text(p.PriceMin), Max: text(p.PriceMax)}
	for _, s := range rows.SKUs {
		out.SKUs = append(out.SKUs, text(s.Price))
	}
	for _, tier := range rows.PriceTiers {
		line := catalog.OfferID(tier.MinQuantity).String() + "-"
		if tier.MaxQuantity.OK {
			line += catalog.OfferID(tier.MaxQuantity.V).String()
		}
		line += " " + tier.Price.String()
		if tier.SKUKey.OK {
			line += " sku " + catalog.OfferID(slices.IndexFunc(rows.SKUs, func(s catalog.SKU) bool { return s.SKUKey == tier.SKUKey.V })).String()
		}
		out.Tiers = append(out.Tiers, line)
	}
	for _, r := range rows.Rejects {
		out.Rejects = append(out.Rejects, r.Code+" "+r.Path.V)
	}
	return out
}

func coloured(prices ...string) []catalog.OfferSKU {
	var out []catalog.OfferSKU
	for i, price := range prices {
		out = append(out, catalog.OfferSKU{Price: price, Attributes: []catalog.Attribute{{Name: "颜色", Value: string(rune('甲' + i))}}})
	}
	return out
}

func TestPrices(t *testing.T) {
	t.Parallel()
	twoTiers := []catalog.Tier{{MinQuantity: "3", Price: "44.5", Promotion: "1"}, {MinQuantity: "50", Price: "40"}}
	oneTier := []catalog.Tier{{MinQuantity: "3", Price: "35"}}
	bare := []catalog.OfferSKU{{ID: "1", Price: "9"}}
	withTiers := coloured("", "20", "")
	withTiers[0].Tiers = []catalog.Tier{{MinQuantity: "1", Price: "10"}, {MinQuantity: "10", Price: "8"}}
	withTiers[2].Tiers = []catalog.Tier{{MinQuantity: "1", Price: "15"}}
	tests := []struct {
		name  string
		offer catalog.Offer
		want  prices
	}{
		{"headline only", catalog.Offer{Price: "12.50"},
			prices{Basis: "single", Min: "12.5", Max: "12.5", SKUs: []string{"12.5"}}},
		{"headline range", catalog.Offer{Price: "18.80-23.50"},
			prices{Basis: "single", Min: "18.8", Max: "23.5", SKUs: []string{"-"}}},
		{"headline in two fields", catalog.Offer{Price: "18.80", PriceMax: "23.50"},
			prices{Basis: "single", Min: "18.8", Max: "23.5", SKUs: []string{"-"}}},
		{"negotiable", catalog.Offer{Price: "面议"},
			prices{Basis: "negotiable", Min: "-", Max: "-", SKUs: []string{"-"}}},
		{"nothing told", catalog.Offer{},
			prices{Basis: "unknown", Min: "-", Max: "-", SKUs: []string{"-"}}},
		{"unreadable", catalog.Offer{Price: "cheap"},
			prices{Basis: "unknown", Min: "-", Max: "-", SKUs: []string{"-"}, Rejects: []string{"bad_number price"}}},
		{"per SKU", catalog.Offer{Pricing: catalog.PricingBySKU, Price: "10", SKUs: coloured("10", "12.5", "11")},
			prices{Basis: "sku", Min: "10", Max: "12.5", SKUs: []string{"10", "12.5", "11"}}},
		{"per SKU, inferred", catalog.Offer{Price: "10", Tiers: oneTier, SKUs: coloured("10", "12.5")},
			prices{Basis: "sku", Min: "10", Max: "12.5", SKUs: []string{"10", "12.5"}}},
		{"per SKU despite tiers", catalog.Offer{Pricing: catalog.PricingBySKU, Tiers: twoTiers, SKUs: coloured("10", "12.5")},
			prices{Basis: "sku", Min: "10", Max: "12.5", SKUs: []string{"10", "12.5"}}},
		{"one SKU lacks a price that others have", catalog.Offer{Price: "10", SKUs: coloured("10", "")},
			prices{Basis: "sku", Min: "10", Max: "10", SKUs: []string{"10", "-"}}},
		{"no SKU has a price", catalog.Offer{Price: "10", SKUs: coloured("", "")},
			prices{Basis: "sku", Min: "10", Max: "10", SKUs: []string{"10", "10"}}},
		{"no SKU has a price, range", catalog.Offer{Price: "10-12", SKUs: coloured("", "")},
			prices{Basis: "sku", Min: "10", Max: "12", SKUs: []string{"-", "-"}}},
		{"negotiable SKUs", catalog.Offer{SKUs: coloured("面议", "面议")},
			prices{Basis: "negotiable", Min: "-", Max: "-", SKUs: []string{"-", "-"}}},
		{"by quantity without a table", catalog.Offer{Tiers: twoTiers},
			prices{Basis: "quantity", Min: "40", Max: "44.5", SKUs: []string{"44.5"}, Tiers: []string{"3-49 44.5", "50- 40"}}},
		{"by quantity with a table", catalog.Offer{Pricing: catalog.PricingByQuantity, Tiers: twoTiers, SKUs: coloured("", "44.5")},
			prices{Basis: "quantity", Min: "40", Max: "44.5", SKUs: []string{"44.5", "44.5"}, Tiers: []string{"3-49 44.5", "50- 40"}}},
		{"by quantity, inferred", catalog.Offer{Tiers: twoTiers, SKUs: coloured("44.5", "44.5")},
			prices{Basis: "quantity", Min: "40", Max: "44.5", SKUs: []string{"44.5", "44.5"}, Tiers: []string{"3-49 44.5", "50- 40"}}},
		{"said to be per SKU, but no SKU has a price", catalog.Offer{Pricing: catalog.PricingBySKU, Tiers: twoTiers, SKUs: coloured("", "")},
			prices{Basis: "quantity", Min: "40", Max: "44.5", SKUs: []string{"44.5", "44.5"}, Tiers: []string{"3-49 44.5", "50- 40"}}},
		{"a single tier is no dependence", catalog.Offer{Pricing: catalog.PricingByQuantity, Price: "99", Tiers: oneTier},
			prices{Basis: "single", Min: "35", Max: "35", SKUs: []string{"35"}}},
		{"a single tier with a table", catalog.Offer{Pricing: catalog.PricingByQuantity, Tiers: oneTier, SKUs: coloured("", "")},
			prices{Basis: "sku", Min: "35", Max: "35", SKUs: []string{"35", "35"}}},
		{"a single tier without a quantity", catalog.Offer{Tiers: []catalog.Tier{{Price: "35"}}},
			prices{Basis: "single", Min: "35", Max: "35", SKUs: []string{"35"}}},
		{"the offer as its only SKU", catalog.Offer{Pricing: catalog.PricingBySKU, SKUs: bare},
			prices{Basis: "single", Min: "9", Max: "9", SKUs: []string{"9"}}},
		{"tiers per SKU", catalog.Offer{Pricing: catalog.PricingSKUByQuantity, SKUs: withTiers},
			prices{Basis: "quantity", Min: "8", Max: "20", SKUs: []string{"10", "20", "15"}, Tiers: []string{"1-9 10 sku 0", "10- 8 sku 0"}}},
		{"tiers out of order", catalog.Offer{Tiers: []catalog.Tier{{MinQuantity: "50", Price: "40"}, {MinQuantity: "3.0", Price: "44.5"}}},
			prices{Basis: "quantity", Min: "40", Max: "44.5", SKUs: []string{"44.5"}, Tiers: []string{"3-49 44.5", "50- 40"}}},
		{"repeated tier", catalog.Offer{Tiers: append(slices.Clone(twoTiers), twoTiers[1])},
			prices{Basis: "quantity", Min: "40", Max: "44.5", SKUs: []string{"44.5"}, Tiers: []string{"3-49 44.5", "50- 40"}}},
		{"contradicting tier", catalog.Offer{Tiers: append(slices.Clone(twoTiers), catalog.Tier{MinQuantity: "50", Price: "39"})},
			prices{Basis: "quantity", Min: "40", Max: "44.5", SKUs: []string{"44.5"}, Tiers: []string{"3-49 44.5", "50- 40"},
				Rejects: []string{"bad_tiers tiers[2]"}}},
		{"a tier without a usable price leaves a gap", catalog.Offer{Tiers: []catalog.Tier{
			{MinQuantity: "1", Price: "10"}, {MinQuantity: "10", Price: "x"}, {MinQuantity: "100", Price: "8"}, {MinQuantity: "1000", Price: "面议"},
		}}, prices{Basis: "quantity", Min: "8", Max: "10", SKUs: []string{"10"}, Tiers: []string{"1-9 10", "100-999 8"},
			Rejects: []string{"bad_number tiers[1].price", "bad_tiers tiers[3].price"}}},
		{"a tier without a usable quantity", catalog.Offer{Price: "10", Tiers: []catalog.Tier{{MinQuantity: "1", Price: "10"}, {MinQuantity: "x", Price: "9"}}},
			prices{Basis: "single", Min: "10", Max: "10", SKUs: []string{"10"}, Rejects: []string{"bad_tiers tiers[1]"}}},
		{"a price of nothing", catalog.Offer{Price: "5", SKUs: coloured("0", "-1", "3")},
			prices{Basis: "sku", Min: "3", Max: "3", SKUs: []string{"0", "-1", "3"}}},
		{"a tier of nothing", catalog.Offer{Tiers: []catalog.Tier{{MinQuantity: "1", Price: "0"}, {MinQuantity: "10", Price: "8"}}},
			prices{Basis: "quantity", Min: "8", Max: "8", SKUs: []string{"-"}, Tiers: []string{"1-9 0", "10- 8"}}},
		{"more places than money has", catalog.Offer{Price: "1.23456"},
			prices{Basis: "unknown", Min: "-", Max: "-", SKUs: []string{"-"}, Rejects: []string{"bad_number price"}}},
		{"a range for a SKU", catalog.Offer{SKUs: coloured("3", "4-5")},
			prices{Basis: "sku", Min: "3", Max: "3", SKUs: []string{"3", "-"}, Rejects: []string{"bad_number skus[1].price"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.offer.ID, tt.offer.Title = 610947572360, "杯"
			if diff := cmp.Diff(tt.want, pricesOf(normalise(t, &tt.offer))); diff != "" {
				t.Errorf("prices (-want +got):\n%s", diff)
			}
		})
	}
}
