package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func shipping() *Table {
	type row = catalog.Shipping
	return newTable("shipping", "What the gateway estimates for sending a quantity of an offer to a place.",
		func(r *catalog.Rows) []row { return r.Shipping },
		int64Of("offer_id", "Number of the offer on 1688; joins products.", func(s *row) int64 { return int64(s.OfferID) }, key|stepping),
		textOf("destination", "Where to, as asked for.", func(s *row) string { return s.Destination }, plain),
		int64Of("quantity", "Units sent.", func(s *row) int64 { return s.Quantity }, key),
		textOpt("method", "Way of sending, as the gateway names it.", func(s *row) catalog.Opt[string] { return s.Method }, plain),
		decimalOpt("fee", "Freight of the whole quantity; 0 where the seller pays.", func(s *row) catalog.Opt[catalog.Decimal] { return s.Fee }, key),
		textOf("currency", "ISO 4217 code of the fee.", func(s *row) string { return s.Currency }, plain),
		instantOf("observed_at", "When the gateway's answer arrived.", func(s *row) time.Time { return s.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(s *row) string { return s.JournalRef }, plain),
	)
}
