package jobs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// expandJob is a job with an expand, given as flow YAML, and sources.
func expandJob(expand, sources string) string {
	return "name: t\ngateway: {kind: sandbox}\nexpand: " + expand + "\nsources:\n  - " + sources + "\noutput:\n  - {url: out/x, format: csv}\n"
}

func parseExpand(t *testing.T, src string, opts LoadOptions) *Job {
	t.Helper()
	if opts.Getenv == nil {
		opts.Getenv = env()
	}
	job, err := Parse(filepath.Join(t.TempDir(), "test.yaml"), []byte(src), opts)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// texts are the shards as text.
func texts(shards []Shard) []string {
	var all []string
	for _, s := range shards {
		all = append(all, strings.TrimSpace(s.Job+" "+s.day()+" "+ValuesText(s.Values)))
	}
	return all
}

func TestShards(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, catalog.GatewayZone)
	for _, tt := range []struct {
		name, expand, sources string
		from, to              string
		want                  []string
	}{
		{
			name: "the last name changes fastest", expand: "{c: [1, 2], k: [a, b]}", sources: `search: {keywords: ["{k}"], category: {c}}`,
			want: []string{"t-1-a 2026-11-22 c=1 k=a", "t-1-b 2026-11-22 c=1 k=b", "t-2-a 2026-11-22 c=2 k=a", "t-2-b 2026-11-22 c=2 k=b"},
		},
		{
			name: "dates are where they are written", expand: "{k: [a, b], date: {from: 2026-11-21, to: 2026-11-22}}", sources: "search: {keywords: [{k}]}",
			want: []string{"t-a 2026-11-21 k=a", "t-a 2026-11-22 k=a", "t-b 2026-11-21 k=b", "t-b 2026-11-22 k=b"},
		},
		{
			name: "other dates come first", expand: "{k: [a, b]}", sources: "search: {keywords: [{k}]}", from: "2026-11-21",
			want: []string{"t-a 2026-11-21 k=a", "t-b 2026-11-21 k=b", "t-a 2026-11-22 k=a", "t-b 2026-11-22 k=b"},
		},
		{
			name: "over the end of a month, in a leap year", expand: "{date: {from: 2028-02-28, to: 2028-03-01}}", sources: "search: {keywords: [x]}",
			want: []string{"t 2028-02-28", "t 2028-02-29", "t 2028-03-01"},
		},
		{
			name: "over the end of a year", expand: "{date: {from: 2026-12-31}}", sources: "search: {keywords: [x]}", to: "2027-01-01",
			want: []string{"t 2026-12-31", "t 2027-01-01"},
		},
		{
			name: "the flags take the place of the job's dates", expand: "{date: {from: 2026-01-01, to: 2026-12-31}}", sources: "search: {keywords: [x]}", from: "2026-05-31", to: "2026-06-01",
			want: []string{"t 2026-05-31", "t 2026-06-01"},
		},
		{
			name: "listed dates within the flags", expand: "{date: [2026-11-01, 2026-11-15, 2026-12-01]}", sources: "search: {keywords: [x]}", from: "2026-11-02",
			want: []string{"t 2026-11-15", "t 2026-12-01"},
		},
		{
			name: "values that do not fit a name are hashed", expand: "{k: [保温杯, a-b]}", sources: "search: {keywords: [{k}]}",
			want: []string{"t-90236709 2026-11-22 k=保温杯", "t-b4d77b9e 2026-11-22 k=a-b"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := parseExpand(t, expandJob(tt.expand, tt.sources), LoadOptions{})
			dates, err := job.Expand.shardDates(tt.from, tt.to, now)
			if err != nil {
				t.Fatal(err)
			}
			shards, err := job.Expand.shards(job.Name, dates)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, texts(shards)); diff != "" {
				t.Errorf("shards differ (-want +got):\n%s", diff)
			}
		})
	}
}

// A quarter has the days of the calendar, whatever the clocks of the machine do.
func TestDays(t *testing.T) {
	t.Parallel()
	job := parseExpand(t, expandJob("{date: {from: 2026-08-24, to: 2026-11-21}}", "search: {keywords: [x]}"), LoadOptions{})
	dates, err := job.Expand.shardDates("", "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range dates {
		seen[d.Format(time.DateOnly)] = true
	}
	if len(dates) != 90 || len(seen) != 90 || !seen["2026-08-31"] || !seen["2026-10-31"] || !seen["2026-11-21"] {
		t.Errorf("%d dates, %d of them different, want 90", len(dates), len(seen))
	}
}

