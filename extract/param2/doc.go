// Package param2 speaks the wire format of gateways that take the calls and
// the product model of the token dialect (package bearer), but signed: GET
// requests below /openapi/param2/1 with app_key, method, a timestamp in seconds
// and sign, an HMAC-SHA1 over the parameters alone. It is not the official
// platform's format, whose signature covers the path and goes by another name.
//
// A Dialect holds no connection and no mutable state.
package param2
