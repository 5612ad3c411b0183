package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func reviews() *Table {
	type row = catalog.Review
	return newTable("reviews", "Reviews of offers, in the gateway's order.",
		func(r *catalog.Rows) []row { return r.Reviews },
		int64Of("offer_id", "Number of the offer on 1688; joins products.", func(v *row) int64 { return int64(v.OfferID) }, key|stepping),
		textOf("review_id", "Identifies the review: the gateway's id, or 32 hex digits over its content where it has none.", func(v *row) string { return v.ReviewID }, key|distinct),
		int32Opt("rating", "Stars, from 1 to 5.", func(v *row) catalog.Opt[int32] { return v.Rating }, plain),
		textOpt("text", "What the buyer wrote, cleaned.", func(v *row) catalog.Opt[string] { return v.Text }, distinct),
		textOpt("sku_text", "What the buyer bought, as the gateway writes it, cleaned.", func(v *row) catalog.Opt[string] { return v.SKUText }, plain),
		instantOpt("reviewed_at", "When the review was written.", func(v *row) catalog.Opt[time.Time] { return v.ReviewedAt }, stepping),
		instantOf("observed_at", "When the gateway's answer arrived.", func(v *row) time.Time { return v.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(v *row) string { return v.JournalRef }, plain),
	)
}
