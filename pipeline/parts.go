package pipeline

import "offerlake/pipeline/catalog"

// partsTally counts what the regions of one split gave, see catalog.Parts. The
// leaves of a split come one after the other, the split query last.
type partsTally struct {
	of     *catalog.Parts
	listed map[catalog.OfferID]struct{} // distinct offers, those of the split query included
	whole  bool                         // every region was read to its end
	beyond bool                         // the split query listed what no region did
}

// begin starts with a leaf.
func (p *partsTally) begin(leaf *catalog.Leaf) {
	if leaf.Parts != p.of {
		*p = partsTally{of: leaf.Parts, listed: map[catalog.OfferID]struct{}{}, whole: true}
	}
}

// list takes in an offer that a leaf listed.
func (p *partsTally) list(leaf *catalog.Leaf, id catalog.OfferID) {
	if leaf.Parts == nil {
		return
	}
	before := len(p.listed)
	p.listed[id] = struct{}{}
	p.beyond = p.beyond || leaf.Query.Region == "" && len(p.listed) > before
}

// end takes in how a leaf ended. The row of the split query tells what was
// obtained of it in all. It is complete if that is exactly what it declares:
// more would show that the declared number is wrong.
func (p *partsTally) end(t *tally) {
	switch {
	case t.leaf.Parts == nil:
	case t.leaf.Query.Region != "":
		p.whole = p.whole && t.Complete
	case t.stop == catalog.StopCapped && t.leaf.Ignored == "":
		t.Obtained = int64(len(p.listed))
		t.Complete = p.whole && !p.beyond && t.DeclaredTotal.OK && t.DeclaredTotal.V == t.Obtained
		t.Reason = catalog.Some(ReasonRegions)
		if t.Complete {
			t.Reason = catalog.Some(string(catalog.StopTotal))
		}
		p.listed = nil
	}
}
