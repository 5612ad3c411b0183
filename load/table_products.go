package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func products() *Table {
	type row = catalog.Product
	return newTable("products", "One row per offer, job and date.",
		func(r *catalog.Rows) []row { return r.Products },
		int64Of("offer_id", "Number of the offer on 1688.", func(p *row) int64 { return int64(p.OfferID) }, key|stepping),
		textOf("gateway", "Kind of the gateway that the offer was read through.", func(p *row) string { return p.Gateway }, plain),
		textOf("title", "Title in the seller's language, cleaned.", func(p *row) string { return p.Title }, distinct),
		textOpt("title_translated", "Title as the gateway translated it, where asked for.", func(p *row) catalog.Opt[string] { return p.TitleTranslated }, distinct),
		int64Opt("category_id", "Number of the category that the offer is listed in.", func(p *row) catalog.Opt[int64] { return p.CategoryID }, plain),
		textOpt("category_name", "Name of that category.", func(p *row) catalog.Opt[string] { return p.CategoryName }, plain),
		textOf("status", "published, delisted, expired, auditing or unknown.", func(p *row) string { return p.Status }, plain),
		decimalOpt("price_min", "The least that one piece can cost at any allowed quantity.", func(p *row) catalog.Opt[catalog.Decimal] { return p.PriceMin }, key),
		decimalOpt("price_max", "The most that one piece can cost at any allowed quantity.", func(p *row) catalog.Opt[catalog.Decimal] { return p.PriceMax }, key),
		textOf("price_basis", "What the price depends on: sku, quantity, single, negotiable or unknown.", func(p *row) string { return string(p.PriceBasis) }, plain),
		decimalOpt("price_at_min_order", "The least that one piece can cost when the minimum order is placed.", func(p *row) catalog.Opt[catalog.Decimal] { return p.PriceAtMinOrder }, plain),
		textOf("currency", "ISO 4217 code of all prices of the offer.", func(p *row) string { return p.Currency }, plain),
		int64Opt("min_order_quantity", "Least quantity of an order, in units.", func(p *row) catalog.Opt[int64] { return p.MinOrderQuantity }, plain),
		textOpt("unit", "Unit that quantities count, as the seller names it.", func(p *row) catalog.Opt[string] { return p.Unit }, plain),
		int64Opt("stock", "Units on sale.", func(p *row) catalog.Opt[int64] { return p.Stock }, key|stepping),
		boolOpt("stock_is_lower_bound", "Whether stock was given as \"at least\".", func(p *row) catalog.Opt[bool] { return catalog.Some(p.StockIsLowerBound) }, plain),
		int64Opt("sold", "Units sold, as the gateway counts them.", func(p *row) catalog.Opt[int64] { return p.Sold }, stepping),
		boolOf("sold_is_lower_bound", "Whether sold was given as \"at least\".", func(p *row) bool { return p.SoldIsLowerBound }, plain),
		textOpt("supplier_id", "Identifies the seller; joins suppliers.", func(p *row) catalog.Opt[string] { return p.SupplierID }, plain),
		textOpt("supplier_name", "Company name of the seller.", func(p *row) catalog.Opt[string] { return p.SupplierName }, plain),
		textOpt("province", "Province that the offer ships from.", func(p *row) catalog.Opt[string] { return p.Province }, plain),
		textOpt("city", "City that the offer ships from.", func(p *row) catalog.Opt[string] { return p.City }, plain),
		boolOpt("free_shipping", "Whether the seller pays for shipping.", func(p *row) catalog.Opt[bool] { return p.FreeShipping }, plain),
		boolOpt("verified_supplier", "Whether 1688 marks the seller as verified.", func(p *row) catalog.Opt[bool] { return p.VerifiedSupplier }, plain),
		decimalOpt("weight_g", "Weight of one piece, in grams.", func(p *row) catalog.Opt[catalog.Decimal] { return p.WeightG }, plain),
		textOpt("image_url", "First main image.", func(p *row) catalog.Opt[string] { return p.ImageURL }, distinct),
		int32Of("image_count", "Number of the offer's rows in images.", func(p *row) int32 { return p.ImageCount }, plain),
		int32Of("sku_count", "Number of the offer's rows in skus.", func(p *row) int32 { return p.SKUCount }, plain),
		textOf("detail_url", "Page of the offer on 1688.", func(p *row) string { return p.DetailURL }, distinct),
		instantOpt("created_at", "When the offer was created.", func(p *row) catalog.Opt[time.Time] { return p.CreatedAt }, stepping),
		instantOpt("updated_at", "When the offer was last changed.", func(p *row) catalog.Opt[time.Time] { return p.UpdatedAt }, stepping),
		textOf("source", "The source of the job that found the offer first.", func(p *row) string { return p.Source }, plain),
		int32Opt("source_rank", "Position in that source's results, from 0.", func(p *row) catalog.Opt[int32] { return p.SourceRank }, plain),
		instantOf("observed_at", "When the gateway's answer arrived.", func(p *row) time.Time { return p.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(p *row) string { return p.JournalRef }, plain),
	)
}
