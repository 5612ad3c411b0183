package storetest

import (
	"testing"

	"offerlake/load"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	Run(t, func(*testing.T) load.Store { return NewMemory() })
}
