package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// truthOffers is how many offers are compared with the truth; OFFERLAKE_TRUTH
// sets another number.
func truthOffers(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("OFFERLAKE_TRUTH"))
	if err != nil {
		return 200
	}
	return n
}

// TestTruth: whatever a rough gateway makes of an offer, through every dialect,
// each value that is published is the catalogue's own, and each that is not
// published was not sent: it is nowhere in the answer, or a row of rejects or
// flags names it.
func TestTruth(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads the whole catalogue through seven dialects")
	}
	n := truthOffers(t)
	server, err := sandbox.New(sandbox.Options{Offers: n, Seed: 11, Profile: sandbox.Rough})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range dialects() {
		t.Run(s.name, func(t *testing.T) {
			c := server.Catalog()
			out := readOffers(t, c, s, n, 11)
			truth := &truth{t: t, answers: answersOf(t, out), explained: explained(t, out), dialect: s.name, lacks: s.lacks}
			byID := map[string]sandbox.Truth{}
			for i := range c.Len() {
				byID[c.ID(i).String()] = c.Offer(i)
			}
			truth.products(readCSV(t, out, "products"), byID)
			truth.skus(readCSV(t, out, "skus"), byID)
			truth.lists(readCSV(t, out, "attributes"), readCSV(t, out, "images"), byID)
			truth.suppliers(readCSV(t, out, "suppliers"), byID)
			if truth.values < 10*n {
				t.Errorf("%d values were compared: too few to prove anything", truth.values)
			}
			t.Logf("%s: %d values equal the catalogue's, %d nulls are explained", s.name, truth.values, truth.nulls)
		})
	}
}

