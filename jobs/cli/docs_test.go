package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/jobs"
	"offerlake/load"
	"offerlake/transform"
)

var update = flag.Bool("update", false, "rewrite the generated parts of docs")

// TestTablesDoc: docs/tables.md lists the columns and codes that the code has.
func TestTablesDoc(t *testing.T) {
	t.Parallel()
	const path = "../../docs/tables.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := between(t, string(b), "columns", "\n"+columnsDoc(t))
	want = between(t, want, "codes", "`"+strings.Join(transform.RejectCodes(), "`, `")+"`")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("docs/tables.md is not current; run: go test ./jobs/cli -run TablesDoc -update\n%s", diff)
	}
}

// TestFlagsDoc: docs/tables.md explains every flag.
func TestFlagsDoc(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range transform.FlagCodes() {
		if !strings.Contains(string(b), "\n| `"+code+"` |") {
			t.Errorf("docs/tables.md does not explain the flag %s", code)
		}
	}
}

// TestRejectsDoc: docs/tables.md lists every code of rejects.
func TestRejectsDoc(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range jobs.RejectCodes() {
		if !strings.Contains(string(b), "`"+code+"`") {
			t.Errorf("docs/tables.md does not list the code %s", code)
		}
	}
}

// between replaces what stands between the markers of a name.
func between(t *testing.T, doc, name, text string) string {
	t.Helper()
	begin, end := "<!-- begin "+name+" -->", "<!-- end "+name+" -->"
	head, rest, ok := strings.Cut(doc, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("the document has no markers for %s", name)
	}
	return head + begin + text + end + tail
}

func columnsDoc(t *testing.T) string {
	t.Helper()
	docs, err := jobs.TableDocs()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range docs {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| column | type | unit | meaning | null |\n|---|---|---|---|---|\n", table.Name, table.Meaning)
		for _, c := range table.Columns {
			null := "never"
			if c.Nullable {
				null = c.NullWhen
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.Name, c.Kind, c.Unit, c.Meaning, null)
		}
		b.WriteString(sourcesDoc(table) + "\n")
	}
	return b.String()
}

// sourcesDoc lists the fields that a table's columns come from; param2 and
// bearer have the same ones.
func sourcesDoc(table jobs.TableDoc) string {
	var b strings.Builder
	row := func(name string, sources map[string]string) {
		if len(sources) == 0 {
			return
		}
		fmt.Fprintf(&b, "| %s |", name)
		for _, kind := range jobs.SourceKinds() {
			if kind == "bearer" {
				continue
			}
			if field := sources[kind]; field != "" {
				fmt.Fprintf(&b, " %s |", field)
			} else {
				b.WriteString(" – |")
			}
		}
		b.WriteString("\n")
	}
	row("**rows**", table.Sources)
	for _, c := range table.Columns {
		row(c.Name, c.Sources)
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n| column of " + table.Name + " | onebound | openplatform | productInfo | param2, bearer | router | portals |\n|---|---|---|---|---|---|---|\n" + b.String()
}

// TestSources: what the dialects say of columns is of columns that there are,
// and param2 and bearer say the same, as the documentation has it.
func TestSources(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, table := range load.Tables() {
		known[table.Name] = true
		for _, c := range table.Columns {
			known[table.Name+"."+c.Name] = true
		}
	}
	all := map[string]map[string]string{}
	for _, kind := range jobs.SourceKinds() {
		sources, err := jobs.Sources(kind)
		if err != nil || len(sources) == 0 {
			t.Fatalf("%s: %d sources, %v", kind, len(sources), err)
		}
		for name := range sources {
			if !known[name] {
				t.Errorf("%s: there is no column %s", kind, name)
			}
		}
		all[kind] = sources
	}
	if diff := cmp.Diff(all["param2"], all["bearer"]); diff != "" {
		t.Errorf("param2 and bearer differ:\n%s", diff)
	}
}

// TestDocumentedJobs: the job files that README.md and docs show are valid.
func TestDocumentedJobs(t *testing.T) {
	t.Parallel()
	for path, context := range map[string]string{
		"../../README.md": "%s",
		"../../docs/gateways.md": "name: t\ngateway: {kind: sandbox, sandbox: {speaks: openplatform}}\n" +
			"sources:\n%s\noutput: [{url: out, format: csv}]\n",
	} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(b), "```yaml\n")[1:]
		if len(blocks) == 0 {
			t.Errorf("%s shows no job file", path)
		}
		for _, block := range blocks {
			yaml, _, _ := strings.Cut(block, "```")
			getenv := func(string) (string, bool) { return "x", true }
			if _, err := jobs.Parse(path, fmt.Appendf(nil, context, yaml), jobs.LoadOptions{Getenv: getenv}); err != nil {
				t.Errorf("%v", err)
			}
		}
	}
}
