package onebound

import (
	"testing"

	"offerlake/extract/dialecttest"
)

func TestSign(t *testing.T) {
	t.Parallel()
	dialecttest.Signatures(t, "onebound", 1, Sign)
}

func TestSignSkipsUploads(t *testing.T) {
	t.Parallel()
	with := Sign(map[string]string{"a": "1", "file": "@cup.png"}, "s")
	without := Sign(map[string]string{"a": "1"}, "s")
	if with != without {
		t.Errorf("Sign with an upload = %s, want %s", with, without)
	}
}
