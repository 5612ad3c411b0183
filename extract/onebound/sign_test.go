package onebound

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
		Dialect, Case, Secret, Signature string
		Params                           map[string]string
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range cases {
		if c.Dialect != "onebound" {
			continue
		}
		n++
		if got := Sign(c.Params, c.Secret); got != c.Signature {
			t.Errorf("Sign(%q) = %s, want %s", c.Case, got, c.Signature)
		}
	}
	if n != 1 {
		t.Errorf("signatures.json has %d cases for this dialect, want 1", n)
	}
}

func TestSignSkipsUploads(t *testing.T) {
	t.Parallel()
	with := Sign(map[string]string{"a": "1", "file": "@cup.png"}, "s")
	without := Sign(map[string]string{"a": "1"}, "s")
	if with != without {
		t.Errorf("Sign with an upload = %s, want %s", with, without)
	}
}
