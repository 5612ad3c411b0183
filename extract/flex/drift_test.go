package flex

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// readKnown reads title, skus and their price, as a decoder would, and returns
// the drift.
func readKnown(t *testing.T, body string) []catalog.Drift {
	t.Helper()
	known := NewKnown(`title unused { } extend { * } skus { price stock { n } unused }`)
	drift := []catalog.Drift{}
	var p Pool
	err := p.ReadKnown(200, []byte(body), known, &drift, func(d *Decoder) {
		for key := range d.Object() {
			switch string(key) {
			case "title":
				d.Text()
			case "skus":
				d.Rows(func() {
					for key := range d.Object() {
						switch string(key) {
						case "price":
							d.Text()
						case "state":
							if v := d.Text(); v != "on" {
								d.NewValue("", v)
							}
						case "stock":
							for range d.Object() {
								d.Skip()
							}
						}
					}
				})
			case "extend":
				for range d.Object() {
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return drift
}

func TestDrift(t *testing.T) {
	t.Parallel()
	field := func(path, got string, n int64) catalog.Drift {
		return catalog.Drift{Kind: catalog.DriftNewField, Path: path, Got: got, Count: n}
	}
	changed := func(path, want, got string) catalog.Drift {
		return catalog.Drift{Kind: catalog.DriftChangedType, Path: path, Want: want, Got: got, Count: 1}
	}
	for name, c := range map[string]struct {
		body string
		want []catalog.Drift
	}{
		"all known":                  {`{"title":1,"unused":{"x":1},"skus":[{"price":"1","unused":[]},null]}`, nil},
		"a field":                    {`{"title":"a","new":null}`, []catalog.Drift{field("new", "null", 1)}},
		"in rows, counted":           {`{"skus":[{"price":1,"new":2},{"new":"x","price":2}]}`, []catalog.Drift{field("skus[].new", "number", 2)}},
		"null at first":              {`{"skus":[{"new":null},{"new":null},{"new":"3"}]}`, []catalog.Drift{field("skus[].new", "string", 3)}},
		"what it holds is not asked": {`{"new":{"a":1,"b":[{"c":1}]}}`, []catalog.Drift{field("new", "object", 1)}},
		"PHP's list with gaps":       {`{"skus":{"0":{"price":1},"7":{"new":1}}}`, []catalog.Drift{field("skus[].new", "number", 1)}},
		"a list of one":              {`{"skus":{"price":1,"new":1}}`, []catalog.Drift{field("skus[].new", "number", 1)}},
		"open":                       {`{"extend":{"anything":1}}`, nil},
		"in a read object":           {`{"skus":[{"stock":{"n":1,"m":2}}]}`, nil},
		"empty of another type":      {`{"title":[],"skus":"","extend":false}`, nil},
		"changed type":               {`{"title":{"zh":"a"}}`, []catalog.Drift{changed("title", "text", "object")}},
		"a list for rows":            {`{"skus":[["a"]]}`, []catalog.Drift{changed("skus[]", "an object", "array")}},
		"a truth for a text":         {`{"title":true}`, []catalog.Drift{changed("title", "text", "bool")}},
		"a new value":                {`{"skus":[{"state":"on"},{"state":"off"}]}`, []catalog.Drift{{Kind: catalog.DriftNewValue, Path: "skus[].state", Got: "off", Count: 1}}},
		"an odd name":                {"{\"a b\\u0000\\\"\":1}", []catalog.Drift{field(`"a b\x00\""`, "number", 1)}},
		"Chinese":                    {`{"价格":1}`, []catalog.Drift{field("价格", "number", 1)}},
		"not an object":              {`"20261010164552223+0800"`, []catalog.Drift{changed("", "an object", "string")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := readKnown(t, c.body)
			if len(got) == 0 {
				got = nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("drift of %s (-want +got):\n%s", c.body, diff)
			}
		})
	}
}

// Whatever names a gateway makes up, what is kept of them is bounded, valid and
// fit to print.
func TestDriftIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"title":"a"`)
	for i := range 500 {
		fmt.Fprintf(&b, `,"f%d%s":1`, i, strings.Repeat("长\\u001b", 300))
	}
	b.WriteString(`}`)
	got := readKnown(t, b.String())
	if len(got) != maxDrift+1 {
		t.Fatalf("%d ways of drift, want %d", len(got), maxDrift+1)
	}
	for _, d := range got[:maxDrift] {
		if len(d.Path) > 4*maxDriftName || !utf8.ValidString(d.Path) || strings.ContainsRune(d.Path, '\x1b') {
			t.Errorf("path %q", d.Path)
		}
	}
	if last := got[maxDrift]; last.Kind != catalog.DriftUnlisted || last.Count != 500-maxDrift {
		t.Errorf("the rest is %+v, want %d unlisted", last, 500-maxDrift)
	}
}
