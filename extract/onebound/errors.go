package onebound

import (
	"cmp"
	"net/http"
	"strings"

	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// reasons are the gateway's words, which come before its codes: one code has
// several meanings.
var reasons = []struct {
	text  string
	class catalog.Class
}{
	{"已超量", catalog.ErrQuota},   // Key[...]已超量: the day's calls are used up
	{"到期", catalog.ErrQuota},    // 接口已到期: the package has expired
	{"无权访问", catalog.ErrDenied}, // ...无权访问, 请开通接口: the API is not enabled for the key
	{"开通", catalog.ErrDenied},
	{"api_init", catalog.ErrThrottled}, // only ever seen in bursts of concurrent calls
	{"item-not-found", catalog.ErrNotFound},
	{"off-sale", catalog.ErrDelisted},
	{"下架", catalog.ErrDelisted},
	{"不存在", catalog.ErrNotFound},
}

// codes are what the gateway's codes mean where its words do not tell.
var codes = map[string]catalog.Class{
	"2000": catalog.ErrNotFound,
	"4000": catalog.ErrUpstream,
	"4005": catalog.ErrDenied,
	"4010": catalog.ErrThrottled,
	"4013": catalog.ErrQuota,
	"4016": catalog.ErrDenied,
	"5000": catalog.ErrUpstream,
}

// classify is the one place that says what a failure means. The HTTP status is
// 200 for all of the gateway's own errors.
func classify(status int, code, message string) catalog.Class {
	text := strings.ToLower(message)
	for _, r := range reasons {
		if strings.Contains(text, r.text) {
			return r.class
		}
	}
	if class, ok := codes[code]; ok {
		return class
	}
	if class := flex.StatusClass(status); class != "" {
		return class
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return catalog.ErrDenied
	case len(code) == 4 && (code[0] == '4' || code[0] == '5'):
		// No table of these codes is published, so an unknown one is not final.
		return catalog.ErrUpstream
	case code == "" && message == "":
		return catalog.ErrMalformed // a status or a body that says nothing known
	}
	return catalog.ErrRefused
}

// proxied are the official platform's codes as they come through custom.
var proxied = []struct {
	text  string
	class catalog.Class
}{
	{"FrequencyLimit", catalog.ErrThrottled},
	{"NoUsageLeft", catalog.ErrQuota},
	{"ParamMissing", catalog.ErrInvalid},
	{"ParamInvalid", catalog.ErrInvalid},
	{"gw.", catalog.ErrDenied}, // key, signature, permission, unknown API
	{"401", catalog.ErrDenied}, // the session has ended; there is no way to renew it
	{"403", catalog.ErrDenied},
}

// classifyProxied is classify for an error of the official platform.
func classifyProxied(code, message string) catalog.Class {
	for _, p := range proxied {
		if strings.HasPrefix(code, p.text) || strings.Contains(code, p.text) && strings.HasPrefix(code, "gw.") {
			return p.class
		}
	}
	return cmp.Or(envelope.MessageClass(message), catalog.ErrRefused)
}

// okCode is the code of success.
const okCode = "0000"

// answer is what every answer of the gateway is read into.
type answer struct {
	d       *flex.Decoder
	code    string
	reason  string // of the envelope
	errText string // of the envelope's error
	item    string // of item.error or items.error, which may come with okCode
	payload bool   // there was one, which is one way to tell of success
	broken  bool   // it was of a type that is no payload
}

// read reads the envelope, and gives the fields that are not its own to field.
func (a *answer) read(field func(key []byte)) {
	for key := range a.d.Object() {
		switch string(key) {
		case "error_code":
			a.code = a.d.Text()
		case "reason":
			a.reason = a.d.Text()
		case "error":
			if a.errText = a.d.Text(); a.errText == "0" {
				a.errText = ""
			}
		default:
			field(key)
		}
	}
}

// check returns the error of an answer, or nil if it is a success.
func (a *answer) check(status int) error {
	failed := a.code != okCode && a.code != "" && a.code != "0"
	message := cmp.Or(a.errText, a.item)
	if failed {
		message = cmp.Or(a.reason, message)
	}
	switch {
	case status >= 400, failed, message != "", !a.payload && a.code == "":
		return &catalog.GatewayError{
			Class: classify(status, a.code, strings.TrimSpace(a.reason+" "+message)), Status: status, Code: a.code, Message: message,
		}
	case a.broken:
		return flex.NoPayload(status)
	}
	return nil
}
