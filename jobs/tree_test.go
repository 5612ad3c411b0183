package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers are the packages that must not know each other, and what of the
// project each may import beside its own sub-packages.
var layers = map[string][]string{
	"pipeline/catalog": {},
	"pipeline":         {"pipeline/catalog"},
	"extract":          {"pipeline/catalog"},
	"transform":        {"pipeline/catalog"},
	"load":             {"pipeline/catalog"},
	"jobs":             {"pipeline", "extract", "transform", "load"},
}

// TestImportRules: imports point one way, main -> jobs -> {pipeline, extract,
// transform, load} -> pipeline/catalog; no production file imports testing.
func TestImportRules(t *testing.T) {
	t.Parallel()
	for _, pkg := range listPackages(t) {
		path, ok := strings.CutPrefix(pkg.ImportPath, "offerlake/")
		if !ok {
			continue // main
		}
		layer := layerOf(path)
		if layer == "" {
			t.Errorf("package %s is in no layer", path)
			continue
		}
		for _, imp := range pkg.Imports {
			if imp == "testing" && !strings.Contains(path+"/", "test/") {
				t.Errorf("%s imports testing outside of tests", path)
			}
			dep, ok := strings.CutPrefix(imp, "offerlake/")
			if ok && layerOf(dep) != layer && !slices.ContainsFunc(layers[layer], func(a string) bool {
				return dep == a || strings.HasPrefix(dep, a+"/")
			}) {
				t.Errorf("%s imports %s: layer %s may import only itself and %v", path, dep, layer, layers[layer])
			}
		}
	}
}

// TestOnlyPipelineStartsGoroutines: go statements and errgroups live in the
// pipeline. The exceptions are an emulator's HTTP server, the readers of the
// verify child, requests of object stores, which are side by side or go on by
// themselves, and main's signal handling.
func TestOnlyPipelineStartsGoroutines(t *testing.T) {
	t.Parallel()
	allowed := []string{"pipeline/", "extract/sandbox/", "load/verify", "load/store.go", "load/store/", "main.go"}
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(path, root+"/"))
		if slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(rel, a) }) || strings.Contains(rel, "test/") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for n, line := range bytes.Split(src, []byte("\n")) {
			text := strings.TrimSpace(string(line))
			if strings.HasPrefix(text, "go func") || strings.HasPrefix(text, "go ") && strings.HasSuffix(text, ")") {
				t.Errorf("%s:%d starts a goroutine: %s", rel, n+1, text)
			}
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range f.Imports {
			if p, _ := strconv.Unquote(imp.Path.Value); p == "golang.org/x/sync/errgroup" {
				t.Errorf("%s imports errgroup", rel)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTopLevel: the top of the tree holds what it is documented to hold.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"go.mod", "go.sum", "main.go", "pipeline", "extract", "transform", "load", "jobs", "testdata",
		"README.md", "LICENSE", "CHANGELOG.md", "docs", "out", "offerlake",
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s is not part of the documented tree", e.Name())
		}
	}
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// layerOf returns the layer of a package path, "" when it has none.
func layerOf(path string) string {
	if path == "pipeline/catalog" {
		return path
	}
	top, _, _ := strings.Cut(path, "/")
	if _, ok := layers[top]; ok {
		return top
	}
	return ""
}
