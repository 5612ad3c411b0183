package load

import "offerlake/pipeline/catalog"

func coverage() *Table {
	type row = catalog.Coverage
	return newTable("coverage", "What each query of the job declared and gave.",
		func(r *catalog.Rows) []row { return r.Coverage },
		textOf("source", "The source of the job that the query serves.", func(c *row) string { return c.Source }, plain),
		textOf("leaf", "The query, as JSON.", func(c *row) string { return c.Leaf }, distinct),
		int64Opt("declared_total", "Results that the gateway declared.", func(c *row) catalog.Opt[int64] { return c.DeclaredTotal }, plain),
		int64Of("obtained", "Distinct offers that the query listed; of a call, its records.", func(c *row) int64 { return c.Obtained }, key),
		int64Of("calls", "Calls that the query took.", func(c *row) int64 { return c.Calls }, key),
		boolOf("complete", "Whether the gateway has nothing more.", func(c *row) bool { return c.Complete }, plain),
		textOpt("reason", "What ended the query.", func(c *row) catalog.Opt[string] { return c.Reason }, plain),
	)
}
