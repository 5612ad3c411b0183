// Package portals speaks the dialect that an article about 1688 describes
// (wire.md 7, article A, and 10): GET requests below openapi/portals with the
// API's name as a parameter, signed by MD5, and answers with a code as text.
// It knows little of an offer: no category, no minimum order, no stock and no
// price tiers, and a SKU's attributes in one text.
//
// A Dialect holds no connection and no mutable state.
package portals
