package portals

import (
	"cmp"
	"net/http"
	"strings"

	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// quotaWords tell that the day's calls are used up, which has the code of calls
// that come too fast.
var quotaWords = []string{"quota", "已超量", "用完", "到期"}

// classify is the one place that says what a failure means. The code in the
// body, which is written like an HTTP status, may come with any status.
func classify(status int, o envelope.Outcome) catalog.Class {
	code, text := o.Code, strings.ToLower(o.Message)
	for _, w := range quotaWords {
		if strings.Contains(text, w) {
			return catalog.ErrQuota
		}
	}
	switch code {
	case "429":
		return catalog.ErrThrottled
	case "401", "403":
		return catalog.ErrDenied // the key, the signature or the permission
	}
	if class := cmp.Or(flex.StatusClass(status), envelope.MessageClass(o.Message)); class != "" {
		return class
	}
	switch {
	case code == "404":
		return catalog.ErrNotFound
	case code == "400":
		return catalog.ErrInvalid
	case len(code) == 3 && code[0] == '5':
		return catalog.ErrUpstream
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return catalog.ErrDenied
	case code == "" && o.Message == "":
		return catalog.ErrMalformed // a status or a body that says nothing known
	}
	return catalog.ErrRefused
}

func gatewayError(status int, o envelope.Outcome) *catalog.GatewayError {
	return o.Error(status, classify(status, o))
}

// answer is what every answer of the dialect is read into.
type answer struct {
	d       *flex.Decoder
	outcome envelope.Outcome
	payload bool // there was one
	broken  bool // it was of a type that is no payload
}

// read reads the code and the message, and gives the other fields to field.
func (a *answer) read(field func(key []byte)) {
	for key := range a.d.Object() {
		switch string(key) {
		case "code", "message", "msg", "error_code", "error_message":
			a.outcome.Field(a.d, key)
		default:
			field(key)
		}
	}
}

// check returns the error of an answer, or nil if it is a success.
func (a *answer) check(status int) error {
	switch {
	case status >= http.StatusBadRequest, a.outcome.Failed(), !a.payload && a.outcome.Code == "":
		return gatewayError(status, a.outcome)
	case a.broken:
		return flex.NoPayload(status)
	}
	return nil
}
