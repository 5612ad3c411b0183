package jobs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offerlake/pipeline/catalog"
)

// parseGood parses goodJob after the replacements, which come in pairs.
func parseGood(t *testing.T, replacements ...string) *Job {
	t.Helper()
	src := strings.NewReplacer(replacements...).Replace(goodJob)
	job, err := Parse("test.yaml", []byte(src), LoadOptions{Getenv: env("KEY", "k", "RATE", "1", "PRICE", "12345678901234.5678")})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// TestTextAsWritten: a number in a text field is the text that the file has.
func TestTextAsWritten(t *testing.T) {
	t.Parallel()
	job := parseGood(t,
		"[保温杯, 玻璃杯]", `[1.50, 0x1F, 1_000, 0123, True, .inf, 1e3, "2.50"]`,
		`"${SECRET:-s3}"`, "0123")
	want := []string{"1.50", "0x1F", "1_000", "0123", "True", ".inf", "1e3", "2.50"}
	if diff := cmp.Diff(want, job.Sources[0].Search.Keywords); diff != "" {
		t.Errorf("keywords differ (-want +got):\n%s", diff)
	}
	if got, want := job.Gateway.Credentials[0].Secret, "0123"; got != want {
		t.Errorf("secret = %q, want %q", got, want)
	}
	list := parseGood(t, `{key: "${KEY}", secret: "${SECRET:-s3}"}`, "[{key: 0x10, secret: 1_0}]")
	if diff := cmp.Diff(Credentials{{Key: "0x10", Secret: "1_0"}}, list.Gateway.Credentials); diff != "" {
		t.Errorf("credentials differ (-want +got):\n%s", diff)
	}
}

// TestMoneyIsExact: an amount does not go through a float, however it is
// written.
func TestMoneyIsExact(t *testing.T) {
	t.Parallel()
	tests := []struct {
		written string
		want    catalog.Decimal
	}{
		{"12345678901234.5678", 123456789012345678},
		{`"12345678901234.5678"`, 123456789012345678},
		{`"${PRICE}"`, 123456789012345678},
		{"${PRICE}", 123456789012345678},
		{"50.50", 505000},
		{"0100", 1000000},
	}
	for _, tt := range tests {
		// In braces a plain ${PRICE} would be a mapping.
		job := parseGood(t, `price: {from: 1.00, to: "50.5"}`, "verified_supplier: false",
			"  - offers:", "  - search:\n      keywords: [a]\n      price:\n        to: "+tt.written+" # yuan\n  - offers:")
		if got := job.Sources[1].Search.Price.To.Decimal; got != tt.want {
			t.Errorf("price.to of %s = %d ten-thousandths, want %d", tt.written, got, tt.want)
		}
	}
}

// TestByteOrderMarkAndCarriageReturns: the files of Windows editors mean the
// same as others.
func TestByteOrderMarkAndCarriageReturns(t *testing.T) {
	t.Parallel()
	want := parseGood(t)
	crlf := strings.ReplaceAll(goodJob, "\n", "\r\n")
	for _, src := range []string{"\ufeff" + goodJob, crlf, "\ufeff" + crlf} {
		got, err := Parse("test.yaml", []byte(src), LoadOptions{Getenv: env("KEY", "k", "RATE", "1")})
		if err != nil {
			t.Errorf("Parse(%q...) = %v", src[:14], err)
			continue
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Job{})); diff != "" {
			t.Errorf("Parse(%q...) differs (-want +got):\n%s", src[:14], diff)
		}
	}
	_, err := Parse("test.yaml", []byte("\ufeff"+strings.Replace(crlf, "name:", "nam:", 1)), LoadOptions{Getenv: env("KEY", "k", "RATE", "1")})
	var faults Faults
	if !errors.As(err, &faults) || faults[0].Line != 1 || faults[0].Column != 1 || faults[0].Source != "nam: test" {
		t.Errorf("faults = %+v, want one at 1:1 in %q", faults, "nam: test")
	}
}

