package cli

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// spoken is a way to read the emulated catalogue.
type spoken struct {
	name, speaks string
	more         string   // further settings of gateway
	lacks        []string // what the dialect does not carry of a parity: stock, tiers, delisted
}

// dialects are all the ways; those without a format of their own stand in the
// documentation.
func dialects() []spoken {
	return []spoken{
		{name: "onebound", speaks: "onebound"},
		{name: "openplatform", speaks: "openplatform"},
		{name: "productInfo", speaks: "openplatform", more: "detail: productInfo"},
		{name: "param2", speaks: "param2"},
		{name: "bearer", speaks: "bearer"},
		{name: "router", speaks: "router", lacks: []string{"tiers"}},
		{name: "portals", speaks: "portals", lacks: []string{"tiers", "stock"}},
	}
}

// inFormats are the dialects that can be asked for other formats of answers.
func inFormats() []spoken {
	return []spoken{
		{name: "onebound jsonu", speaks: "onebound", more: "format: jsonu"},
		{name: "onebound xml", speaks: "onebound", more: "format: xml"},
		{name: "openplatform xml", speaks: "openplatform", more: "format: xml"},
		{name: "productInfo xml", speaks: "openplatform", more: "detail: productInfo\n  format: xml"},
	}
}

// parityWorld is the catalogue that all dialects read.
const parityOffers, paritySeed = 500, 7

// readThrough runs one job over the whole catalogue, of which only the dialect
// differs, and returns its output.
func readThrough(t *testing.T, c *sandbox.Catalog, s spoken) string {
	t.Helper()
	var ids []string
	for i := range c.Len() {
		ids = append(ids, c.ID(i).String())
	}
	out := t.TempDir()
	job := writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: %s, offers: %d, profile: rough, seed: %d}
  limits: {per_second: 0}
  %s
sources:
  - offers: {ids: [%s]}
output:
  - {url: %s, format: csv}
`, s.speaks, parityOffers, paritySeed, s.more, strings.Join(ids, ", "), out))
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	return out
}

// TestParity: one catalogue, read through every dialect in profile rough and
// every format of its answers, gives the same sku_key, price, stock and tiers
// for every SKU, as far as the dialect carries them, and they are the
// catalogue's own. What each dialect carries is in docs/gateways.md.
func TestParity(t *testing.T) {
	t.Parallel()
	server, err := sandbox.New(sandbox.Options{Offers: parityOffers, Seed: paritySeed, Profile: sandbox.Rough})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	carried := map[string]fill{}
	t.Run("dialects", func(t *testing.T) {
		for _, s := range slices.Concat(dialects(), inFormats()) {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				out := readThrough(t, server.Catalog(), s)
				want, got := truthOf(server.Catalog(), s.lacks), parityOf(t, out, s.lacks)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("differs from the catalogue (-catalogue +published):\n%.4000s", diff)
				}
				f := fillOf(t, out)
				mu.Lock()
				defer mu.Unlock()
				carried[s.name] = f
			})
		}
	})
	if t.Failed() {
		return
	}
	for _, s := range inFormats() {
		plain, _, _ := strings.Cut(s.name, " ")
		if diff := cmp.Diff(carried[plain], carried[s.name]); diff != "" {
			t.Errorf("%s carries other columns than %s:\n%s", s.name, plain, diff)
		}
	}
	checkSources(t, carried)
	checkGatewaysDoc(t, carried)
}

// parity is what must agree: a line per SKU, per tier and per delisted offer,
// sorted.
type parity struct{ SKUs, Tiers, Delisted []string }

// truthOf renders the catalogue's own values, without what a dialect lacks.
func truthOf(c *sandbox.Catalog, lacks []string) parity {
	var p parity
	for i := range c.Len() {
		o := c.Offer(i)
		if o.Delisted {
			p.Delisted = append(p.Delisted, o.ID.String()+" delisted")
			continue
		}
		for _, s := range o.Rows() {
			var attributes []catalog.Attribute
			for _, a := range s.Attributes {
				attributes = append(attributes, catalog.Attribute{Name: a.Name, Value: a.Value})
			}
			text := transform.AttributesText(attributes)
			p.SKUs = append(p.SKUs, skuLine(lacks, o.ID.String(), transform.SKUKey(o.ID, text), text, s.Price.String(), fmt.Sprint(s.Stock)))
		}
		if len(o.Tiers) < 2 {
			continue // the price does not depend on quantity
		}
		for k, tier := range o.Tiers {
			last := ""
			if k+1 < len(o.Tiers) {
				last = fmt.Sprint(o.Tiers[k+1].MinQuantity - 1)
			}
			p.Tiers = append(p.Tiers, fmt.Sprint(o.ID, " ", tier.MinQuantity, " ", last, " ", tier.Price))
		}
	}
	return p.without(lacks)
}

// skuLine is a SKU as it must agree, without what a dialect lacks.
func skuLine(lacks []string, id, key, text, price, stock string) string {
	if slices.Contains(lacks, "stock") {
		stock = "-"
	}
	return strings.Join([]string{id, key, text, price, stock}, " ")
}

// parityOf reads the same out of published CSV files.
func parityOf(t *testing.T, dest string, lacks []string) parity {
	t.Helper()
	var p parity
	for _, r := range readCSV(t, dest, "skus") {
		p.SKUs = append(p.SKUs, skuLine(lacks, r["offer_id"], r["sku_key"], r["attributes_text"], r["price"], r["stock"]))
	}
	for _, r := range readCSV(t, dest, "price_tiers") {
		p.Tiers = append(p.Tiers, strings.Join([]string{r["offer_id"], r["min_quantity"], r["max_quantity"], r["price"]}, " "))
	}
	for _, r := range readCSV(t, dest, "rejects") {
		if r["path"] == "" {
			p.Delisted = append(p.Delisted, r["offer_id"]+" "+r["code"])
		}
	}
	return p.without(lacks)
}

// without sorts p and takes out what a dialect lacks.
func (p parity) without(lacks []string) parity {
	if slices.Contains(lacks, "tiers") {
		p.Tiers = nil
	}
	sort.Strings(p.SKUs)
	sort.Strings(p.Tiers)
	sort.Strings(p.Delisted)
	return p
}

// readCSV reads all rows of a table by column name.
func readCSV(t *testing.T, dest, table string) []map[string]string {
	t.Helper()
	return readNight(t, dest, table, "*")
}

// readNight is readCSV for one date.
func readNight(t *testing.T, dest, table, date string) []map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dest, table, "dt="+date, "*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files in %s (%v)", table, dest, err)
	}
	var rows []map[string]string
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, line := range lines[1:] {
			row := map[string]string{}
			for i, cell := range line {
				row[lines[0][i]] = cell
			}
			rows = append(rows, row)
		}
	}
	return rows
}
