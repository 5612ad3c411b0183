package jobs

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

const goodJob = `name: test
gateway:
  kind: onebound
  credentials: {key: "${KEY}", secret: "${SECRET:-s3}"}
  limits: {per_second: "${RATE}", in_flight: 4}
  cost: {per_call: 0.01}
sources:
  - search: {keywords: [保温杯, 玻璃杯], price: {from: 1.00, to: "50.5"}, sort: sales_desc}
  - offers: {ids: [610947572360]}
details: {reuse_within: 2d}
output:
  - {url: out/parquet, format: parquet}
  - {url: out/csv, format: csv, compression: gzip, bom: true}
quality: {max_rejects: 1%, min_coverage: 0.99}
`

func env(pairs ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

func TestParse(t *testing.T) {
	t.Parallel()
	job, err := Parse("dir/test.yaml", []byte(goodJob), LoadOptions{Getenv: env("KEY", "k1", "RATE", "2.5")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Credentials{{Key: "k1", Secret: "s3"}}, job.Gateway.Credentials); diff != "" {
		t.Errorf("credentials differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Limits{PerSecond: 2.5, Burst: 1, InFlight: 4, OnBudget: "stop"}, job.Gateway.Limits); diff != "" {
		t.Errorf("limits differ (-want +got):\n%s", diff)
	}
	if got := job.Gateway.Cost.PerCall.Decimal; got != 100 {
		t.Errorf("per_call = %v, want 0.01", got)
	}
	if got, want := job.Details.Batch, 20; got != want {
		t.Errorf("details.batch = %v, want %v", got, want)
	}
	if got := *job.Quality.MaxRejects; got != 0.01 {
		t.Errorf("max_rejects = %v, want 0.01", got)
	}
	leaves, err := job.Leaves()
	if err != nil {
		t.Fatal(err)
	}
	want := []catalog.Leaf{
		{Source: "search[0]:保温杯", Query: catalog.Query{Kind: "search", Keyword: "保温杯", Sort: "sales_desc", PriceFrom: catalog.Some[catalog.Decimal](10000), PriceTo: catalog.Some[catalog.Decimal](505000)}},
		{Source: "search[0]:玻璃杯", Query: catalog.Query{Kind: "search", Keyword: "玻璃杯", Sort: "sales_desc", PriceFrom: catalog.Some[catalog.Decimal](10000), PriceTo: catalog.Some[catalog.Decimal](505000)}},
		{Source: "offers[1]:inline", Query: catalog.Query{Kind: "offers", IDs: []catalog.OfferID{610947572360}}},
	}
	if diff := cmp.Diff(want, leaves); diff != "" {
		t.Errorf("leaves differ (-want +got):\n%s", diff)
	}
}

// TestExplicitZero: an explicit zero is a zero, not a default.
func TestExplicitZero(t *testing.T) {
	t.Parallel()
	src := strings.Replace(goodJob, "${RATE}", "0", 1)
	job, err := Parse("test.yaml", []byte(src), LoadOptions{Getenv: env("KEY", "k")})
	if err != nil {
		t.Fatal(err)
	}
	if job.Gateway.Limits.PerSecond != 0 {
		t.Errorf("per_second = %v, want 0", job.Gateway.Limits.PerSecond)
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	job, err := Parse("test.yaml", []byte(goodJob), LoadOptions{
		Getenv: env("KEY", "k", "RATE", "1"),
		Set:    []string{"gateway.limits.per_second=7", "output[0].url=elsewhere", "gateway.timeout=5s", "details.batch=3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if job.Gateway.Limits.PerSecond != 7 || job.Output[0].URL != "elsewhere" || job.Details.Batch != 3 || job.Gateway.Timeout.String() != "5s" {
		t.Errorf("overrides not applied: %+v", job)
	}
	_, err = Parse("test.yaml", []byte(goodJob), LoadOptions{Getenv: env("KEY", "k", "RATE", "1"), Set: []string{"gateway.limts.per_second=7"}})
	if err == nil || !strings.Contains(err.Error(), `"limits"`) {
		t.Errorf("a mistyped --set gives %v, want the nearest key", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, to string // replacement in goodJob
		line, column   int
		want           []string
	}{
		{"unknown key", "in_flight: 4", "in_fligth: 4", 5, 35, []string{`unknown key "in_fligth" in gateway.limits`, `Did you mean "in_flight"?`}},
		{"unknown top key", "quality:", "qualty:", 14, 1, []string{`unknown key "qualty"`, `"quality"`}},
		{"enum", "kind: onebound", "kind: oneboud", 3, 9, []string{`"oneboud" is not a value`, `"onebound"`}},
		{"wrong type", "keywords: [保温杯, 玻璃杯]", "keywords: 5", 8, 0, []string{"keywords: 5"}},
		{"unset variable", "${KEY}", "${NOPE}", 4, 22, []string{"NOPE is not set"}},
		{"one format per url", "out/csv", "out/parquet", 13, 11, []string{"One URL holds one format"}},
		{"syntax", "sources:", "sources: [", 0, 0, nil},
		{"alias", "out/csv", "*x", 13, 0, []string{"aliases"}},
		{"missing", "name: test", "journal: {}", 0, 0, []string{"name: is required"}},
		{"price range", "from: 1.00", "from: 99", 8, 0, []string{"from 99 is above to 50.5"}},
		{"two sources in one", "offers: {ids: [610947572360]}", "{offers: {ids: [1]}, shop: {sellers: [a]}}", 9, 0, []string{"names 2 kinds of source"}},
		{"nothing to expand", "details:", "expand: {}\ndetails:", 10, 1, []string{"expand: is a mapping from names to values"}},
		{"plain http", "kind: onebound", "kind: onebound\n  endpoints: [http://example.com]", 4, 15, []string{"unencrypted"}},
		{"filter that nobody can apply", "sort: sales_desc", "free_shipping: true", 8, 11, []string{"cannot filter by free_shipping", "Leave it out"}},
		{"csv option on parquet", "format: parquet", "format: parquet, bom: true", 12, 0, []string{"bom"}},
		{"duration", "2d", "soon", 10, 0, []string{`"soon" is not a duration`}},
		{"percent", "1%", "120%", 14, 0, []string{`"120%" is not a share`}},
		{"duplicate key", "details: {reuse_within: 2d}", "name: again", 10, 0, []string{"already defined"}},
		{"no output", "output:\n  - {url: out/parquet, format: parquet}\n  - {url: out/csv, format: csv, compression: gzip, bom: true}", "output: []", 11, 9, []string{"output: is required"}},
		{"no sources", "sources:\n  - search: {keywords: [保温杯, 玻璃杯], price: {from: 1.00, to: \"50.5\"}, sort: sales_desc}\n  - offers: {ids: [610947572360]}", "sources: []", 7, 10, []string{"sources: is required"}},
		{"no keywords", "[保温杯, 玻璃杯]", "[]", 8, 24, []string{"keywords: is required"}},
		{"no categories", "offers: {ids: [610947572360]}", "category: {ids: []}", 9, 21, []string{"sources[1].category.ids: is required"}},
		{"no sellers", "offers: {ids: [610947572360]}", "shop: {sellers: []}", 9, 21, []string{"sources[1].shop.sellers: is required"}},
		{"no offers", "offers: {ids: [610947572360]}", "offers: {ids: []}", 9, 0, []string{"needs either ids or ids_from"}},
		{"fraction in a list of ids", "[610947572360]", "[7, 1.5]", 9, 23, []string{"sources[1].offers.ids[1]: 1.5 is not a whole number"}},
		{"fraction of a page", "sort: sales_desc", "pages: 1.5", 8, 0, []string{"sources[0].search.pages: 1.5 is not a whole number"}},
		{"fraction of a call", "in_flight: 4", "per_run: 5.5", 5, 44, []string{"gateway.limits.per_run: 5.5 is not a whole number"}},
		{"fraction from the environment", "in_flight: 4", "in_flight: \"${FRACTION}\"", 5, 46, []string{"gateway.limits.in_flight: 2.5 is not a whole number"}},
		{"infinite pages", "sort: sales_desc", "pages: .inf", 8, 0, []string{".inf is not a whole number"}},
		{"nan batch", "{reuse_within: 2d}", "{batch: .nan}", 10, 18, []string{"details.batch: .nan is not a whole number"}},
		{"id beyond 64 bits", "[610947572360]", "[9999999999999999999]", 9, 20, []string{"9999999999999999999"}},
		{"nan rate", "\"${RATE}\"", ".nan", 5, 24, []string{"must be 0 (no limit) or between 0.01 and 10000"}},
		{"nan rate in words", "\"${RATE}\"", "nan", 5, 24, []string{"must be 0 (no limit) or between 0.01 and 10000"}},
		{"infinite rate", "\"${RATE}\"", ".inf", 5, 24, []string{"must be 0 (no limit) or between 0.01 and 10000"}},
		{"tiny rate", "\"${RATE}\"", "0.001", 5, 24, []string{"must be 0 (no limit) or between 0.01 and 10000"}},
		{"negative rate", "\"${RATE}\"", "-1", 5, 24, []string{"must be 0 (no limit) or between 0.01 and 10000"}},
		{"burst", "in_flight: 4", "burst: 10001", 5, 42, []string{"gateway.limits.burst: must be between 1 and 10000"}},
		{"negative per_run", "in_flight: 4", "per_run: -1", 5, 44, []string{"gateway.limits.per_run: must not be negative"}},
		{"negative cost", "per_call: 0.01", "per_call: -1", 6, 20, []string{"per_call: must not be negative"}},
		{"category id", "offers: {ids: [610947572360]}", "category: {ids: [7, 0]}", 9, 25, []string{"0 is not an id"}},
		{"offer id", "[610947572360]", "[-7]", 9, 20, []string{"-7 is not an id"}},
		{"pages of a category", "offers: {ids: [610947572360]}", "category: {ids: [7], pages: -1}", 9, 33, []string{"category.pages: is -1"}},
		{"pages of a shop", "offers: {ids: [610947572360]}", "shop: {sellers: [a], pages: -1}", 9, 33, []string{"shop.pages: is -1"}},
		{"pages of a search", "sort: sales_desc", "pages: -1", 8, 0, []string{"search.pages: is -1"}},
		{"min_order", "sort: sales_desc", "min_order: -1", 8, 0, []string{"search.min_order: is -1"}},
		{"category of a search", "sort: sales_desc", "category: -1", 8, 0, []string{"search.category: is -1"}},
		{"blank seller", "offers: {ids: [610947572360]}", "shop: {sellers: [a, \"  \"]}", 9, 25, []string{"shop.sellers[1]: is empty"}},
		{"negative price", "from: 1.00", "from: -1", 8, 0, []string{"price.from: must not be negative"}},
		{"sandbox rate", "kind: onebound", "kind: sandbox\n  sandbox: {per_second: -1}", 4, 25, []string{"sandbox.per_second: must be a number"}},
		{"infinite sandbox rate", "kind: onebound", "kind: sandbox\n  sandbox: {per_second: .inf}", 4, 25, []string{"sandbox.per_second: must be a number"}},
		{"sandbox quota", "kind: onebound", "kind: sandbox\n  sandbox: {per_day: -1}", 4, 22, []string{"sandbox.per_day: must not be negative"}},
		{"digits grouped in a price", "from: 1.00", "from: 1_000", 8, 0, []string{"\"1_000\""}},
		{"anchor", "name: test", "name: &a test", 1, 7, []string{"anchors"}},
		{"tag", "name: test", "name: !!str test", 1, 7, []string{"tags are not allowed"}},
		{"one directory in two spellings", "out/csv", "./out//x/../parquet/", 13, 11, []string{"One URL holds one format"}},
		{"output within an output", "out/csv", "out/parquet/csv", 13, 11, []string{"out/parquet/csv lies within the output out/parquet"}},
		{"output around an output", "out/csv", "./out", 13, 11, []string{"the output out/parquet lies within ./out"}},
		{"partition by a key", "format: parquet", "format: parquet, partition_by: [dt, offer_id]", 12, 55, []string{"rows are known by"}},
		{"partitions without dt", "format: parquet", "format: parquet, partition_by: [province]", 12, 55, []string{"the first partition key is dt"}},
		{"sort column", "format: parquet", "format: parquet, sort_by: [offer_no]", 12, 0, []string{`no table has a column "offer_no"`}},
		{"bloom of prices", "format: parquet", "format: parquet, bloom: [price]", 12, 0, []string{"Bloom filters are for int64 and text"}},
		{"size", "format: parquet", "format: parquet, file_size: 5 apples", 12, 0, []string{"is not a size"}},
		{"quoting of parquet", "format: parquet", "format: parquet, quoting: all", 12, 0, []string{"are for format csv"}},
		{"unknown key in a list", "sort: sales_desc", "sorted: sales_desc", 8, 0, []string{"unknown key \"sorted\" in sources[0].search"}},
		{"wrong cover", "sort: sales_desc", "cover: splitt", 8, 0, []string{"splitt", "split"}},
		{"image of nothing", "offers: {ids: [610947572360]}", "image: {}", 9, 12, []string{"image: needs urls or files"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := strings.Replace(goodJob, tt.from, tt.to, 1)
			if src == goodJob {
				t.Fatalf("%q is not in the job", tt.from)
			}
			_, err := Parse("test.yaml", []byte(src), LoadOptions{Getenv: env("KEY", "k", "RATE", "1", "FRACTION", "2.5")})
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("Parse = %v, want faults", err)
			}
			if got := ExitCode(err); got != ExitUsage {
				t.Errorf("ExitCode = %d, want %d", got, ExitUsage)
			}
			text := err.Error()
			for _, w := range tt.want {
				if !strings.Contains(text, w) {
					t.Errorf("faults lack %q:\n%s", w, text)
				}
			}
			if tt.line > 0 && faults[0].Line != tt.line || tt.column > 0 && faults[0].Column != tt.column {
				t.Errorf("fault at %d:%d, want %d:%d:\n%s", faults[0].Line, faults[0].Column, tt.line, tt.column, text)
			}
		})
	}
}

// TestFaultsTogether: all mistakes are reported at once.
func TestFaultsTogether(t *testing.T) {
	t.Parallel()
	src := strings.NewReplacer("kind: onebound", "kid: onebound", "quality:", "qualit:").Replace(goodJob)
	_, err := Parse("test.yaml", []byte(src), LoadOptions{Getenv: env("KEY", "k", "RATE", "1")})
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 2 {
		t.Fatalf("Parse = %v, want two faults", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goodJob))
	f.Add([]byte("name: [\n"))
	f.Add([]byte("a: &a [*a, *a]"))
	f.Fuzz(func(t *testing.T, src []byte) {
		job, err := Parse("f.yaml", src, LoadOptions{Getenv: env()})
		if (job == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v: want exactly one of a job and an error", job, err)
		}
	})
}

// TestHostileNesting: a file that would take the parser gigabytes is refused
// before it is parsed, with its line; what job files look like is not.
func TestHostileNesting(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{"lists": "[", "mappings": "{a: ", "dashes": "- ", "questions": "? ", "both": "[{a: "} {
		for _, size := range []int{20_000, maxFile - 100} {
			src := "name: t\nsources:\n" + strings.Repeat(unit, size/len(unit))
			_, err := Parse("job.yaml", []byte(src), LoadOptions{})
			if err == nil || !strings.Contains(err.Error(), "job.yaml:3") || !strings.Contains(err.Error(), "nested deeper") {
				t.Errorf("%s, %d bytes: %.200v, want the line and nesting", name, size, err)
			}
			closed := src + strings.Repeat("]", size/len(unit))
			if _, err := Parse("job.yaml", []byte(closed), LoadOptions{}); err == nil || !strings.Contains(err.Error(), "deeper") && !strings.Contains(err.Error(), "bytes") {
				t.Errorf("%s, closed: %.200v", name, err)
			}
		}
	}
	if line := tooDeep([]byte(goodJob)); line != 0 {
		t.Errorf("a good job file is too deep at line %d", line)
	}
	rule := "# " + strings.Repeat("-", 200) + "\nname: t\n"
	if line := tooDeep([]byte(rule)); line != 0 {
		t.Errorf("a rule in a comment is too deep at line %d", line)
	}
}