// TestSetFaults: overrides go through the checks of the file, and their faults
// name them.
func TestSetFaults(t *testing.T) {
	t.Parallel()
	tests := []struct{ set, want string }{
		{"name=&a b", "anchors, aliases and merge keys"},
		{"gateway.sandbox={seed: &a 1}", "anchors, aliases and merge keys"},
		{"gateway.language=&a en", "anchors, aliases and merge keys"},
		{"name=!!str b", "tags are not allowed"},
		{"sources[1].offers.ids=[1.5]", "1.5 is not a whole number"},
		{"details.batch=2.5", "2.5 is not a whole number"},
		{"gateway.limits.per_run=5.5", "5.5 is not a whole number"},
		{"gateway.limits.per_second=.nan", "must be 0 (no limit) or between"},
		{"gateway.limits.per_second=0.001", "must be 0 (no limit) or between"},
		{"gateway.limits.burst=10001", "must be between 1 and 10000"},
		{"output=[]", "output: is required"},
		{"sources[0].search.keywords=[]", "keywords: is required"},
		{"output[1].url=./out/parquet", "One URL holds one format"},
		{"output[1].partition_by=[dt, price_min]", "only text, integers"},
	}
	for _, tt := range tests {
		_, err := Parse("test.yaml", []byte(goodJob), LoadOptions{Getenv: env("KEY", "k", "RATE", "1"), Set: []string{tt.set}})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "--set "+tt.set) {
			t.Errorf("--set %q gives %v, want %q and the override", tt.set, err, tt.want)
		}
		if got := ExitCode(err); got != ExitUsage {
			t.Errorf("--set %q: ExitCode = %d, want %d", tt.set, got, ExitUsage)
		}
	}
}

// TestSetOfSecrets: a secret on the command line is refused, and not repeated.
func TestSetOfSecrets(t *testing.T) {
	t.Parallel()
	for set, refused := range map[string]bool{
		"gateway.credentials.secret=passw0rd": true, "gateway.credentials={key: k, secret: passw0rd}": true, "gateway.credentials[0].key=passw0rd": true,
		"lineage.api_key=passw0rd": true, "gateway.credentials.token_file=passw0rd": false, "gateway.credentials.per_second=2": false,
	} {
		_, err := Parse("test.yaml", []byte(goodJob), LoadOptions{Getenv: env("KEY", "k", "RATE", "1"), Set: []string{set}})
		if got := err != nil && strings.Contains(err.Error(), "on the command line"); got != refused {
			t.Errorf("--set %s: %v, refused: want %t", set, err, refused)
		}
		if refused && strings.Contains(err.Error(), "passw0rd") {
			t.Errorf("--set %s: %v repeats the secret", set, err)
		}
	}
}

// TestSetTextAsWritten: an override of a text field is not rewritten either.
func TestSetTextAsWritten(t *testing.T) {
	t.Parallel()
	job, err := Parse("test.yaml", []byte(goodJob), LoadOptions{
		Getenv: env("KEY", "k", "RATE", "1"),
		Set:    []string{"sources[0].search.keywords=[1.50]", "gateway.language=0123", "sources[0].search.price.to=12345678901234.5678"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := job.Sources[0].Search.Keywords[0], "1.50"; got != want {
		t.Errorf("keyword = %q, want %q", got, want)
	}
	if got, want := job.Gateway.Language, "0123"; got != want {
		t.Errorf("language = %q, want %q", got, want)
	}
	if got, want := job.Sources[0].Search.Price.To.Decimal, catalog.Decimal(123456789012345678); got != want {
		t.Errorf("price.to = %d, want %d", got, want)
	}
}

// TestFileURLs: a file URL and a path are one destination when they lead to
// one directory.
func TestFileURLs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := strings.NewReplacer("url: out/parquet", "url: "+dir+"/a b", "url: out/csv", "url: file://"+filepath.ToSlash(dir)+"/a%20b").Replace(goodJob)
	_, err := Parse("test.yaml", []byte(src), LoadOptions{Getenv: env("KEY", "k", "RATE", "1")})
	if err == nil || !strings.Contains(err.Error(), "One URL holds one format") {
		t.Errorf("Parse = %v, want a fault of the second output", err)
	}
	parseGood(t, "url: out/csv", "url: out/parquet-csv") // beside it, not below it
}

// TestNoIDs: a file of ids that holds none is an error that names it.
func TestNoIDs(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"ids.csv": "offer_id\n", "ids.txt": "# none\n\n"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		job := parseGood(t, "ids: [610947572360]", "ids_from: "+path)
		if leaves, err := job.Leaves(); err == nil || !strings.Contains(err.Error(), path+" holds no offer id") {
			t.Errorf("Leaves with an empty %s = %v, %v, want an error that names it", name, leaves, err)
		}
	}
}
