package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func changes() *Table {
	type row = catalog.Change
	return newTable("changes", "What differs from the last published state of each offer and SKU.",
		func(r *catalog.Rows) []row { return r.Changes },
		int64Of("offer_id", "Number of the offer on 1688.", func(c *row) int64 { return int64(c.OfferID) }, key|stepping),
		textOpt("sku_key", "The SKU; null for what the offer as a whole has. Joins skus.", func(c *row) catalog.Opt[string] { return c.SKUKey }, key),
		textOf("field", "listed, delisted, relisted, status, title, price, tiers, stock, sku_added or sku_removed.", func(c *row) string { return string(c.Field) }, key),
		textOpt("old", "The value before; null for what is new.", func(c *row) catalog.Opt[string] { return c.Old }, plain),
		textOpt("new", "The value now; null for what is gone.", func(c *row) catalog.Opt[string] { return c.New }, plain),
		textOf("title", "Title of the offer, as last known.", func(c *row) string { return c.Title }, plain),
		instantOpt("old_observed_at", "When the job last saw the offer before; null for one that is listed.", func(c *row) catalog.Opt[time.Time] { return c.OldObservedAt }, stepping),
		instantOf("observed_at", "When the gateway's answer arrived.", func(c *row) time.Time { return c.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the new value was read from.", func(c *row) string { return c.JournalRef }, plain),
	)
}
