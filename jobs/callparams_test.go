package jobs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCallParams: scalars are sent as the file has them, lists and mappings as
// JSON whose numbers keep their digits and whose keys are sorted.
func TestCallParams(t *testing.T) {
	t.Parallel()
	job := parseGood(t, "offers: {ids: [610947572360]}", `call:
      api: item_review
      table: reviews_raw
      params:
        num_iid: 610947572360
        price: 1.50
        code: 0123
        on: true
        text: "a <b> & ${KEY}"
        lines: |
          one
          two
        ids: [610947572360, "7", 1.50, false, null]
        query: {z: 12.50, a: {b: [x]}, m: "${KEY}"}
        nested:
          - z: 0.1000
            a: <font>`)
	want := CallParams{
		"num_iid": "610947572360", "price": "1.50", "code": "0123", "on": "true", "text": "a <b> & k", "lines": "one\ntwo\n",
		"ids":    `[610947572360,"7",1.50,false,null]`,
		"query":  `{"a":{"b":["x"]},"m":"k","z":12.50}`,
		"nested": `[{"a":"<font>","z":0.1000}]`,
	}
	if diff := cmp.Diff(want, job.Sources[1].Call.Params); diff != "" {
		t.Errorf("params differ (-want +got):\n%s", diff)
	}
}

func TestCallParamsFaults(t *testing.T) {
	t.Parallel()
	for params, want := range map[string]string{
		"[1]":            "is not a mapping of parameters",
		"{a: }":          "a: has no value",
		"{a: [0x1F]}":    "a: [0]: 0x1F is not a number as JSON writes it",
		"{a: {b: .nan}}": "a: b: .nan is not a number as JSON writes it",
	} {
		src := strings.Replace(goodJob, "offers: {ids: [610947572360]}", "call: {api: item_review, table: t, params: "+params+"}", 1)
		_, err := Parse("test.yaml", []byte(src), LoadOptions{Getenv: env("KEY", "k", "RATE", "1")})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "test.yaml:9:") {
			t.Errorf("params %s give %v, want %q at line 9", params, err, want)
		}
	}
}
