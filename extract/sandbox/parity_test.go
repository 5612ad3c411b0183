package sandbox_test

import (
	"cmp"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// unit is what every dialect must tell alike of a SKU.
type unit struct {
	Attributes string
	Price      catalog.Decimal
	Stock      int64
}

// seen is what every dialect must tell alike of an offer.
type seen struct {
	Title string
	Units []unit
	Tiers []sandbox.TruthTier
}

// TestEveryDialectTellsTheSame reads a rough catalogue through all dialects,
// with readers written from the documentation, and compares with the truth.
func TestEveryDialectTellsTheSame(t *testing.T) {
	t.Parallel()
	readers := map[string]func(*testing.T, map[string]any) seen{
		"onebound": readOnebound, "openplatform": readOfficial, "param2": readProduct, "bearer": readProduct, "router": readRouter, "portals": readPortals,
	}
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		hard := 0 // SKUs with attributes that text cannot join
		s := newServer(t, sandbox.Options{Offers: 500, Profile: profile, Seed: 3})
		for i := range s.Catalog().Len() {
			truth := s.Catalog().Offer(i)
			if truth.Delisted {
				continue
			}
			for _, sku := range truth.SKUs {
				if strings.ContainsAny(fmt.Sprint(sku.Attributes), ":;") {
					hard++
				}
			}
			for dialect, read := range readers {
				body, err := s.Detail(dialect, truth.ID)
				if err != nil {
					t.Fatal(err)
				}
				got := read(t, answer{200, body}.fields(t))
				want := expected(truth)
				if dialect == "router" || dialect == "portals" {
					want.Tiers = nil // the format has none
				}
				if dialect == "portals" {
					want = want.withoutStock()
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Fatalf("%v %s: offer %d (-want +got):\n%s\n%s", profile, dialect, truth.ID, diff, body)
				}
			}
		}
		if (hard > 0) != (profile == sandbox.Rough) {
			t.Errorf("%v: %d SKUs have values with separators", profile, hard)
		}
	}
}

func expected(t sandbox.Truth) seen {
	out := seen{Title: t.Title, Tiers: t.Tiers}
	for _, row := range t.Rows() {
		u := unit{Price: row.Price, Stock: row.Stock}
		for _, a := range row.Attributes {
			u.Attributes = joined(u.Attributes, a.Name, a.Value)
		}
		out.Units = append(out.Units, u)
	}
	return out
}

func joined(so, name, value string) string { return so + name + "=" + value + "\n" }

var tag = regexp.MustCompile(`</?font[^>]*>`)

// cleaned is text as tables hold it.
func cleaned(v any) string {
	s := tag.ReplaceAllString(html.UnescapeString(norm.NFKC.String(literal(v))), "")
	return strings.Join(strings.Fields(s), " ")
}