// Values take the types of their fields, and nothing of them or of the
// environment is taken for a name or for a reference.
func TestValuesInFields(t *testing.T) {
	t.Parallel()
	src := `name: t
gateway: {kind: onebound, credentials: {key: "${KEY}", secret: "x{{k}}"}, cost: {per_call: "{p}"}}
expand:
  k: ["${NOT_MINE} {k}", b]
  c: [1031910]
  p: [0.010]
sources:
  - search: {keywords: ["{k}!", "{{k}}", "{}", "{ k }"], category: "{c}", price: {from: {p}}}
  - call: {api: item_review, params: {num_iid: {c}, day: "{date}", q: "{\"a\": 1}"}, table: r}
output:
  - {url: "out/{c}/x", format: csv}
`
	getenv := env("KEY", "{k}{{k}}", "NOT_MINE", "no")
	job := parseExpand(t, strings.Replace(src, "${NOT_MINE}", "$${NOT_MINE}", 1), LoadOptions{Getenv: getenv})
	date, err := ParseDate("2026-11-22", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	shards, err := job.Expand.shards("t", []time.Time{date})
	if err != nil {
		t.Fatal(err)
	}
	shard, err := job.shardJob(shards[0])
	if err != nil {
		t.Fatal(err)
	}
	got := []any{
		shard.Gateway.Credentials[0].Key, shard.Gateway.Credentials[0].Secret, shard.Gateway.Cost.PerCall.String(),
		shard.Sources[0].Search.Keywords, shard.Sources[0].Search.Category, shard.Sources[0].Search.Price.From.String(),
		shard.Sources[1].Call.Params["num_iid"], shard.Sources[1].Call.Params["day"], shard.Sources[1].Call.Params["q"], shard.Output[0].URL,
	}
	want := []any{
		"{k}{{k}}", "x{k}", "0.01",
		[]string{"${NOT_MINE} {k}!", "{k}", "{}", "{ k }"}, int64(1031910), "0.01",
		"1031910", "2026-11-22", `{"a": 1}`, "out/1031910/x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the shard's fields differ (-want +got):\n%s", diff)
	}
	if shard.Name != shards[0].Job || len(shard.Expand) != 0 {
		t.Errorf("the shard's job is %s with %d names to expand, want %s and none", shard.Name, len(shard.Expand), shards[0].Job)
	}
}

// Without expand, braces are text.
func TestBracesWithoutExpand(t *testing.T) {
	t.Parallel()
	job := parseGood(t, "[保温杯, 玻璃杯]", `["{keyword}", "{{date}}"]`)
	if diff := cmp.Diff([]string{"{keyword}", "{{date}}"}, job.Sources[0].Search.Keywords); diff != "" {
		t.Errorf("keywords differ (-want +got):\n%s", diff)
	}
}

