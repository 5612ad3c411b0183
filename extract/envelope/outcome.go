package envelope

import (
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// Outcome is what an answer says about itself.
type Outcome struct {
	Success catalog.Opt[bool]
	Code    string // the first one that does not mean success, or else any
	Message string

	noted      bool // that Code is a new one
	complained bool // Message comes from a field that only errors have
}

// Field reads the value of key if key is one of the spellings of success, code
// or message, and reports whether it was.
func (o *Outcome) Field(d *flex.Decoder, key []byte) bool {
	switch string(key) {
	case "success", "succes", "isSuccess", "is_success":
		o.succeed(d.Bool())
	case "code", "retCode", "errorCode", "errCode", "error_code":
		if code := d.Text(); succeeded(o.Code) && code != "" {
			o.Code = code
		}
	case "message", "retMsg", "msg":
		if m := d.Text(); !o.complained && m != "" {
			o.Message = m
		}
	case "error_message", "errorMessage", "errorMsg", "errMsg", "erroMsg", "exception":
		if m := d.Text(); !o.complained && m != "" {
			o.Message, o.complained = m, true
		}
	default:
		return false
	}
	return true
}

// succeed merges what several levels of an answer say: one false is enough.
func (o *Outcome) succeed(s catalog.Opt[bool]) {
	if s.OK && (!o.Success.OK || o.Success.V) {
		o.Success = s
	}
}

// succeeded reports whether a code means success. Having none does too.
func succeeded(code string) bool {
	switch code {
	case "", "0", "200", "S0000", "S000":
		return true
	}
	return false
}

// Error returns the outcome as the error of an answer, of a class that the
// dialect has found for it.
func (o Outcome) Error(status int, class catalog.Class) *catalog.GatewayError {
	return &catalog.GatewayError{Class: class, Status: status, Code: o.Code, Message: o.Message}
}

// Failed reports whether the answer tells of a failure.
func (o *Outcome) Failed() bool {
	if o.Success.OK {
		return !o.Success.V
	}
	return !succeeded(o.Code) || o.complained
}