func decimal(t *testing.T, v any) catalog.Decimal {
	t.Helper()
	d, err := catalog.ParseDecimal(literal(v))
	if err != nil {
		t.Fatalf("decimal(%v): %v", v, err)
	}
	return d
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func array(v any) []any {
	l, _ := v.([]any)
	return l
}

// whole adds the unit of an offer without SKUs, and prices by quantity those
// that leave it to the tiers.
func (s seen) whole(stock int64) seen {
	if s.Units == nil {
		s.Units = []unit{{Stock: stock}}
	}
	for i := range s.Units {
		if len(s.Tiers) > 0 {
			s.Units[i].Price = s.Tiers[0].Price
		}
	}
	return s
}

func readOnebound(t *testing.T, f map[string]any) seen {
	t.Helper()
	item := object(f["item"])
	out := seen{Title: cleaned(item["title"])}
	for _, pair := range array(item["priceRange"]) {
		p := array(pair)
		out.Tiers = append(out.Tiers, sandbox.TruthTier{MinQuantity: integer(t, p[0]), Price: decimal(t, p[1])})
	}
	names := make(map[string]string)
	for at, text := range object(item["props_list"]) {
		names[at] = literal(text)
	}
	for _, v := range array(object(item["skus"])["sku"]) {
		sku := object(v)
		u := unit{Price: decimal(t, sku["price"]), Stock: integer(t, sku["quantity"])}
		parts := strings.Split(literal(sku["properties_name"]), ";")
		for i, at := range strings.Split(literal(sku["properties"]), ";") {
			if at == "" {
				continue
			}
			text, ok := names[at]
			if !ok {
				text = strings.TrimPrefix(parts[i], at+":")
			}
			name, value, _ := strings.Cut(text, ":")
			u.Attributes = joined(u.Attributes, cleaned(name), cleaned(value))
		}
		out.Units = append(out.Units, u)
	}
	return out.whole(integer(t, item["num"]))
}

func readOfficial(t *testing.T, f map[string]any) seen {
	t.Helper()
	p := object(object(f["result"])["result"])
	sale := object(p["productSaleInfo"])
	out := seen{Title: cleaned(p["subject"])}
	for _, v := range array(sale["priceRangeList"]) {
		out.Tiers = append(out.Tiers, sandbox.TruthTier{MinQuantity: integer(t, object(v)["startQuantity"]), Price: decimal(t, object(v)["price"])})
	}
	for _, v := range array(p["productSkuInfos"]) {
		sku := object(v)
		u := unit{Stock: integer(t, sku["amountOnSale"])}
		if price, ok := sku["price"]; ok {
			u.Price = decimal(t, price)
		}
		for _, a := range array(sku["skuAttributes"]) {
			u.Attributes = joined(u.Attributes, cleaned(object(a)["attributeName"]), cleaned(object(a)["value"]))
		}
		out.Units = append(out.Units, u)
	}
	return out.whole(integer(t, sale["amountOnSale"]))
}

func readProduct(t *testing.T, f map[string]any) seen {
	t.Helper()
	p := object(f["product"])
	if inner := object(p["productInfo"]); inner != nil {
		p = inner
	}
	sale := object(p["saleInfo"])
	out := seen{Title: cleaned(p["subject"])}
	for _, v := range array(sale["priceRanges"]) {
		out.Tiers = append(out.Tiers, sandbox.TruthTier{MinQuantity: integer(t, object(v)["startQuantity"]), Price: decimal(t, object(v)["price"])})
	}
	for _, v := range append(array(p["skuInfos"]), array(p["skuInfo"])...) {
		sku := object(v)
		u := unit{Price: decimal(t, sku["price"]), Stock: integer(t, sku["amountOnSale"])}
		for _, a := range array(sku["attributes"]) {
			u.Attributes = joined(u.Attributes, cleaned(object(a)["attributeDisplayName"]), cleaned(object(a)["attributeValue"]))
		}
		out.Units = append(out.Units, u)
	}
	return out.whole(integer(t, sale["amountOnSale"]))
}

func readRouter(t *testing.T, f map[string]any) seen {
	t.Helper()
	p := object(object(f["result"])["product"])
	out := seen{Title: cleaned(p["productName"])}
	for _, v := range array(p["skus"]) {
		sku := object(v)
		out.Units = append(out.Units, unit{
			Attributes: attributesOf(literal(sku["attributes"])), Price: decimal(t, sku["price"]), Stock: integer(t, sku["quantity"]),
		})
	}
	if out.Units == nil {
		out.Units = []unit{{Price: decimal(t, p["price"]), Stock: integer(t, p["quantity"])}}
	}
	return out
}

// attributesOf takes attributes in one text apart as far as the values of this
// catalogue need it.
func attributesOf(text string) string {
	out := ""
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, ":")
		switch {
		case part == "":
		case ok && strings.Trim(name, "0123456789") != "":
			out = joined(out, cleaned(name), cleaned(value))
		default: // the rest of a value
			out = strings.TrimSuffix(out, "\n") + ";" + cleaned(part) + "\n"
		}
	}
	return out
}

func readPortals(t *testing.T, f map[string]any) seen {
	t.Helper()
	p := object(f["item"])
	out := seen{Title: cleaned(p["title"])}
	for _, v := range array(p["sku"]) {
		sku := object(v)
		out.Units = append(out.Units, unit{Attributes: attributesOf(literal(sku["sku_name"])), Price: decimal(t, sku["sku_price"])})
	}
	if out.Units == nil {
		out.Units = []unit{{Price: decimal(t, p["price"])}}
	}
	return out
}

// withoutStock is s as the portals dialect can tell it.
func (s seen) withoutStock() seen {
	s.Units = slices.Clone(s.Units)
	for i := range s.Units {
		s.Units[i].Stock = 0
	}
	return s
}

