// Package extract is the client of 1688 gateways. It signs, limits, retries
// and counts calls, pages through searches and fetches details, and hands
// every answer to the journal before anything else looks at it.
//
// What a gateway's bytes mean is the business of a Dialect, one package per
// wire format below this one. The package starts no goroutine: callers fan
// out, and all methods of Client are safe for that.
package extract
