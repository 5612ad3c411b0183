package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// world is the catalogue behind jobs of this file.
func world(t *testing.T) *sandbox.Catalog {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{Offers: 400, Seed: 7, Profile: sandbox.Rough})
	if err != nil {
		t.Fatal(err)
	}
	return server.Catalog()
}

// worldJob is a job on that catalogue with CSV below out/csv and Parquet below
// out/parquet. The lines of more stand at the top level.
func worldJob(speaks, out string, more ...string) string {
	return fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: %s, offers: 400, profile: rough, seed: 7}
  limits: {per_second: 0}
output:
  - {url: %s/csv, format: csv}
  - {url: %s/parquet, format: parquet}
%s
`, speaks, out, out, strings.Join(more, "\n"))
}

// runWorld runs a job and returns the directory of its CSV files.
func runWorld(t *testing.T, speaks string, more ...string) string {
	t.Helper()
	out := t.TempDir()
	mustRun(t, "run", writeJob(t, worldJob(speaks, out, more...)), "--date", "2026-11-22", "--progress", "none")
	return filepath.Join(out, "csv")
}

// twinned returns a listed offer that other sellers have too, with these, as
// search by picture is to list them first.
func twinned(t *testing.T, c *sandbox.Catalog) (sandbox.Truth, []string) {
	t.Helper()
	for i := range c.Len() {
		o := c.Offer(i)
		if twins := c.Twins(o.ID); len(twins) > 1 && !o.Delisted {
			want := []string{o.ID.String()}
			for _, id := range twins {
				if twin, ok := c.ByID(id); ok && !twin.Delisted {
					want = append(want, id.String())
				}
			}
			return o, want
		}
	}
	t.Fatal("no offer of the catalogue has twins")
	return sandbox.Truth{}, nil
}

// TestImageSource: the offers that look like a picture are found by its URL and
// by its contents, through every dialect that can.
func TestImageSource(t *testing.T) {
	t.Parallel()
	c := world(t)
	o, want := twinned(t, c)
	picture := filepath.Join(t.TempDir(), "cup.png")
	if err := os.WriteFile(picture, c.Picture(o.ID), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "urls: [\"" + o.Images[0] + "\"]"
	file := "files: [" + picture + "]"
	for _, tt := range []struct{ speaks, picture string }{
		{"onebound", url}, {"openplatform", url}, {"param2", url}, {"bearer", url},
		{"openplatform", file}, {"param2", file}, {"bearer", file},
	} {
		t.Run(tt.speaks+" "+tt.picture[:4], func(t *testing.T) {
			t.Parallel()
			out := runWorld(t, tt.speaks, "sources:", "  - image: {"+tt.picture+"}")
			hits := readCSV(t, out, "hits")
			var got []string
			for _, h := range hits[:min(len(hits), len(want))] {
				got = append(got, h["offer_id"])
			}
			slices.Sort(got)
			sorted := slices.Sorted(slices.Values(want))
			if diff := cmp.Diff(sorted, got); diff != "" {
				t.Errorf("first hits differ (-want +got):\n%s", diff)
			}
			if len(readCSV(t, out, "products")) < len(want) {
				t.Errorf("fewer products than twins")
			}
		})
	}
}

// TestCallSource: the orders and the logistics of the account become tables
// with the types that their values tell or the job declares.
func TestCallSource(t *testing.T) {
	t.Parallel()
	c := world(t)
	var sent []string
	for i := range c.Orders() {
		if o := c.Order(i); o.Logistics != nil && len(sent) < 2 {
			sent = append(sent, strconv.FormatInt(o.ID, 10))
		}
	}
	out := runWorld(t, "openplatform", "sources:",
		"  - call:",
		"      api: com.alibaba.trade:alibaba.trade.getBuyerOrderList:1",
		"      params: {pageSize: 20}",
		"      page_param: page",
		"      table: orders",
		"      columns: {base_info_id: int, base_info_total_amount: decimal, base_info_create_time: timestamp, note: text}",
		"  - call: {api: \"com.alibaba.logistics:alibaba.trade.getLogisticsInfos.buyerView:1\", params: {orderId: "+sent[0]+"}, table: logistics}",
		"  - call: {api: \"com.alibaba.logistics:alibaba.trade.getLogisticsInfos.buyerView:1\", params: {orderId: "+sent[1]+"}, table: logistics}")
	orders := readCSV(t, out, "orders")
	if len(orders) != c.Orders() {
		t.Fatalf("%d orders, the account has %d", len(orders), c.Orders())
	}
	for n, row := range orders {
		o := c.Order(c.Orders() - 1 - n) // the newest comes first
		got := []string{row["base_info_id"], row["base_info_total_amount"], row["base_info_create_time"], row["base_info_status"], row["note"], row["position"]}
		want := []string{strconv.FormatInt(o.ID, 10), o.Total.String(), o.CreatedAt.UTC().Format(time.RFC3339), o.Status, "", strconv.Itoa(n)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("order %d differs (-want +got):\n%s", o.ID, diff)
		}
	}
	logistics := readCSV(t, out, "logistics")
	if len(logistics) != 2 || logistics[0]["order_entry_ids"] != sent[0] || logistics[1]["order_entry_ids"] != sent[1] {
		t.Errorf("logistics = %v, want those of %v", logistics, sent)
	}
	types := parquetTypes(t, filepath.Join(filepath.Dir(out), "parquet"), "orders")
	for column, want := range map[string]string{
		"base_info_total_amount": "Decimal", "base_info_create_time": "Timestamp", "note": "String",
		"base_info_id": "Int(bitWidth=64", "base_info_status": "String", "product_items": "String", "position": "Int(bitWidth=64",
	} {
		if !strings.HasPrefix(types[column], want) {
			t.Errorf("%s is of type %q, want %s", column, types[column], want)
		}
	}
}

// parquetTypes returns the types of a published table's columns.
func parquetTypes(t *testing.T, dest, table string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dest, table, "dt=*", "*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files of %s: %v, %v", table, files, err)
	}
	r, err := file.OpenParquetFile(files[0], false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	types := map[string]string{}
	columns := r.MetaData().Schema
	for i := range columns.NumColumns() {
		col := columns.Column(i)
		if types[col.Name()] = col.LogicalType().String(); col.LogicalType().IsNone() {
			types[col.Name()] = col.PhysicalType().String()
		}
	}
	return types
}

// TestEnrich: what is asked for beyond details is the catalogue's own.
func TestEnrich(t *testing.T) {
	t.Parallel()
	c := world(t)
	var ids []string
	for i := range 30 {
		ids = append(ids, c.ID(i).String())
	}
	sources := "sources: [{offers: {ids: [" + strings.Join(ids, ", ") + "]}}]"
	for _, tt := range []struct {
		speaks, enrich string
		province       string // that freight is estimated to
	}{
		{"onebound", "supplier, sales, reviews, shipping", "浙江"},
		{"openplatform", "supplier, sales, shipping, categories", "浙江"},
	} {
		t.Run(tt.speaks, func(t *testing.T) {
			t.Parallel()
			out := runWorld(t, tt.speaks, sources, "enrich: ["+tt.enrich+"]")
			checkSales(t, c, out)
			shipping := readCSV(t, out, "shipping")
			if len(shipping) == 0 {
				t.Error("no shipping")
			}
			for _, r := range shipping {
				quantity, _ := strconv.ParseInt(r["quantity"], 10, 64)
				if want := c.Freight(offerID(t, r), tt.province, quantity).String(); r["fee"] != want {
					t.Errorf("freight of %s = %s, want %s", r["offer_id"], r["fee"], want)
				}
			}
			if strings.Contains(tt.enrich, "reviews") {
				checkReviews(t, c, out, len(ids))
			}
			if strings.Contains(tt.enrich, "categories") {
				checkCategories(t, out)
			}
			if len(readCSV(t, out, "suppliers")) == 0 {
				t.Error("no suppliers")
			}
		})
	}
}

func offerID(t *testing.T, row map[string]string) catalog.OfferID {
	t.Helper()
	id, err := strconv.ParseInt(row["offer_id"], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return catalog.OfferID(id)
}

func checkSales(t *testing.T, c *sandbox.Catalog, out string) {
	t.Helper()
	until := time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60))
	rows := readCSV(t, out, "sales")
	if len(rows) == 0 {
		t.Error("no sales")
	}
	for _, r := range rows {
		want := int64(0)
		if r["day"] != "" {
			day, err := time.ParseInLocation(time.DateOnly, r["day"], until.Location())
			if err != nil {
				t.Fatal(err)
			}
			want = c.SoldOn(offerID(t, r), day)
		} else {
			days, _ := strconv.Atoi(r["window_days"])
			want = c.SoldWithin(offerID(t, r), days, until)
		}
		if r["sold"] != "" && r["sold"] != strconv.FormatInt(want, 10) {
			t.Errorf("%s sold %s on %s%s, want %d", r["offer_id"], r["sold"], r["day"], r["window_days"], want)
		}
	}
}

// checkReviews compares what always has a value; an id may be missing, and is
// then made up.
func checkReviews(t *testing.T, c *sandbox.Catalog, out string, offers int) {
	t.Helper()
	var got, want []string
	for _, r := range readCSV(t, out, "reviews") {
		got = append(got, r["offer_id"]+" "+r["rating"]+" "+r["reviewed_at"])
	}
	for i := range offers {
		for _, r := range c.Reviews(c.ID(i)) {
			want = append(want, fmt.Sprint(c.ID(i), " ", r.Rating, " ", r.At.UTC().Format(time.RFC3339)))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("reviews differ (-catalogue +published):\n%.2000s", diff)
	}
}

// checkCategories: the tree holds the categories of the products, each below
// its parent.
func checkCategories(t *testing.T, out string) {
	t.Helper()
	byID := map[string]map[string]string{}
	for _, r := range readCSV(t, out, "categories") {
		if parent := r["parent_id"]; parent != "" && !strings.HasPrefix(r["path"], byID[parent]["path"]+" > ") {
			t.Errorf("category %s: path %q does not begin with that of %s", r["category_id"], r["path"], parent)
		}
		byID[r["category_id"]] = r
	}
	for _, p := range readCSV(t, out, "products") {
		if r := byID[p["category_id"]]; p["category_id"] != "" && (r == nil || r["leaf"] != "true") {
			t.Errorf("category %s of %s is %v, want a leaf of the tree", p["category_id"], p["offer_id"], r)
		}
	}
}

// TestFilters: what a gateway cannot filter by, the run does, and says so;
// offers that it leaves out are no fault of the run.
func TestFilters(t *testing.T) {
	t.Parallel()
	c := world(t)
	out := t.TempDir()
	job := writeJob(t, worldJob("portals", out,
		"sources: [{search: {keywords: [保温杯], price: {from: 5, to: 40}}}]", "quality: {max_rejects: 0%}"))
	note := "offerlake applies price before it pays for details"
	if r := mustRun(t, "validate", job); !strings.Contains(r.stdout, note) {
		t.Errorf("validate prints %q, want the note %q", r.stdout, note)
	}
	if r := mustRun(t, "plan", job); !strings.Contains(r.stdout, note) {
		t.Errorf("plan prints %q, want the note %q", r.stdout, note)
	}
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	products := map[string]bool{}
	for _, r := range readCSV(t, filepath.Join(out, "csv"), "products") {
		products[r["offer_id"]] = true
	}
	filtered := map[string]bool{}
	for _, r := range readCSV(t, filepath.Join(out, "csv"), "rejects") {
		if r["code"] == "filtered" {
			filtered[r["offer_id"]] = true
		}
	}
	if len(products) == 0 || len(filtered) == 0 {
		t.Fatalf("%d products, %d filtered, want some of both", len(products), len(filtered))
	}
	for _, h := range readCSV(t, filepath.Join(out, "csv"), "hits") {
		price, err := catalog.ParseDecimal(h["price"])
		if err != nil {
			continue // an offer without a price stays in
		}
		within := price >= 50_000 && price <= 400_000
		if id := h["offer_id"]; within == filtered[id] || !within && products[id] {
			t.Errorf("offer %s at %s: filtered %t, published %t", id, price, filtered[id], products[id])
		}
	}
	if len(c.Keyword("保温杯")) < len(products) {
		t.Errorf("more products than the keyword finds")
	}
}

// TestUnsupported: what a gateway cannot do is refused before a run, and the
// message names those that can, or what to do instead.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	search := "sources: [{search: {keywords: [杯]}}]"
	for _, tt := range []struct {
		speaks string
		more   []string
		set    string
		want   []string
	}{
		{"bearer", []string{search, "enrich: [reviews]"}, "", []string{"cannot tell reviews", "Kinds that can: onebound."}},
		{"router", []string{search, "enrich: [sales]"}, "", []string{"cannot tell sales", "Kinds that can: onebound, openplatform."}},
		{"portals", []string{search, "enrich: [categories]"}, "", []string{"cannot tell categories", "Kinds that can:", "openplatform"}},
		{"onebound", []string{search, "enrich: [sales, sales]"}, "", []string{"sales is there twice"}},
		{"onebound", []string{search, "enrich: [reviewz]"}, "", []string{`Did you mean "reviews"?`}},
		{"portals", []string{"sources: [{search: {keywords: [杯], sort: price_asc, category: 7}}]"}, "", []string{"cannot filter by category, sort", "products by category_id", "Leave sort out"}},
		{"openplatform", []string{"sources: [{search: {keywords: [杯], min_order: 2}}, {search: {keywords: [碗]}}]"}, "", []string{"sources[1]", "make a job of its own"}},
		{"portals", []string{"sources: [{search: {keywords: [杯], free_shipping: true, min_order: 2}}]"}, "", []string{"cannot filter by min_order, free_shipping, and its data does not tell", "Leave it out"}},
		{"portals", []string{"sources: [{category: {ids: [7]}}]"}, "", []string{"there is no API", "Kinds that can: bearer, onebound, openplatform, param2"}},
		{"router", []string{"sources: [{image: {urls: [\"https://x.example/a.jpg\"]}}]"}, "", []string{"no search by picture", "Kinds that can: bearer, onebound, param2."}},
		{"onebound", []string{"sources: [{image: {files: [a.png]}}]"}, "", []string{"takes no picture files", "Kinds that can: bearer, openplatform, param2."}},
		{"openplatform", []string{"sources: [{pool: {ids: [zzz]}}]"}, "", []string{`gateway kind openplatform: pool "zzz" is no pool id`, "  See docs/gateways.md"}},
		{"bearer", []string{"sources: [{top: {categories: [7]}}]"}, "", []string{"there is no API", "Kinds that can: openplatform."}},
		{"bearer", []string{"sources: [{category: {ids: [7], subtree: true}}]"}, "", []string{"cannot list sub-categories", "openplatform"}},
		{"onebound", []string{search}, "gateway.format=serialize", []string{"PHP's own notation", "Use json"}},
		{"onebound", []string{search}, "gateway.format=var_export", []string{"PHP's own notation", "Use json"}},
		{"router", []string{search}, "gateway.format=xml", []string{`"xml" is not a format of kind router`, "Valid: json."}},
		{"openplatform", []string{search}, "gateway.format=jsonu", []string{"Valid: json, xml."}},
		{"bearer", []string{search}, "gateway.cache=false", []string{"kind bearer has no such setting", "onebound"}},
		{"portals", []string{search}, "gateway.sign=true", []string{"has no such setting"}},
		{"param2", []string{search}, "gateway.version=2", []string{"has no such setting"}},
		{"openplatform", []string{search}, "gateway.agent=true", []string{"has no such setting"}},
		{"router", []string{search}, "gateway.language=en", []string{"has no such setting", "onebound, openplatform"}},
		{"onebound", []string{"sources: [{call: {api: item_review, table: reviews}}]"}, "", []string{"reviews is a table of offerlake's own", "reviews_raw"}},
		{"onebound", []string{"sources: [{call: {api: item_review, table: r, columns: {rating: number}}}]"}, "", []string{`"number" is not a type`, "decimal"}},
		{"onebound", []string{"sources: [{call: {api: item_review, table: r, params: {page: 1}, page_param: page}}]"}, "", []string{"page is the page_param"}},
		{"onebound", []string{"sources: [{offers: {ids_from: \"-\"}}, {offers: {ids_from: \"-\"}}]"}, "", []string{"sources[1].offers.ids_from", "standard input is read by a source before this one"}},
	} {
		args := []string{"validate", writeJob(t, worldJob(tt.speaks, t.TempDir(), tt.more...))}
		if tt.set != "" {
			args = append(args, "--set", tt.set)
		}
		r := runCLI(t, args...)
		if r.code != 2 {
			t.Errorf("%s %v %s: exit code %d, want 2", tt.speaks, tt.more, tt.set, r.code)
		}
		for _, w := range tt.want {
			if !strings.Contains(r.stderr, w) {
				t.Errorf("%s %v %s: the message lacks %q:\n%s", tt.speaks, tt.more, tt.set, w, r.stderr)
			}
		}
	}
}

// TestFilterNotes: validate says of a filter that the gateway lacks whether
// offerlake can apply it, which is when the kind carries what it is about, by
// the measured table of docs/gateways.md.
func TestFilterNotes(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/gateways.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "<!-- begin carried -->")
	_, table, _ = strings.Cut(table, "| **products** |")
	kinds := []string{"onebound", "openplatform", "", "param2", "bearer", "router", "portals"}
	for filter, column := range map[string]string{"min_order: 2": "min_order_quantity", "free_shipping: true": "free_shipping", "verified_supplier: true": "verified_supplier"} {
		name, _, _ := strings.Cut(filter, ":")
		_, row, ok := strings.Cut(table, "\n| "+column+" | ")
		if !ok {
			t.Fatalf("docs/gateways.md does not say who carries %s", column)
		}
		row, _, _ = strings.Cut(row, "\n")
		for i, cell := range strings.Split(strings.TrimSuffix(row, " |"), " | ") {
			if kinds[i] == "" {
				continue
			}
			r := runCLI(t, "validate", writeJob(t, worldJob(kinds[i], t.TempDir(), "sources: [{search: {keywords: [杯], "+filter+"}}]")))
			applies, refused := strings.Contains(r.stdout, "offerlake applies "+name), strings.Contains(r.stderr, "cannot filter by "+name)
			if refused != (r.code == 2) || (applies || refused) && refused != (cell == "–") {
				t.Errorf("%s of %s, which is carried %s: validate says %q", name, kinds[i], cell, r.stdout+r.stderr)
			}
		}
	}
	r := mustRun(t, "validate", writeJob(t, worldJob("router", t.TempDir(), "sources: [{search: {keywords: [杯], price: {to: 9}}}]")))
	if want := "offerlake applies price before"; !strings.Contains(r.stdout, want) {
		t.Errorf("validate says %q, want %q", r.stdout, want)
	}
}

// TestIDsFromStdin: ids of standard input are read once; whoever resumes or
// replays the run has them from the run.
func TestIDsFromStdin(t *testing.T) {
	t.Parallel()
	c := world(t)
	var ids strings.Builder
	for i := range 40 {
		fmt.Fprintln(&ids, c.ID(i))
	}
	out := t.TempDir()
	job := writeJob(t, worldJob("onebound", out, "sources: [{offers: {ids_from: \"-\"}}]"))
	with := func(stdin string, args ...string) result {
		var stdout, stderr bytes.Buffer
		code := Main(t.Context(), Env{
			Args: append(args, "--date", "2026-11-22"), Drain: make(chan struct{}),
			Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &locked{w: &stderr},
		})
		return result{code, stdout.String(), stderr.String()}
	}
	if r := with("", "run", job); r.code != 2 || !strings.Contains(r.stderr, "standard input holds no offer id") {
		t.Fatalf("without ids: exit code %d, %s", r.code, r.stderr)
	}
	if r := with(ids.String(), "plan", job); r.code != 0 || !strings.Contains(r.stdout, "details of 40 offers") {
		t.Fatalf("plan: exit code %d, %s%s", r.code, r.stdout, r.stderr)
	}
	if r := with(ids.String(), "run", job, "--max-calls", "10"); r.code != 4 {
		t.Fatalf("with a budget: exit code %d, %s", r.code, r.stderr)
	}
	if r := with("", "run", job); r.code != 0 {
		t.Fatalf("resumed: exit code %d, %s", r.code, r.stderr)
	}
	if got := len(readCSV(t, filepath.Join(out, "csv"), "products")); got < 30 {
		t.Errorf("%d products of 40 ids", got)
	}
	want := dataFiles(t, out)
	if r := with("", "replay", job); r.code != 0 {
		t.Fatalf("replay: exit code %d, %s", r.code, r.stderr)
	}
	if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
		t.Errorf("the replay's files differ (-run +replay):\n%s", diff)
	}
}

// TestLists: the lists of the official platform give the offers that the
// catalogue says.
func TestLists(t *testing.T) {
	t.Parallel()
	c := world(t)
	pool := sandbox.Pools()[1]
	out := runWorld(t, "openplatform", "sources:",
		fmt.Sprintf("  - pool: {ids: [%d]}", pool),
		"  - selected: {pages: 1}",
		"  - top: {categories: [1048182], rank: hot}")
	bySource := map[string][]string{}
	for _, h := range readCSV(t, out, "hits") {
		bySource[h["source"]] = append(bySource[h["source"]], h["offer_id"])
	}
	var want []string
	for _, id := range c.Pool(pool) {
		want = append(want, id.String())
	}
	if diff := cmp.Diff(want, bySource[fmt.Sprintf("pool[0]:%d", pool)]); diff != "" || len(want) == 0 {
		t.Errorf("the pool's offers differ (-catalogue +published):\n%s", diff)
	}
	if n := len(bySource["selected[1]:all"]); n == 0 || n > 50 {
		t.Errorf("%d offers of one page of the selected-supply list, want 1 to 50", n)
	}
	top := bySource["top[2]:1048182"]
	if len(top) == 0 || len(top) > 20 {
		t.Errorf("%d offers of the ranking list, want 1 to 20", len(top))
	}
	listed := c.InCategory(1048182)
	for _, id := range top {
		n, _ := strconv.ParseInt(id, 10, 64)
		if !slices.Contains(listed, catalog.OfferID(n)) {
			t.Errorf("offer %s of the ranking list is not of the category", id)
		}
	}
}
