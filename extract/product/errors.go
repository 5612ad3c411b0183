package product

import (
	"net/http"
	"strings"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// codes are those codes of the official gateway that leave no doubt. Gateways
// modelled on it answer them too.
var codes = map[string]catalog.Class{
	"gw.SignatureMissing": catalog.ErrDenied,
	"gw.SignatureInvalid": catalog.ErrDenied,
	"gw.AppKeyMissing":    catalog.ErrDenied,
	"gw.AppKeyNotFound":   catalog.ErrDenied,
	"gw.APIUnsupported":   catalog.ErrDenied, // no call of this API will ever work
	"gw.APIACLDecline":    catalog.ErrDenied,
	"gw.NoUsageLeftError": catalog.ErrQuota,
	"gw.ParamMissing":     catalog.ErrInvalid,
	"gw.ParamInvalid":     catalog.ErrInvalid,
}

// classify is the one place that says what a failure means. Codes and words
// come before the status, since throttling is answered with 429, 400 and 200
// alike.
func classify(status int, o envelope.Outcome) catalog.Class {
	if class, ok := codes[o.Code]; ok {
		return class
	}
	text := strings.ToLower(o.Code + " " + o.Message)
	switch {
	case strings.Contains(text, "limit reached"), strings.Contains(text, "frequency"):
		return catalog.ErrThrottled
	case strings.Contains(text, "access token"), strings.Contains(text, "access_token"), status == http.StatusUnauthorized:
		return catalog.ErrToken
	}
	if class := flex.StatusClass(status); class != "" {
		return class
	}
	if class := envelope.MessageClass(o.Message); class != "" {
		return class
	}
	switch {
	case status == http.StatusForbidden:
		return catalog.ErrDenied
	case o.Failed():
		return catalog.ErrRefused
	}
	return catalog.ErrMalformed // a status or a body that says nothing known
}

// GatewayError returns the error that an answer stands for.
func GatewayError(status int, o envelope.Outcome) *catalog.GatewayError {
	return o.Error(status, classify(status, o))
}

// answer is what every answer of a Service is read into.
type answer struct {
	d       *flex.Decoder
	outcome envelope.Outcome
	payload bool // there was one, which is one way to tell of success
	broken  bool // it was of a type that is no payload
}

// check returns the error of an answer, or nil if it is a success.
func (a *answer) check(status int) error {
	switch {
	case status >= 400, a.outcome.Failed(), !a.payload && !a.outcome.Success.V:
		return GatewayError(status, a.outcome)
	case a.broken:
		return flex.NoPayload(status)
	}
	return nil
}

// DecodeCall returns what an answer to a Call holds, without the envelope. An
// answer that holds nothing and tells of no success is an error.
func (s *Service) DecodeCall(a extract.Answer) ([]byte, error) {
	payload, o, err := envelope.Payload(&s.pool, a.Status, a.Body)
	switch {
	case err != nil:
		return nil, err
	case a.Status >= 400, o.Failed(), !o.Success.OK && string(payload) == "{}":
		return nil, GatewayError(a.Status, o)
	}
	return payload, nil
}
