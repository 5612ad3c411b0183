package openplatform

import (
	"encoding/json"
	"os"
	"testing"
)

func TestSign(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../testdata/extract/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Dialect, Case, Secret, Path, Signature string
		Params                                 map[string]string
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range cases {
		if c.Dialect != "openplatform" {
			continue
		}
		n++
		if got := Sign(c.Path, c.Params, c.Secret); got != c.Signature {
			t.Errorf("Sign(%q) = %s, want %s", c.Case, got, c.Signature)
		}
	}
	if n != 4 {
		t.Errorf("signatures.json has %d cases for this dialect, want 4", n)
	}
}
