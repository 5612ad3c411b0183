package router

import (
	"cmp"
	"net/http"
	"strings"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// codes are the numbers of error_response, which are those of Alibaba's TOP
// gateway. They come with HTTP 200.
var codes = map[string]catalog.Class{
	"7":  catalog.ErrThrottled, // App Call Limited
	"9":  catalog.ErrUpstream,  // service currently unavailable
	"11": catalog.ErrDenied,    // insufficient permissions
	"15": catalog.ErrUpstream,  // remote service error
	"21": catalog.ErrInvalid,   // missing method
	"22": catalog.ErrDenied,    // invalid method: no call of this API will ever work
	"24": catalog.ErrDenied,    // missing signature
	"25": catalog.ErrDenied,    // invalid signature
	"26": catalog.ErrDenied,    // missing session, which the format has no way to obtain
	"27": catalog.ErrDenied,    // invalid session
	"28": catalog.ErrDenied,    // missing app key
	"29": catalog.ErrDenied,    // invalid app key
	"31": catalog.ErrDenied,    // invalid timestamp: the clock is wrong
	"40": catalog.ErrInvalid,   // missing arguments
	"41": catalog.ErrInvalid,   // invalid arguments
}

// classify is the one place that says what a failure means. Words come before
// codes, because remote service errors are about an offer, too, and a limit may
// be that of the day.
func classify(status int, e errorResponse, o envelope.Outcome) catalog.Class {
	message := e.text() + " " + o.Message
	if strings.Contains(strings.ToLower(message), "quota") || strings.Contains(message, "已超量") {
		return catalog.ErrQuota
	}
	if class := envelope.MessageClass(message); class != "" && (e.code == "" || e.code == "15") {
		return class
	}
	if class, ok := codes[e.code]; ok {
		return class
	}
	if class := flex.StatusClass(status); class != "" {
		return class
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return catalog.ErrDenied
	case e.code != "", e.text() != "", o.Failed():
		return catalog.ErrRefused
	}
	return catalog.ErrMalformed // a status or a body that says nothing known
}

// errorResponse is the object of that name. The part that begins with sub is of
// the service behind the gateway.
type errorResponse struct {
	code, message, subCode, subMessage string
}

func (e *errorResponse) read(d *flex.Decoder) {
	for key := range d.Object() {
		switch string(key) {
		case "code":
			e.code = d.Text()
		case "msg":
			e.message = d.Text()
		case "sub_code":
			e.subCode = d.Text()
		case "sub_msg":
			e.subMessage = d.Text()
		}
	}
}

// text returns all words of the error.
func (e *errorResponse) text() string {
	words := []string{e.message, e.subCode, e.subMessage}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// answer is what every answer of the gateway is read into.
type answer struct {
	d       *flex.Decoder
	failure errorResponse
	outcome envelope.Outcome
	payload bool // there was one, which is one way to tell of success
	broken  bool // it was of a type that is no payload
}

// read reads the envelope, and gives the fields that are not its own to field.
func (a *answer) read(field func(key []byte)) {
	for key := range a.d.Object() {
		switch {
		case string(key) == "result":
			a.read(field)
		case string(key) == "error_response":
			a.failure.read(a.d)
		case a.outcome.Field(a.d, key):
		default:
			field(key)
		}
	}
	a.outcome.KnownCode(a.d)
}

// check returns the error of an answer, or nil if it is a success.
func (a *answer) check(status int) error {
	switch {
	case a.failed(status), !a.payload && !a.outcome.Success.V:
		return &catalog.GatewayError{
			Class: classify(status, a.failure, a.outcome), Status: status,
			Code: cmp.Or(a.failure.code, a.outcome.Code), Message: cmp.Or(a.failure.text(), a.outcome.Message),
		}
	case a.broken:
		return flex.NoPayload(status)
	}
	return nil
}

func (a *answer) failed(status int) bool {
	return status >= 400 || a.failure != (errorResponse{}) || a.outcome.Failed()
}

// DecodeCall returns what an answer to a Call holds under result.
func (d *Dialect) DecodeCall(a extract.Answer) ([]byte, error) {
	payload, o, err := envelope.Payload(&d.pool, a.Status, a.Body)
	if err != nil {
		return nil, err
	}
	r := answer{outcome: o, payload: string(payload) != "{}"}
	err = d.pool.Read(a.Status, a.Body, func(in *flex.Decoder) {
		for key := range in.Object() {
			if string(key) == "error_response" {
				r.failure.read(in)
			}
		}
	})
	if err == nil {
		err = r.check(a.Status)
	}
	if err != nil {
		return nil, err
	}
	return payload, nil
}
