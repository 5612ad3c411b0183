// Package router speaks the wire format of gateways with one address,
// /router/json, and the name of the API in the parameter method: GET requests
// signed with an MD5 that has the secret at its end only. A search takes a
// keyword and a page, nothing else. Products are flat and carry their SKU
// attributes as text; there are no quantity-dependent prices, minimum orders,
// attributes of the offer or seller ids.
//
// A Dialect holds no connection and no mutable state.
package router
