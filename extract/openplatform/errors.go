package openplatform

import (
	"net/http"
	"strings"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// codes are the error codes that say what a failure means. Those of the gateway
// itself are measured on the live one.
var codes = map[string]catalog.Class{
	"gw.QosAppFrequencyLimit": catalog.ErrThrottled, // with HTTP 400 or 200
	"gw.NoUsageLeftError":     catalog.ErrQuota,
	"gw.SignatureMissing":     catalog.ErrDenied,
	"gw.SignatureInvalid":     catalog.ErrDenied,
	"gw.AppKeyMissing":        catalog.ErrDenied,
	"gw.AppKeyNotFound":       catalog.ErrDenied,
	"gw.APIUnsupported":       catalog.ErrDenied, // no call of this API will ever work
	"gw.APIACLDecline":        catalog.ErrDenied,
	"gw.ParamMissing":         catalog.ErrInvalid,
	"401":                     catalog.ErrToken,
	"403":                     catalog.ErrDenied,

	// Those of the trade and logistics APIs, as documented.
	"500_2":           catalog.ErrRefused, // the order was not sent yet; others that begin with 500 are faults
	"ORDER_NOT_EXIST": catalog.ErrNotFound,
}

// classify is the one place that says what a failure means. Codes come before
// the HTTP status, which is 400 for throttling and for wrong parameters alike.
func classify(status int, o envelope.Outcome) catalog.Class {
	if class, ok := codes[o.Code]; ok {
		return class
	}
	if limited(o.Code) {
		return catalog.ErrThrottled
	}
	if strings.Contains(o.Message, "need user auth") || status == http.StatusUnauthorized {
		return catalog.ErrToken // "Request need user authenticated", "... authorized"
	}
	if class := flex.StatusClass(status); class != "" {
		return class
	}
	if class := envelope.MessageClass(o.Message); class != "" {
		return class
	}
	return classifyRest(status, o)
}

// limited reports whether a code tells of a limit on the rate of calls. Clients
// of the platform retry the codes with these words.
func limited(code string) bool {
	code = strings.ToUpper(code)
	return strings.Contains(code, "QOS") || strings.Contains(code, "FLOW") || strings.Contains(code, "LIMIT")
}

// classifyRest deals with failures that neither a known code nor known words
// explain. Those that may be the platform's own fault are not taken for final.
func classifyRest(status int, o envelope.Outcome) catalog.Class {
	switch {
	case status == http.StatusForbidden:
		return catalog.ErrDenied
	case strings.HasPrefix(o.Code, "gw."), strings.HasPrefix(o.Code, "500"):
		return catalog.ErrUpstream
	case o.Failed():
		return catalog.ErrRefused
	}
	return catalog.ErrMalformed // a status or a body that says nothing known
}

func gatewayError(status int, o envelope.Outcome) *catalog.GatewayError {
	return o.Error(status, classify(status, o))
}

// answer is what every answer of the platform is read into.
type answer struct {
	d       *flex.Decoder
	outcome envelope.Outcome
	payload bool // there was one, which is one way to tell of success
	broken  bool // it was of a type that is no payload

	// rows and scalar read a payload that is a list or a text; nil where the
	// API has objects only.
	rows, scalar func()
}

// read reads an answer into r, whose payload's fields field takes, and returns
// its error, or nil if it is a success.
func (d *Dialect) read(a extract.Answer, r *answer, field func(key []byte)) error {
	err := d.pool.ReadKnown(a.Status, a.Body, pageKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.envelope(field)
	})
	if err != nil {
		return err
	}
	return r.check(a.Status)
}

// readIssues is read for APIs whose fields' issues are wanted.
func (d *Dialect) readIssues(a extract.Answer, r *answer, field func(key []byte), issues *[]catalog.Issue) error {
	err := d.pool.ReadKnown(a.Status, a.Body, extraKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		*issues = in.Offer(func() { r.envelope(field) })
	})
	if err != nil {
		return err
	}
	return r.check(a.Status)
}

// check returns the error of an answer, or nil if it is a success.
func (a *answer) check(status int) error {
	switch {
	case status >= 400, a.outcome.Failed(), !a.payload && !a.outcome.Success.V:
		return gatewayError(status, a.outcome)
	case a.broken:
		return flex.NoPayload(status)
	}
	return nil
}

// envelope reads an object of the envelope. The payload lies under result
// (twice, or once with the outcome beside either), or among the outcome's
// fields; so fields that are not the envelope's are given to field, on every
// level.
func (a *answer) envelope(field func(key []byte)) {
	for key := range a.d.Object() {
		switch {
		case string(key) == "result":
			a.result(field)
		case a.outcome.Field(a.d, key):
		default:
			field(key)
		}
	}
	a.outcome.KnownCode(a.d)
}

func (a *answer) result(field func(key []byte)) {
	kind := a.d.Kind()
	switch {
	case kind == flex.Object:
		a.envelope(field)
	case kind == flex.Array && a.rows != nil:
		a.payload = true
		a.rows()
	case kind == flex.Scalar && a.scalar != nil:
		a.scalar()
	case kind == flex.Empty:
	default:
		a.broken = true
	}
}
