package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func suppliers() *Table {
	type row = catalog.Supplier
	return newTable("suppliers", "One row per seller of an offer, job and date.",
		func(r *catalog.Rows) []row { return r.Suppliers },
		textOf("supplier_id", "Identifies the seller.", func(s *row) string { return s.SupplierID }, key|distinct),
		textOpt("name", "Company name.", func(s *row) catalog.Opt[string] { return s.Name }, distinct),
		textOpt("login_id", "Login name on 1688.", func(s *row) catalog.Opt[string] { return s.LoginID }, distinct),
		textOpt("shop_url", "Address of the shop.", func(s *row) catalog.Opt[string] { return s.ShopURL }, distinct),
		textOpt("province", "Province of the seller.", func(s *row) catalog.Opt[string] { return s.Province }, plain),
		textOpt("city", "City of the seller.", func(s *row) catalog.Opt[string] { return s.City }, plain),
		int32Opt("years", "Years as a paying member of 1688.", func(s *row) catalog.Opt[int32] { return s.Years }, plain),
		pairsOf("scores", "Ratings by name, as the gateway wrote them.", func(s *row) []catalog.Pair { return s.Scores }, plain),
		instantOf("observed_at", "When the gateway's answer arrived.", func(s *row) time.Time { return s.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(s *row) string { return s.JournalRef }, plain),
	)
}
