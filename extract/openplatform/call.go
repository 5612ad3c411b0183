package openplatform

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// Call builds a call of any API, spelled in one of the ways that are in use:
// namespace:name:1, namespace:name-1 as in the addresses of the documentation,
// or namespace/name as in those of the gateway, with /1 or nothing behind it.
// Version 1 is what nearly all APIs have.
func (*Dialect) Call(api string, params catalog.Params) (extract.Request, error) {
	name, err := apiName(api)
	if err != nil {
		return extract.Request{}, err
	}
	if strings.HasPrefix(name, "system.oauth2:") {
		return extract.Request{}, fmt.Errorf("openplatform: %s deals in tokens, which are obtained with offerlake auth", api)
	}
	for _, p := range []string{tokenParam, timestampParam, signatureParam} {
		if _, ok := params[p]; ok {
			return extract.Request{}, fmt.Errorf("openplatform: parameter %s is set by offerlake from the credentials: leave it out", p)
		}
	}
	return extract.Request{API: name, Params: params}, nil
}

// apiName returns namespace:name:version.
func apiName(api string) (string, error) {
	parts := strings.FieldsFunc(api, func(r rune) bool { return r == ':' || r == '/' })
	if len(parts) == 2 {
		version := "1"
		if i := strings.LastIndexByte(parts[1], '-'); i > 0 && isVersion(parts[1][i+1:]) {
			parts[1], version = parts[1][:i], parts[1][i+1:]
		}
		parts = append(parts, version)
	}
	if len(parts) != 3 || !isVersion(parts[2]) || strings.ContainsAny(api, " ?#%&") {
		return "", fmt.Errorf("openplatform: API %q: want namespace:name or namespace:name:version, "+
			"such as com.alibaba.trade:alibaba.trade.get.buyerView:1", api)
	}
	return strings.Join(parts, ":"), nil
}

func isVersion(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// DecodeCall returns the payload of an answer: what lies under result, as deep
// as that goes, or else the answer, both without the fields that only tell how
// the call went.
func (d *Dialect) DecodeCall(a extract.Answer) ([]byte, error) {
	payload, outcome, err := envelope.Payload(&d.pool, a.Status, a.Body)
	if err != nil {
		return nil, err
	}
	if a.Status >= http.StatusBadRequest || outcome.Failed() {
		return nil, gatewayError(a.Status, outcome)
	}
	bare, told, err := d.bare(a.Status, payload)
	if err != nil {
		return nil, err
	}
	if !outcome.Success.OK && !told && bytes.Equal(bare, []byte("{}")) {
		return nil, gatewayError(a.Status, outcome) // neither a payload nor a success
	}
	return bare, nil
}

// bare takes the outcome's fields out of a payload that has them beside its
// own; told reports that it had. Without one that tells of success, what is
// spelled like them belongs to the payload.
func (d *Dialect) bare(status int, payload []byte) (bare []byte, told bool, err error) {
	var own jx.Encoder
	err = d.pool.Read(status, payload, func(in *flex.Decoder) {
		if in.Kind() != flex.Object {
			return
		}
		own.ObjStart()
		for key := range in.Object() {
			name := string(key)
			if slices.Contains(outcomeFields, name) {
				told = told || slices.Contains(outcomeFields[:successFields], name)
				continue
			}
			own.FieldStart(name)
			own.Raw(in.Raw())
		}
		own.ObjEnd()
	})
	if err != nil || !told {
		return payload, false, err
	}
	return own.Bytes(), true, nil
}

// outcomeFields are the spellings of an outcome, those of success first.
var outcomeFields = []string{
	"success", "succes", "isSuccess", "is_success",
	"code", "retCode", "errorCode", "errCode", "error_code",
	"message", "retMsg", "msg", "error_message", "errorMessage", "errorMsg", "errMsg", "erroMsg", "exception",
}

const successFields = 4
