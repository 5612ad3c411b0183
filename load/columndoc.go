package load

import "strings"

// A column that the gateway's answers fill is null when they do not.
const nullUntold = "not told, or not readable: then a reject says so"

// Columns that came later are nullable, so that older files can be read together
// with new ones.
const nullOld = "only in nights that an older version published"

// nulls says when a column is null, where that is not nullUntold.
var nulls = map[string]string{
	"products.title_translated":     "no translation is asked for (gateway.language), or the gateway has none",
	"products.price_min":            "no price is told or usable; price_basis says negotiable where that is why",
	"products.price_max":            "as price_min",
	"products.price_at_min_order":   "no price, or no minimum order, is told or usable",
	"products.free_shipping":        "not told: null is not false",
	"products.verified_supplier":    "not told: null is not false",
	"products.source_rank":          "never, in this version: lists of ids have ranks too",
	"products.supplier_id":          "the gateway names no seller that can be told from others",
	"products.stock_is_lower_bound": nullOld,
	"skus.stock_is_lower_bound":     nullOld,
	"skus.sold_is_lower_bound":      nullOld,
	"skus.sku_id":                   "not told, or the offer has no SKU table",
	"skus.spec_id":                  "not told, or the offer has no SKU table",
	"skus.canonical_text":           "the same as attributes_text",
	"skus.color":                    "no attribute is a colour",
	"skus.size":                     "no attribute is a size",
	"skus.quantity":                 "no attribute holds a quantity with a unit",
	"skus.quantity_unit":            "as quantity",
	"skus.pack_count":               "no attribute tells how many make a pack",
	"skus.price":                    "neither the SKU nor its offer has a price that is told and usable",
	"skus.weight_g":                 "neither the SKU nor, where it is the only one, the offer has a weight",
	"price_tiers.sku_key":           "the tiers hold for every SKU of the offer",
	"price_tiers.max_quantity":      "the last tier",
	"attributes.canonical_name":     "the same as name",
	"attributes.canonical_value":    "the same as value",
	"attributes.quantity":           "the value is no quantity with a unit",
	"attributes.quantity_unit":      "as quantity",
	"attributes.pack_count":         "the value does not tell how many make a pack",
	"images.sku_key":                "not the picture of a SKU",
	"sales.day":                     "a window of days instead",
	"sales.window_days":             "a single day instead",
	"categories.parent_id":          "a root of the tree",
	"changes.sku_key":               "the field is the offer's",
	"changes.old":                   "there was none",
	"changes.new":                   "there is none any more",
	"changes.old_observed_at":       "the offer was not known before",
	"coverage.declared_total":       "the gateway declares none",
	"coverage.reason":               "the list of ids was given, or the run was interrupted",
	"rejects.offer_id":              "no offer's: a page, a search or a category",
	"rejects.path":                  "the whole of what offer_id, or message, names",
	"rejects.excerpt":               "there is nothing to quote",
	"flags.sku_key":                 "the value is the offer's",
	"flags.excerpt":                 "there is nothing to quote",
	"calls.error_code":              "the gateway gave none",
}

// units says what a column counts in.
var units = map[string]string{
	"products.min_order_quantity": "products.unit", "products.stock": "products.unit", "products.sold": "products.unit",
	"skus.stock": "products.unit", "skus.sold": "products.unit",
	"price_tiers.min_quantity": "products.unit", "price_tiers.max_quantity": "products.unit",
	"skus.quantity": "quantity_unit", "attributes.quantity": "quantity_unit",
	"suppliers.years": "years", "sales.window_days": "days", "sales.sold": "products.unit", "sales.amount": "CNY",
	"reviews.rating": "1 to 5", "shipping.quantity": "pieces", "shipping.fee": "shipping.currency",
	"hits.price": "CNY", "calls.latency_ms": "ms", "calls.bytes": "bytes",
	"coverage.declared_total": "offers or records", "coverage.obtained": "offers or records", "coverage.calls": "attempts",
}

// NullWhen says when the column of a table is null, "" if it never is.
func (t *Table) NullWhen(c Column) string {
	if !c.Nullable {
		return ""
	}
	if text, ok := nulls[t.Name+"."+c.Name]; ok {
		return text
	}
	return nullUntold
}

// Unit says what the column of a table counts in, "" where it counts nothing.
func (t *Table) Unit(c Column) string {
	if u, ok := units[t.Name+"."+c.Name]; ok {
		return u
	}
	switch {
	case strings.HasSuffix(c.Name, "weight_g"):
		return "g"
	case c.Kind == Decimal && strings.Contains(c.Name, "price"):
		return "products.currency"
	case c.Kind == Instant:
		return "UTC"
	case c.Kind == Date:
		return "UTC+8"
	}
	return ""
}
