package onebound

import "offerlake/extract/flex"

// What is on record of the answers, used or not (wire.md 4.2 to 4.5). Whatever
// else comes is drift.
var (
	detailKnown = flex.NewKnown(envelopeFields + `
		item {
			num_iid title desc_short price total_price suggestive_price orginal_price batch_price
			nick num min_num detail_url pic_url brand brandId cid rootCatId crumbs created_time
			modified_time delist_time item_imgs { url } desc desc_img item_weight item_size
			props_name property_alias props_list { * } props_img { * }
			prop_imgs { prop_img { properties url } }
			props { name value }
			skus { sku {
				price total_price orginal_price batch_price onepiece_price agent_price properties
				properties_name quantity sales sku_id spec_id cn_source
			} }
			seller_id shop_id seller_info {
				nick item_score score_p delivery_score shop_type user_num_id sid title shop_name
				zhuy cert open_time credit_score shop_id level menuId
			}
			sales total_sold sales_info sales_data { * }
			location post_fee express_fee ems_fee shipping_to video sample_id tmall warning
			url_log method promo_type unit scale priceRange priceRangeOriginal sub_title
			is_support_mix mix_amount mix_num mix_begin is_promotion has_discount stock_hidden
			shop_item relate_items data_from error format_check favcount fanscount fav_count
			cn_source onepiece_price agent_price is_jxhy one_psale promotion_price
			tag_percent area desc_html video_id apilog ww free_shipping
		}`)

	pageKnown = flex.NewKnown(envelopeFields + `
		items {
			page real_total_results total_results page_size page_count pagecount data_from
			item {
				title pic_url price promotion_price orginal_price sales num_iid tag_percent detail_url
				seller_nick seller_id area one_psale is_jxhy sample_id post_fee sid cid turn_head
				is_factory
			}
			item_weight_update error cat_id cat_name q navs keyword _ddf nav_catcamp nav_filter
			sort_list nick cid
		}`)

	extraKnown = flex.NewKnown(envelopeFields + `
		items {
			num_iid rate_average page page_count pagecount page_size total_results real_total_results data_from error
			item {
				rate_content rate_date rate_id rate_star content add_feedback pics video
				display_user_nick raterUserNick explanation isSystemRemark auction_sku id star useful buyer_credit reply total_results feedback
			}
			has_more_page
		}
		item {
			num_iid title location post_fee express_fee ems_fee area city count error carriage
		}`)
)

const envelopeFields = `
	error reason error_code secache secache_time secache_date cache api_info execution_time
	server_time server_memory client_ip call_args { * } api_type translate_status translate_time
	translate_engine language request_id last_id server_id server_lang currency
`
