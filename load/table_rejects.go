package load

import "offerlake/pipeline/catalog"

func rejects() *Table {
	type row = catalog.Reject
	id := func(r *row) catalog.Opt[int64] { return catalog.Opt[int64]{V: int64(r.OfferID.V), OK: r.OfferID.OK} }
	return newTable("rejects", "Everything that was dropped, and why.",
		func(r *catalog.Rows) []row { return r.Rejects },
		int64Opt("offer_id", "Number of the offer, where known.", id, key|stepping),
		textOf("stage", "Where it was dropped: discover, fetch, decode, normalise, filter, enrich or categories.", func(r *row) string { return r.Stage }, plain),
		textOf("code", "The class of the reason.", func(r *row) string { return r.Code }, plain),
		textOf("message", "The reason in words.", func(r *row) string { return r.Message }, plain),
		textOpt("path", "The field at fault.", func(r *row) catalog.Opt[string] { return r.Path }, plain),
		textOpt("excerpt", "The beginning of what was sent.", func(r *row) catalog.Opt[string] { return r.Excerpt }, plain),
		textOf("journal_ref", "The journal record that it came in.", func(r *row) string { return r.JournalRef }, plain),
	)
}
