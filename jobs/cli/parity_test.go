package cli

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// TestParity: one catalogue, read through every dialect in profile rough,
// gives the same sku_key, price, stock and tiers for every SKU, and they are
// the catalogue's own.
func TestParity(t *testing.T) {
	t.Parallel()
	const offers, seed = 500, 7
	server, err := sandbox.New(sandbox.Options{Offers: offers, Seed: seed, Profile: sandbox.Rough})
	if err != nil {
		t.Fatal(err)
	}
	want := truthOf(server.Catalog())
	var ids []string
	for i := range offers {
		ids = append(ids, server.Catalog().ID(i).String())
	}
	for _, gateway := range []struct{ name, speaks, more string }{
		{"onebound", "onebound", ""},
		{"openplatform", "openplatform", ""},
		{"productInfo", "openplatform", "\n  detail: productInfo"},
		{"bearer", "bearer", ""},
	} {
		t.Run(gateway.name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			job := writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: %s, offers: %d, profile: rough, seed: %d}%s
  limits: {per_second: 0}
sources:
  - offers: {ids: [%s]}
output:
  - {url: %s, format: csv}
`, gateway.speaks, offers, seed, gateway.more, strings.Join(ids, ", "), out))
			mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
			got := parityOf(t, out)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differs from the catalogue (-catalogue +published):\n%.4000s", diff)
			}
		})
	}
}

// parity is what must agree: a line per SKU, per tier and per delisted offer,
// sorted.
type parity struct{ SKUs, Tiers, Delisted []string }

// truthOf renders the catalogue's own values.
func truthOf(c *sandbox.Catalog) parity {
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
			p.SKUs = append(p.SKUs, fmt.Sprint(o.ID, " ", transform.SKUKey(o.ID, text), " ", text, " ", s.Price, " ", s.Stock))
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
	return p.sorted()
}

// parityOf reads the same out of published CSV files.
func parityOf(t *testing.T, dest string) parity {
	t.Helper()
	var p parity
	for _, r := range readCSV(t, dest, "skus") {
		p.SKUs = append(p.SKUs, strings.Join([]string{r["offer_id"], r["sku_key"], r["attributes_text"], r["price"], r["stock"]}, " "))
	}
	for _, r := range readCSV(t, dest, "price_tiers") {
		p.Tiers = append(p.Tiers, strings.Join([]string{r["offer_id"], r["min_quantity"], r["max_quantity"], r["price"]}, " "))
	}
	for _, r := range readCSV(t, dest, "rejects") {
		if r["path"] == "" {
			p.Delisted = append(p.Delisted, r["offer_id"]+" "+r["code"])
		}
	}
	return p.sorted()
}

func (p parity) sorted() parity {
	sort.Strings(p.SKUs)
	sort.Strings(p.Tiers)
	sort.Strings(p.Delisted)
	return p
}

// readCSV reads all rows of a table by column name.
func readCSV(t *testing.T, dest, table string) []map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dest, table, "dt=*", "*.csv"))
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
