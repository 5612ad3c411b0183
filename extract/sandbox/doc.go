// Package sandbox emulates 1688 gateways over real HTTP: the official
// platform (openplatform), a reseller (onebound) and the token dialect
// (bearer), all in front of one catalogue that does not exist.
//
// The catalogue is a function of a seed and an offer's index, so a restarted
// sandbox serves the same world and a test can compare what it extracted with
// the truth (Catalog). The bytes of an answer are a function of the seed and
// the request, never of time or of the order of calls, with three exceptions:
// tokens, refusals (throttling, quota, faults), and the quota counter that
// onebound shows when Options.PerDay is set.
//
// What the gateways really do is measured or documented: the order of checks,
// throttling as HTTP 400, business errors in HTTP 200, windows of 2000 rows,
// numbers that are strings. Profile says how much of it a client meets.
//
// A Server starts no goroutine. Listen starts one, which Listener.Close ends.
package sandbox
