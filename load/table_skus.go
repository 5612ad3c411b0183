package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func skus() *Table {
	type row = catalog.SKU
	return newTable("skus", "One row per stock keeping unit; an offer without a SKU table has one row.",
		func(r *catalog.Rows) []row { return r.SKUs },
		int64Of("offer_id", "Number of the offer on 1688; joins products.", func(s *row) int64 { return int64(s.OfferID) }, key|stepping),
		textOf("sku_key", "Identifies the SKU across gateways and days: 32 hex digits over offer_id and attributes_text.", func(s *row) string { return s.SKUKey }, key|distinct),
		int64Opt("sku_id", "Number of the SKU on 1688.", func(s *row) catalog.Opt[int64] { return s.SKUID }, stepping),
		textOpt("spec_id", "The gateway's id of the attribute combination.", func(s *row) catalog.Opt[string] { return s.SpecID }, distinct),
		pairsOf("attributes", "Names and values that tell the SKU from its siblings, sorted by name.", func(s *row) []catalog.Pair { return s.Attributes }, plain),
		textOf("attributes_text", "The attributes as name=value, sorted by name, joined by a semicolon.", func(s *row) string { return s.AttributesText }, plain),
		textOpt("canonical_text", "attributes_text with canonical names and values; null where it is the same text.", func(s *row) catalog.Opt[string] { return s.CanonicalText }, plain),
		textOpt("color", "Base colour that the attributes name, such as 红色; null when they name none or several.", func(s *row) catalog.Opt[string] { return s.Color }, plain),
		textOpt("size", "Size of clothes or shoes that the attributes name, such as 2XL or 42.", func(s *row) catalog.Opt[string] { return s.Size }, plain),
		decimalOpt("quantity", "Content of one piece that the attributes name, in quantity_unit.", func(s *row) catalog.Opt[catalog.Decimal] { return s.Quantity }, plain),
		textOpt("quantity_unit", "ml, g, mm, piece, pair or set.", func(s *row) catalog.Opt[string] { return s.Unit }, plain),
		int64Opt("pack_count", "How many of quantity make a pack, where the attributes tell.", func(s *row) catalog.Opt[int64] { return s.Pack }, plain),
		decimalOpt("price", "Price of one piece.", func(s *row) catalog.Opt[catalog.Decimal] { return s.Price }, key),
		decimalOpt("promotion_price", "Price while a promotion runs.", func(s *row) catalog.Opt[catalog.Decimal] { return s.PromotionPrice }, plain),
		decimalOpt("consign_price", "Price for drop shipping.", func(s *row) catalog.Opt[catalog.Decimal] { return s.ConsignPrice }, plain),
		decimalOpt("retail_price", "Suggested retail price.", func(s *row) catalog.Opt[catalog.Decimal] { return s.RetailPrice }, plain),
		int64Opt("stock", "Units on sale.", func(s *row) catalog.Opt[int64] { return s.Stock }, key|stepping),
		boolOpt("stock_is_lower_bound", "Whether stock was given as \"at least\".", func(s *row) catalog.Opt[bool] { return catalog.Some(s.StockIsLowerBound) }, plain),
		int64Opt("sold", "Units sold, as the gateway counts them.", func(s *row) catalog.Opt[int64] { return s.Sold }, stepping),
		boolOpt("sold_is_lower_bound", "Whether sold was given as \"at least\".", func(s *row) catalog.Opt[bool] { return catalog.Some(s.SoldIsLowerBound) }, plain),
		textOpt("cargo_number", "The seller's own article number.", func(s *row) catalog.Opt[string] { return s.CargoNumber }, plain),
		textOpt("image_url", "Image of the SKU.", func(s *row) catalog.Opt[string] { return s.ImageURL }, plain),
		decimalOpt("weight_g", "Weight of one piece, in grams.", func(s *row) catalog.Opt[catalog.Decimal] { return s.WeightG }, plain),
		instantOf("observed_at", "When the gateway's answer arrived.", func(s *row) time.Time { return s.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(s *row) string { return s.JournalRef }, plain),
	)
}
