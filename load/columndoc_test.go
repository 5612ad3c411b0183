package load

import (
	"maps"
	"testing"
)

// What is said of columns is said of columns that there are, and of those that
// can be null.
func TestColumnDoc(t *testing.T) {
	t.Parallel()
	said, measured := maps.Clone(nulls), maps.Clone(units)
	for _, table := range Tables() {
		for _, c := range table.Columns {
			name := table.Name + "." + c.Name
			delete(measured, name)
			if c.Nullable {
				delete(said, name)
			}
			if c.Kind == Decimal && table.Unit(c) == "" {
				t.Errorf("%s.%s counts in nothing", table.Name, c.Name)
			}
		}
	}
	for name := range said {
		t.Errorf("%s is said to be null at times, but cannot be", name)
	}
	for name := range measured {
		t.Errorf("%s has a unit, but there is no such column", name)
	}
}
