package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func categories() *Table {
	type row = catalog.CategoryRow
	return newTable("categories", "The category tree, parents before their children.",
		func(r *catalog.Rows) []row { return r.Categories },
		int64Of("category_id", "Number of the category on 1688; joins products.", func(c *row) int64 { return c.CategoryID }, key|stepping),
		textOf("name", "Name of the category.", func(c *row) string { return c.Name }, distinct),
		int64Opt("parent_id", "Number of the category above; null for a root.", func(c *row) catalog.Opt[int64] { return c.ParentID }, plain),
		int32Of("level", "Depth in the tree; 1 for a root.", func(c *row) int32 { return c.Level }, plain),
		textOf("path", "The names from the root on, joined by \" > \".", func(c *row) string { return c.Path }, distinct),
		boolOf("leaf", "Whether there is no category below.", func(c *row) bool { return c.Leaf }, plain),
		instantOf("observed_at", "When the gateway's answer arrived.", func(c *row) time.Time { return c.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(c *row) string { return c.JournalRef }, plain),
	)
}
