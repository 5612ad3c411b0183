package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func hits() *Table {
	type row = catalog.HitRow
	return newTable("hits", "One row per offer that a source's results list, whichever source its product is of; results without a product too.",
		func(r *catalog.Rows) []row { return r.Hits },
		textOf("source", "The source of the job.", func(h *row) string { return h.Source }, plain),
		int32Of("rank", "Position in the source's results, from 0, the first time that they list the offer.", func(h *row) int32 { return h.Rank }, plain),
		int64Of("offer_id", "Number of the offer on 1688; joins products.", func(h *row) int64 { return int64(h.OfferID) }, key|stepping),
		textOpt("title", "Title in the results, cleaned.", func(h *row) catalog.Opt[string] { return h.Title }, distinct),
		decimalOpt("price", "Price in the results; of a range its lower end.", func(h *row) catalog.Opt[catalog.Decimal] { return h.Price }, plain),
		instantOf("observed_at", "When the gateway's answer arrived.", func(h *row) time.Time { return h.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(h *row) string { return h.JournalRef }, plain),
	)
}
