// Package onebound speaks the wire format of the onebound reseller gateway,
// api-gw.onebound.cn: GET requests with key and secret, PHP-made JSON or XML
// whose containers degrade to "", [] or null, and errors inside HTTP 200.
//
// A Dialect holds no connection and no mutable state.
package onebound
