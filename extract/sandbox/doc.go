// Package sandbox emulates 1688 gateways over real HTTP: the official
// platform (openplatform), a reseller (onebound), and the formats of articles
// about the platform: with a token (bearer), with a signature (param2), with one
// address for all APIs (router, portals). All are in front of one catalogue that
// does not exist.
//
// The catalogue is a function of a seed and an offer's index, so a restarted
// sandbox serves the same world and a test can compare what it extracted with
// the truth (Catalog). The bytes of an answer are a function of the seed and
// the request, never of time or of the order of calls, with four exceptions:
// tokens, refusals (throttling, quota, faults), the quota counter that onebound
// shows when Options.PerDay is set, and the sales of the last days, which
// end yesterday.
//
// What the gateways really do is measured or documented: the order of checks,
// throttling as HTTP 400, business errors in HTTP 200, windows of 2000 rows,
// numbers that are strings. Profile says how much of it a client meets.
//
// A Server starts no goroutine. Listen starts one, which Listener.Close ends.
package sandbox
