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
	if diff := cmp.Diff(Limits{PerSecond: 2.5, Burst: 1, InFlight: 4}, job.Gateway.Limits); diff != "" {
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
		{"later feature", "details:", "expand: {}\ndetails:", 10, 1, []string{"expand is not available in this version"}},
		{"plain http", "kind: onebound", "kind: onebound\n  endpoints: [http://example.com]", 4, 15, []string{"unencrypted"}},
		{"filter that the gateway lacks", "sort: sales_desc", "free_shipping: true", 8, 0, []string{"free_shipping"}},
		{"csv option on parquet", "format: parquet", "format: parquet, bom: true", 12, 0, []string{"bom"}},
		{"duration", "2d", "soon", 10, 0, []string{`"soon" is not a duration`}},
		{"percent", "1%", "120%", 14, 0, []string{`"120%" is not a share`}},
		{"duplicate key", "details: {reuse_within: 2d}", "name: again", 10, 0, []string{"already defined"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := strings.Replace(goodJob, tt.from, tt.to, 1)
			_, err := Parse("test.yaml", []byte(src), LoadOptions{Getenv: env("KEY", "k", "RATE", "1")})
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("Parse = %v, want faults", err)
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
