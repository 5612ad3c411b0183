// Package envelope reads what surrounds the payload in answers of the official
// platform and of gateways modelled on it: whether the call succeeded, told in
// a dozen spellings, the gateway's words about an offer, and OAuth tokens.
package envelope
