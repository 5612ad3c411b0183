package portals

import (
	"net/http"

	"offerlake/extract"
	"offerlake/extract/envelope"
)

// DecodeCall returns the whole answer, since what carries the payload differs
// from API to API, as item and items do; or what lies under result.
func (d *Dialect) DecodeCall(a extract.Answer) ([]byte, error) {
	payload, outcome, err := envelope.Payload(&d.pool, a.Status, a.Body)
	if err != nil {
		return nil, err
	}
	if a.Status >= http.StatusBadRequest || outcome.Failed() || outcome.Code == "" {
		return nil, gatewayError(a.Status, outcome)
	}
	return payload, nil
}