func TestExpandFaults(t *testing.T) {
	t.Parallel()
	const search = "search: {keywords: [{k}]}"
	for _, tt := range []struct {
		name, expand, sources string
		line, column          int
		message               string
	}{
		{"unknown name", "{k: [a]}", `search: {keywords: ["{k} {keywrod}"]}`, 5, 25, "{keywrod} is not a name of expand"},
		{"near name", "{keyword: [a]}", `search: {keywords: ["{keywrd}{keyword}"]}`, 5, 25, "Did you mean {keyword}?"},
		{"unused name", "{k: [a], other: [b]}", search, 3, 18, "expand.other: is not used"},
		{"no values", "{k: []}", search, 3, 13, "expand.k: has no values"},
		{"twice", "{k: [a, b, a]}", search, 3, 20, "expand.k[2]: a is there twice"},
		{"empty value", `{k: [a, ""]}`, search, 3, 17, "expand.k[1]: is empty"},
		{"no plain value", "{k: [[a]]}", search, 3, 14, "expand.k[0]: is not a plain value"},
		{"no list", "{k: a}", search, 3, 13, "expand.k: is neither a list nor a mapping"},
		{"no name", "{K: [a]}", search, 3, 10, `expand: "K" is not a name`},
		{"no file", "{k: {csv: none.csv}}", search, 3, 13, "none.csv"},
		{"unknown key", "{k: {cvs: none.csv}}", search, 3, 14, `Did you mean "csv"?`},
		{"two places", "{k: {csv: a.csv, category_leaves: 3}}", search, 3, 13, "names two places"},
		{"no category", "{k: {category_leaves: x}}", search, 3, 31, "is not a category id"},
		{"range of another name", "{k: {from: 2026-01-01}}", search, 3, 14, "a range of dates is for the name date"},
		{"no date", "{date: {from: 2026-02-30}, k: [a]}", search, 3, 23, `"2026-02-30" is not a date`},
		{"listed date", "{date: [tomorrow], k: [a]}", search, 3, 17, `"tomorrow" is not a date`},
		{"dates the wrong way round", "{date: {from: 2026-02-02, to: 2026-02-01}, k: [a]}", search, 3, 17, "is after to"},
		{"wrong use of dates", "{date: {as: day}, k: [a]}", search, 3, 21, `"day" is not a value of it`},
		{"value of another type", "{k: [abc]}", `category: {ids: ["{k}"]}`, 5, 0, "cannot unmarshal"},
		{"a search about a day", "{date: {from: 2026-02-01, as: parameter}}", `search: {keywords: ["{date}"]}`, 5, 0, "shows what is there today"},
		{"a call about no day", "{date: {from: 2026-02-01, as: parameter}}", `call: {api: item_review, table: r}`, 5, 0, "sources[0]: does not use {date}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("test.yaml", []byte(expandJob(tt.expand, tt.sources)), LoadOptions{Getenv: env()})
			faults, ok := err.(Faults)
			if !ok {
				t.Fatalf("Parse = %v, want faults", err)
			}
			if f := faults[0]; f.Line != tt.line || tt.column > 0 && f.Column != tt.column || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("faults are not at %d:%d with %q:\n%v", tt.line, tt.column, tt.message, err)
			}
		})
	}
}

// TestExpandFaultsAlone: fields that use the values of a wrong expand are not
// reported too, such as a price that is not a number.
func TestExpandFaultsAlone(t *testing.T) {
	t.Parallel()
	_, err := Parse("test.yaml", []byte(expandJob("{k: [], p: [5]}", `search: {keywords: ["{k}"], price: {to: "{p}"}}`)), LoadOptions{Getenv: env()})
	if faults, ok := err.(Faults); !ok || len(faults) != 1 || !strings.Contains(err.Error(), "expand.k: has no values") {
		t.Errorf("Parse = %v, want the fault of expand alone", err)
	}
}

func TestExpandColumn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "k.csv"), []byte("\ufeffid,keyword\n1,杯\n2, \n3,杯\n4,\"a, b\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	job, err := Parse(filepath.Join(dir, "j.yaml"), []byte(expandJob("{keyword: {csv: k.csv}}", "search: {keywords: [{keyword}]}")), LoadOptions{Getenv: env()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"杯", "a, b"}, job.Expand[0].Values); diff != "" {
		t.Errorf("values differ (-want +got):\n%s", diff)
	}
}

// Names are functions of the job and the values alone, fit the limit, and
// differ where values do.
func TestShardNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 63)
	e := Expand{{Name: "a"}, {Name: "b"}, {Name: "date", Dates: true}}
	name := func(job, a, b string) string { return e.shardName(job, map[string]string{"a": a, "b": b}) }
	seen := map[string]string{}
	for _, v := range [][3]string{{"t", "a", "b"}, {"t", "a-b", ""}, {"t", "", "a-b"}, {long, "1", "2"}, {long, "2", "1"}, {long[:62], "1", "2"}, {"t", "A", "b"}} {
		n := name(v[0], v[1], v[2])
		if other, ok := seen[n]; ok {
			t.Errorf("%q and %s have one name, %s", v, other, n)
		}
		seen[n] = strings.Join(v[:], " ")
		if len(n) > maxName || n != name(v[0], v[1], v[2]) {
			t.Errorf("the name of %q is %s", v, n)
		}
	}
	if _, err := (Expand{{Name: "a", Values: make([]string, 1000)}, {Name: "b", Values: make([]string, 1000)}}).shards("t", days(time.Now(), time.Now())); err == nil {
		t.Error("a million shards were made")
	}
}
