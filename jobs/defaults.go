package jobs

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml"

	"offerlake/pipeline/catalog"
)

// setDefaults fills the fields of a struct, and of the structs within it, from
// their default tags. It runs before decoding, so that an explicit zero (no
// limit, say) stays a zero. Elements of lists get theirs by elementDefaults.
func setDefaults(v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		field := v.FieldByIndex(f.Index)
		if def, ok := f.Tag.Lookup("default"); ok {
			if err := yaml.Unmarshal([]byte(def), field.Addr().Interface()); err != nil {
				panic(fmt.Sprintf("default of %s: %v", f.Name, err))
			}
			continue
		}
		if field.Kind() == reflect.Struct {
			setDefaults(field)
		}
	}
}

// elementDefaults fills what the elements of the job's lists left out; there a
// zero and an absent field mean the same.
func (j *Job) elementDefaults() {
	j.Gateway.Sales = slices.Contains(j.Enrich, string(catalog.EnrichSales))
	for i := range j.Output {
		o := &j.Output[i]
		if len(o.PartitionBy) == 0 {
			o.PartitionBy = []string{"dt"}
		}
		if o.Bloom == nil && o.Format == "parquet" {
			o.Bloom = []string{"offer_id", "sku_key"}
		}
		if o.Compression == "" {
			o.Compression = map[string]string{"parquet": "zstd", "csv": "none", "jsonl": "none"}[o.Format]
		}
	}
	if c := j.Changes; c != nil && c.Watch.Column == "" {
		c.Watch.Column = "offer_id"
	}
	for _, s := range j.Sources {
		if s.Offers != nil && s.Offers.Column == "" {
			s.Offers.Column = "offer_id"
		}
		if s.Top != nil && s.Top.Rank == "" {
			s.Top.Rank = string(catalog.RankOverall)
		}
		if s.Call != nil && s.Call.FirstPage == nil {
			first := 1
			s.Call.FirstPage = &first
		}
	}
}
