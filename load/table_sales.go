package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func sales() *Table {
	type row = catalog.Sale
	return newTable("sales", "What was sold of an offer, by day or by window of days.",
		func(r *catalog.Rows) []row { return r.Sales },
		int64Of("offer_id", "Number of the offer on 1688; joins products.", func(s *row) int64 { return int64(s.OfferID) }, key|stepping),
		dateOpt("day", "The day, on the clock of UTC+8; null for a window.", func(s *row) catalog.Opt[time.Time] { return s.Day }, key),
		int32Opt("window_days", "Number of days up to observed_at; null for a day.", func(s *row) catalog.Opt[int32] { return s.WindowDays }, plain),
		int64Opt("sold", "Units sold; null where the gateway gives no number.", func(s *row) catalog.Opt[int64] { return s.Sold }, key),
		decimalOpt("amount", "What they were sold for, in CNY.", func(s *row) catalog.Opt[catalog.Decimal] { return s.Amount }, plain),
		instantOf("observed_at", "When the gateway's answer arrived.", func(s *row) time.Time { return s.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(s *row) string { return s.JournalRef }, plain),
	)
}
