package load

import "offerlake/pipeline/catalog"

func attributes() *Table {
	type row = catalog.AttributeRow
	return newTable("attributes", "Properties that the seller states of an offer.",
		func(r *catalog.Rows) []row { return r.Attributes },
		int64Of("offer_id", "Number of the offer on 1688; joins products.", func(a *row) int64 { return int64(a.OfferID) }, key|stepping),
		int32Of("position", "Place in the gateway's order, from 0.", func(a *row) int32 { return a.Position }, plain),
		int64Opt("attribute_id", "Number of the property on 1688.", func(a *row) catalog.Opt[int64] { return a.AttributeID }, plain),
		textOf("name", "Name of the property.", func(a *row) string { return a.Name }, plain),
		textOf("value", "Value of the property.", func(a *row) string { return a.Value }, plain),
		textOpt("canonical_name", "What aliases make of name; null where that is the same.", func(a *row) catalog.Opt[string] { return a.CanonicalName }, plain),
		textOpt("canonical_value", "What aliases make of value; null where that is the same.", func(a *row) catalog.Opt[string] { return a.CanonicalValue }, plain),
		decimalOpt("quantity", "Number that value states with a unit, in quantity_unit.", func(a *row) catalog.Opt[catalog.Decimal] { return a.Quantity }, plain),
		textOpt("quantity_unit", "ml, g, mm, piece, pair or set.", func(a *row) catalog.Opt[string] { return a.Unit }, plain),
		int64Opt("pack_count", "How many of quantity make a pack, where value tells.", func(a *row) catalog.Opt[int64] { return a.Pack }, plain),
	)
}
