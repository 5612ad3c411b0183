// Package openplatform speaks the wire format of Alibaba's own gateway for
// 1688, gw.open.1688.com: form posts signed with HMAC-SHA1, JSON-valued
// parameters, OAuth access tokens, and answers in several envelopes, as JSON or
// XML.
//
// A Dialect holds no connection and no mutable state.
package openplatform