func TestCatalogIsPlausible(t *testing.T) {
	t.Parallel()
	c := newServer(t, sandbox.Options{Offers: 2000, Profile: sandbox.Rough}).Catalog()
	skus, tables, delisted := 0, 0, 0
	seenSKU := make(map[catalog.SKUID]bool)
	for i := range c.Len() {
		o := c.Offer(i)
		if o.ID < 100_000_000_000 || o.ID > 9_999_999_999_999 {
			t.Fatalf("offer id %d: want 12 or 13 digits", o.ID)
		}
		if back, ok := c.ByID(o.ID); !ok || back.Index != i {
			t.Fatalf("ByID(%d) = %d, %v, want %d", o.ID, back.Index, ok, i)
		}
		if _, ok := c.ByID(o.ID + 1); ok {
			t.Errorf("ByID(%d) finds an offer", o.ID+1)
		}
		if o.Delisted {
			delisted++
		}
		checkSKUs(t, o, seenSKU)
		if len(o.SKUs) > 0 {
			tables++
		}
		skus += len(o.SKUs)
		if cleaned(o.Title) != o.Title {
			t.Errorf("title %q is not clean", o.Title)
		}
		for _, a := range o.Attributes {
			if cleaned(a.Value) != a.Value || cleaned(a.Name) != a.Name {
				t.Errorf("attribute %q=%q is not clean", a.Name, a.Value)
			}
		}
		if !slices.IsSortedFunc(o.Tiers, func(a, b sandbox.TruthTier) int { return cmp.Compare(b.Price, a.Price) }) {
			t.Errorf("tiers %v do not fall", o.Tiers)
		}
	}
	if mean := float64(skus) / float64(tables); mean < 7 || mean > 10 {
		t.Errorf("%.1f SKUs in the mean table, want about 8", mean)
	}
	if delisted < 5 || delisted > 45 {
		t.Errorf("%d of 2000 offers are delisted, want about 1 %%", delisted)
	}
}

func checkSKUs(t *testing.T, o sandbox.Truth, ids map[catalog.SKUID]bool) {
	t.Helper()
	if len(o.SKUs) > 20 || (o.QuoteType == 0) != (len(o.SKUs) == 0) {
		t.Errorf("offer %d: quote type %d with %d SKUs", o.ID, o.QuoteType, len(o.SKUs))
	}
	combinations := make(map[string]bool)
	lowest := o.Highest
	for _, s := range o.SKUs {
		if ids[s.ID] {
			t.Errorf("SKU id %d occurs twice", s.ID)
		}
		ids[s.ID] = true
		combinations[fmt.Sprint(s.Attributes)] = true
		lowest = min(lowest, s.Price)
		for _, a := range s.Attributes {
			if cleaned(a.Value) != a.Value {
				t.Errorf("SKU attribute %q is not clean", a.Value)
			}
		}
	}
	if len(combinations) != len(o.SKUs) {
		t.Errorf("offer %d: %d SKUs with %d combinations of attributes", o.ID, len(o.SKUs), len(combinations))
	}
	if o.QuoteType == 1 && lowest != o.Price {
		t.Errorf("offer %d: headline %v, cheapest SKU %v", o.ID, o.Price, lowest)
	}
}

func TestSuppliersAreFoundByEveryID(t *testing.T) {
	t.Parallel()
	c := newServer(t, sandbox.Options{Offers: 2000}).Catalog()
	total := 0
	for i := range 81 {
		s := c.Supplier(i)
		byID := c.Seller(s.ID)
		if diff := gocmp.Diff(byID, c.Seller(s.OpenID)); diff != "" {
			t.Errorf("Seller(%q) and Seller(%q) differ:\n%s", s.ID, s.OpenID, diff)
		}
		total += len(byID)
	}
	listed := 0
	for _, k := range sandbox.Keywords() {
		listed += len(c.Keyword(k))
	}
	if total != listed {
		t.Errorf("sellers have %d offers, keywords %d", total, listed)
	}
	if got := c.Seller("b2b-nobody"); got != nil {
		t.Errorf("Seller(b2b-nobody) = %v, want none", got)
	}
}

// TestPHPEmpties checks that a rough onebound shows what PHP makes of nothing.
func TestPHPEmpties(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 2000, Profile: sandbox.Rough})
	kinds := make(map[string]bool)
	for i := range s.Catalog().Len() {
		o := s.Catalog().Offer(i)
		if o.Delisted || len(o.SKUs) > 0 {
			continue
		}
		body, err := s.Detail("onebound", o.ID)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := object(answer{200, body}.fields(t)["item"])["skus"]
		kinds[fmt.Sprintf("%T%v %v", v, v, ok)] = true
	}
	if len(kinds) != 6 {
		t.Errorf("empty SKU tables come in %d kinds, want 6: %v", len(kinds), kinds)
	}
}
