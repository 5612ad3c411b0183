package transform

import (
	"strings"

	"offerlake/pipeline/catalog"
)

// statusOf maps a gateway's status to one of the table's. gone means that the
// offer was deleted. A gateway without statuses answers only for published
// offers, so that is what silence means.
//
// The official platform's words are published, member expired, auto expired,
// expired, member deleted, modified (a change awaits its audit), new, deleted,
// TBD (to be deleted), approved, auditing and untread (refused by the audit).
func statusOf(text string) (status string, gone bool) {
	switch strings.ToLower(Clean(text)) {
	case "", "published", "approved", "online", "onsale", "上架":
		return catalog.StatusPublished, false
	case "expired", "auto expired", "member expired":
		return catalog.StatusExpired, false
	case "auditing", "modified", "new", "untread":
		return catalog.StatusAuditing, false
	case "deleted", "member deleted":
		return catalog.StatusDelisted, true
	case "tbd", "delisted", "offline", "off-sale", "下架", "已下架", "商品已下架":
		return catalog.StatusDelisted, false
	}
	return catalog.StatusUnknown, false
}

// hasContent reports whether the answer tells anything of the offer.
func (p *pass) hasContent() bool {
	o := p.o
	return p.product.Title != "" || o.Price != "" || len(o.SKUs) > 0 || len(o.Tiers) > 0
}

// refuse rejects an offer that has no place in the other tables.
func (p *pass) refuse() bool {
	status, gone := statusOf(p.o.Status)
	whole := part{}
	switch {
	case p.o.ID <= 0:
		p.reject(CodeBadID, whole, "an offer without a usable id", p.o.ID.String())
	case gone, status == catalog.StatusDelisted && !p.hasContent():
		p.reject(CodeDelisted, whole, "the gateway says that the offer was taken down", p.o.Status)
	case p.o.SKUTableIsBad:
		p.reject(CodeBadSKUTable, whole, "the SKU table cannot be read", "")
	case !p.hasContent():
		p.reject(CodeEmptyOffer, whole, "the answer holds neither title nor price nor SKUs", "")
	default:
		p.product.Status = status
		return false
	}
	return true
}
