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
	want := between(t, string(b), "columns", "\n"+columnsDoc())
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

func columnsDoc() string {
	var b strings.Builder
	for _, table := range load.Tables() {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| column | type | meaning |\n|---|---|---|\n", table.Name, table.Meaning)
		for _, c := range table.Columns {
			null := ""
			if c.Nullable {
				null = "?"
			}
			fmt.Fprintf(&b, "| %s | %s%s | %s |\n", c.Name, c.Kind, null, c.Meaning)
		}
		b.WriteString("\n")
	}
	return b.String()
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
