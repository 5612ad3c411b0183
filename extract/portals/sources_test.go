package portals

import (
	"strings"
	"testing"

	"offerlake/extract"
)

var _ extract.SourceDialect = new(Dialect)

// The fields that columns come from are on record.
func TestSourcesAreKnown(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]extract.SourceDialect{"": new(Dialect)} {
		for column, fields := range d.Sources() {
			fields, _, _ = strings.Cut(fields, " (")
			for path := range strings.FieldsFuncSeq(fields, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
				if !(detailKnown.Covers("item." + path)) {
					t.Errorf("%s %s comes from %s, which is no field on record", name, column, path)
				}
			}
		}
	}
}
