// Package transform turns offers as gateways describe them into finished table
// rows.
//
// A [Normaliser] is a pure function from one [catalog.Offer] to rows: it does
// no I/O, reads no clock and keeps no state, so the same journal always gives
// the same rows, and the same offer read through two gateways gives the same
// SKU keys, prices and places. It never panics and never fails: what cannot be
// used becomes a row of the rejects table, with a code out of a closed list
// (see [RejectCodes]).
//
// A reject with a path means that this part of the offer was nulled or left
// out while the offer itself is in the tables; one of stage "normalise" without
// a path means that the offer as a whole is not. Paths of that stage name the
// fields of catalog.Offer, such as "skus[3].price"; those of stage "decode" the
// gateway's own.
//
// Where the contract of the tables leaves a choice:
//
//   - An offer whose only SKU has no attributes is one without a SKU table.
//     Its one row takes price, stock, sales and weight from the offer where the
//     SKU has none.
//   - sku_count and image_count are the numbers of the offer's rows in skus and
//     images, so sku_count is 1 for an offer without a SKU table.
//   - Two values of one attribute name in a SKU are two pairs of
//     attributes_text and one entry of attributes, joined by "/".
//   - min_order_quantity is the quantity that the price list begins at where
//     the gateway does not tell.
//   - stock is the sum of the SKUs' stocks where the gateway gives no total and
//     all of them are known.
//   - A price of 0 is impossible, but promotion, consign and retail prices of 0
//     mean that there is none. So do weights of 0 and the stocks 2147483646 and
//     2147483647, which stand for "plenty".
//   - A tier without a usable price has no row and leaves a gap; no other tier
//     is stretched over it.
//
// A Normaliser's Extra does the same for what gateways tell beside an offer's
// details, Hit for a row of search results and Categories for the category tree.
// Records turns the records of calls by name into cells; it alone has a memory,
// that of the columns that it gave out.
//
// Each file holds one concern. The parsers (text, money, quantities, dates,
// places, images) are exported because they define what the columns mean; the
// text cleaners are idempotent.
package transform
