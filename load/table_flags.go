package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func flags() *Table {
	type row = catalog.Flag
	return newTable("flags", "Values to be read with care, and why. Nothing was dropped.",
		func(r *catalog.Rows) []row { return r.Flags },
		int64Of("offer_id", "Number of the offer; joins products.", func(r *row) int64 { return int64(r.OfferID) }, key|stepping),
		textOpt("sku_key", "The SKU whose value it is; null for the offer's own.", func(r *row) catalog.Opt[string] { return r.SKUKey }, plain),
		textOf("code", "The class of the reason, see below.", func(r *row) string { return r.Code }, plain),
		textOf("message", "The reason in words.", func(r *row) string { return r.Message }, plain),
		textOf("path", "The field.", func(r *row) string { return r.Path }, plain),
		textOpt("excerpt", "The beginning of what was sent.", func(r *row) catalog.Opt[string] { return r.Excerpt }, plain),
		instantOf("observed_at", "When the gateway's answer arrived.", func(r *row) time.Time { return r.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that it came in.", func(r *row) string { return r.JournalRef }, plain),
	)
}