// readOffers is readThrough for a catalogue of any size.
func readOffers(t *testing.T, c *sandbox.Catalog, s spoken, offers int, seed uint64) string {
	t.Helper()
	var ids strings.Builder
	for i := range c.Len() {
		fmt.Fprintln(&ids, c.ID(i))
	}
	out := t.TempDir()
	list := out + "/ids.txt"
	if err := os.WriteFile(list, []byte(ids.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	job := writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: %s, offers: %d, profile: rough, seed: %d}
  limits: {per_second: 0}
  %s
sources:
  - offers: {ids_from: %s}
output:
  - {url: %s, format: csv}
`, s.speaks, offers, seed, s.more, list, out))
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	return out
}

// partsOf returns the offers of an answer about several, or the answer itself.
func partsOf(v any) []any {
	if m, ok := v.(map[string]any); ok {
		if list, ok := m["products"].([]any); ok {
			return list
		}
	}
	return []any{v}
}

// answersOf returns the texts and numbers of every answer of a run, offer by
// offer, by journal_ref.
func answersOf(t *testing.T, out string) map[string][][]string {
	t.Helper()
	answers := map[string][][]string{}
	lines := bufio.NewScanner(strings.NewReader(mustRun(t, "journal", "cat", out).stdout))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r struct {
			Ref  string          `json:"ref"`
			Body json.RawMessage `json:"body"`
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		body := []byte(r.Body)
		var text string
		if json.Unmarshal(body, &text) == nil {
			body = []byte(text)
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) == nil {
			for _, part := range partsOf(v) {
				answers[r.Ref] = append(answers[r.Ref], leavesOf(nil, part))
			}
		}
	}
	return answers
}

func leavesOf(all []string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			all = leavesOf(all, e)
		}
	case []any:
		for _, e := range v {
			all = leavesOf(all, e)
		}
	case string:
		all = append(all, transform.Clean(v))
	case json.Number:
		all = append(all, v.String())
	}
	return all
}

// explained lists, by offer, the fields that rejects and flags name.
func explained(t *testing.T, out string) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, table := range []string{"rejects", "flags"} {
		for _, r := range readCSV(t, out, table) {
			names[r["offer_id"]] += " " + r["path"]
		}
	}
	return names
}

// truth compares published rows with the catalogue.
type truth struct {
	t             *testing.T
	dialect       string
	lacks         []string // see spoken
	answers       map[string][][]string
	explained     map[string]string
	values, nulls int
	faults        int
}

func (c *truth) fault(format string, args ...any) {
	c.t.Helper()
	if c.faults++; c.faults <= 10 {
		c.t.Errorf(c.dialect+": "+format, args...)
	}
}

// cell compares one value with what it may be. A null is right where nothing is
// to be told, where the answer does not hold the value, or where a reject or
// flag names the field.
func (c *truth) cell(r map[string]string, column, field string, want ...string) {
	c.t.Helper()
	got := r[column]
	switch {
	case slices.Contains(want, got):
		c.values++
	case got != "":
		c.fault("offer %s: %s = %q, want %q", r["offer_id"], column, got, want)
	case strings.Contains(c.explained[r["offer_id"]], field):
		c.nulls++
	case c.sent(r["journal_ref"], r["offer_id"], want):
		c.fault("offer %s: %s is null, but the answer %s holds %q and nothing says why", r["offer_id"], column, r["journal_ref"], want)
	default:
		c.nulls++
	}
}

// sent reports whether what an answer tells of an offer holds one of some
// values. Short ones are everywhere and tell nothing.
func (c *truth) sent(ref, offer string, values []string) bool {
	_, ref, _ = strings.Cut(ref, "#")
	parts, ok := c.answers[ref]
	if !ok {
		c.fault("there is no answer %q", ref)
	}
	for _, leaves := range parts {
		if len(parts) > 1 && !slices.Contains(leaves, offer) {
			continue // another offer of the same answer
		}
		for _, v := range values {
			if len(v) >= 8 && slices.Contains(leaves, v) {
				return true
			}
		}
	}
	return false
}

func (c *truth) products(rows []map[string]string, byID map[string]sandbox.Truth) {
	seen := map[string]bool{}
	for _, r := range rows {
		o, ok := byID[r["offer_id"]]
		if !ok || o.Delisted || seen[r["offer_id"]] {
			c.fault("offer %s is not in the catalogue, delisted, or there twice", r["offer_id"])
			continue
		}
		seen[r["offer_id"]] = true
		c.cell(r, "title", "title", transform.Clean(o.Title))
		c.cell(r, "category_id", "category", fmt.Sprint(int64(o.Category)))
		lowest, ordered := o.Lowest, atMinOrder(o)
		if slices.Contains(c.lacks, "tiers") { // all that can be known there
			lowest, ordered = o.Price, o.Price
		}
		c.cell(r, "price_min", "price", lowest.String())
		c.cell(r, "price_max", "price", o.Highest.String())
		c.cell(r, "price_at_min_order", "price", ordered.String())
		c.cell(r, "currency", "currency", "CNY")
		c.cell(r, "min_order_quantity", "min_order", fmt.Sprint(o.MinOrder))
		c.cell(r, "unit", "unit", o.Unit)
		c.cell(r, "stock", "stock", fmt.Sprint(o.Stock))
		c.cell(r, "sold", "sold", fmt.Sprint(o.Sold))
		c.cell(r, "supplier_id", "supplier", o.Supplier.ID, o.Supplier.OpenID, o.Supplier.LoginID, fmt.Sprint(o.Supplier.Number))
		c.cell(r, "supplier_name", "supplier", o.Supplier.Name)
		c.cell(r, "province", "supplier", o.Supplier.Province)
		c.cell(r, "city", "supplier", o.Supplier.City)
		c.cell(r, "free_shipping", "shipping", fmt.Sprint(o.FreeShipping))
		c.cell(r, "verified_supplier", "verified", fmt.Sprint(o.Verified))
		c.cell(r, "weight_g", "weight", o.WeightG.String())
		c.cell(r, "image_url", "image", append(slices.Clone(o.Images), o.WhiteImage)...)
		c.cell(r, "sku_count", "skus", fmt.Sprint(len(o.Rows())))
		c.cell(r, "created_at", "created", instant(o.CreatedAt))
		c.cell(r, "updated_at", "updated", instant(o.UpdatedAt))
		c.cell(r, "detail_url", "", "https://detail.1688.com/offer/"+o.ID.String()+".html")
		c.cell(r, "status", "status", "published", "unknown")
	}
	for id, o := range byID {
		if !o.Delisted && !seen[id] && c.explained[id] == "" {
			c.fault("offer %s is neither a product nor a reject", id)
		}
	}
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// atMinOrder is the least that one piece costs when the minimum is ordered.
func atMinOrder(o sandbox.Truth) catalog.Decimal {
	price := o.Lowest
	if len(o.Tiers) > 1 {
		price = o.Tiers[0].Price
		for _, tier := range o.Tiers {
			if tier.MinQuantity <= o.MinOrder {
				price = tier.Price
			}
		}
	}
	return price
}

func (c *truth) skus(rows []map[string]string, byID map[string]sandbox.Truth) {
	type unit struct {
		offer string
		sandbox.TruthSKU
	}
	units := map[string]unit{}
	for id, o := range byID {
		for _, s := range o.Rows() {
			var attributes []catalog.Attribute
			for _, a := range s.Attributes {
				attributes = append(attributes, catalog.Attribute{Name: a.Name, Value: a.Value})
			}
			units[transform.SKUKey(o.ID, transform.AttributesText(attributes))] = unit{id, s}
		}
	}
	for _, r := range rows {
		s, ok := units[r["sku_key"]]
		if !ok || s.offer != r["offer_id"] {
			c.fault("offer %s has no SKU %s in the catalogue", r["offer_id"], r["sku_key"])
			continue
		}
		if s.ID != 0 {
			c.cell(r, "sku_id", "skus", fmt.Sprint(int64(s.ID)))
			c.cell(r, "spec_id", "skus", s.SpecID)
		}
		c.cell(r, "price", "price", s.Price.String())
		c.cell(r, "stock", "stock", fmt.Sprint(s.Stock))
		c.cell(r, "weight_g", "weight", s.WeightG.String())
		sold := []string{fmt.Sprint(s.Sold)}
		if o := byID[s.offer]; len(o.Rows()) == 1 {
			sold = append(sold, fmt.Sprint(o.Sold)) // what is sold of the offer is sold of its only SKU
		}
		c.optional(r, "sold", "sold", sold...)
		c.optional(r, "promotion_price", "price", s.Promotion.V.String())
		c.optional(r, "consign_price", "price", s.Consign.String())
		c.optional(r, "retail_price", "price", s.Retail.String())
		if s.CargoNumber != "" {
			c.cell(r, "cargo_number", "skus", s.CargoNumber)
		}
		if s.Image != "" {
			c.cell(r, "image_url", "image", s.Image)
		}
	}
}

// optional compares a value that a gateway may tell of or not.
func (c *truth) optional(r map[string]string, column, field string, want ...string) {
	c.t.Helper()
	if r[column] != "" {
		c.cell(r, column, field, want...)
	}
}

func (c *truth) lists(attributes, images []map[string]string, byID map[string]sandbox.Truth) {
	for _, r := range attributes {
		o := byID[r["offer_id"]]
		if !slices.ContainsFunc(o.Attributes, func(a sandbox.TruthAttribute) bool { return a.Name == r["name"] && a.Value == r["value"] }) {
			c.fault("offer %s has no attribute %s=%s", r["offer_id"], r["name"], r["value"])
		}
		c.values++
	}
	for _, r := range images {
		o := byID[r["offer_id"]]
		known := map[string][]string{"main": o.Images, "white": {o.WhiteImage}, "detail": o.DetailImages}[r["role"]]
		if r["role"] == "sku" {
			for _, s := range o.SKUs {
				known = append(known, s.Image)
			}
		}
		if !slices.Contains(known, r["url"]) {
			c.fault("offer %s has no %s image %s", r["offer_id"], r["role"], r["url"])
		}
		c.values++
	}
}

func (c *truth) suppliers(rows []map[string]string, byID map[string]sandbox.Truth) {
	known := map[string]sandbox.Supplier{}
	for _, o := range byID {
		s := o.Supplier
		for _, id := range []string{s.ID, s.OpenID, s.LoginID, fmt.Sprint(s.Number)} {
			known[id] = s
		}
	}
	for _, r := range rows {
		s, ok := known[r["supplier_id"]]
		if !ok {
			c.fault("there is no supplier %s", r["supplier_id"])
			continue
		}
		c.cell(r, "name", "supplier", s.Name)
		c.optional(r, "login_id", "supplier", s.LoginID)
		c.cell(r, "province", "supplier", s.Province)
		c.cell(r, "city", "supplier", s.City)
		c.optional(r, "years", "supplier", fmt.Sprint(s.Years))
	}
}
