package product

import (
	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// DecodeDetails reads the answer to a Details call. In a batch, ids that do
// not exist are simply absent, or named in the message.
func (s *Service) DecodeDetails(a extract.Answer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) error {
	var r detailReader
	err := s.pool.ReadKnown(a.Status, a.Body, detailKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.read()
	})
	if err != nil {
		return err
	}
	if err := r.check(a.Status); err != nil {
		return err
	}
	r.emit(ids, emit)
	return nil
}

type detailReader struct {
	answer
	offers []*catalog.Offer
}

func (r *detailReader) read() {
	for key := range r.d.Object() {
		switch string(key) {
		case "result":
			r.read()
		case "product", "productInfo":
			r.payload = true
			r.keep()
		case "products":
			r.payload = true
			t := r.d.Rows(r.keep)
			r.broken = r.broken || t.Unreadable
		default:
			r.outcome.Field(r.d, key)
		}
	}
	r.outcome.KnownCode(r.d)
}

// keep reads one product, if there is one.
func (r *detailReader) keep() {
	switch r.d.Kind() {
	case flex.Empty:
	case flex.Object, flex.Positions:
		if o := Read(r.d); !Blank(o) {
			r.offers = append(r.offers, o)
		}
	default:
		r.broken = true
	}
}

// emit hands on each offer once, and the errors of those that the message
// names.
func (r *detailReader) emit(ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) {
	seen := make(map[catalog.OfferID]bool, len(r.offers))
	for _, o := range r.offers {
		if o.ID == 0 && len(ids) == 1 {
			o.ID = ids[0] // the answer to a call for one offer need not repeat its id
		}
		if o.ID != 0 && !seen[o.ID] {
			seen[o.ID] = true
			emit(o.ID, o, nil)
		}
	}
	if r.outcome.Message == "" {
		return
	}
	errs := envelope.Mentioned(r.outcome.Message, ids)
	for _, id := range ids {
		if err := errs[id]; err != nil && !seen[id] {
			emit(id, nil, err)
		}
	}
}
