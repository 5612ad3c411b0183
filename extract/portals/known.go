package portals

import "offerlake/extract/flex"

// What is on record of the answers, used or not (wire.md 10). Whatever else
// comes is drift.
var (
	detailKnown = flex.NewKnown(`
		request_id
		item {
			num_iid title pic_url price sales detail_url shop_name shop_url
			sku { sku_id sku_name sku_price }
		}`)
	pageKnown = flex.NewKnown(`
		request_id total page page_size
		items { num_iid title price pic_url sales detail_url shop_name }`)
)
