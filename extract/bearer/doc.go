// Package bearer speaks the wire format of gateways that take an OAuth token
// in an Authorization header instead of signing each call: GET requests below
// /openapi/param2/1/com.alibaba.product, answered with the official platform's
// older product model. What it asks and how answers read it shares with the
// dialect that signs (package product).
//
// A Dialect holds no connection and no mutable state.
package bearer
