package onebound

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"offerlake/extract"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// apiCustom passes a call on to the official platform (wire.md 4.7): its
// parameters are method, and _o_args as JSON text.
const (
	apiCustom      = "custom"
	customPlatform = "1688global"
)

var apiPattern = regexp.MustCompile(`^([A-Za-z0-9_]+/)?[A-Za-z0-9_]+$`)

// reserved are the parameters that Build sets.
var reserved = []string{"key", "secret", "sign", "dateline", "api_name", "session", "result_type", "cache"}

// Call builds a call of any API: its name, or platform and name as in
// taobao/item_get. custom belongs to 1688global. Language and version are those
// of the dialect unless params say otherwise.
func (d *Dialect) Call(api string, params catalog.Params) (extract.Request, error) {
	name := strings.Trim(api, "/")
	if !apiPattern.MatchString(name) {
		return extract.Request{}, fmt.Errorf("onebound: API %q: want a name such as item_review, or platform/name such as 1688global/custom", api)
	}
	if name == apiCustom {
		name = customPlatform + "/" + apiCustom
	}
	all := d.params()
	for k, v := range params {
		if slices.Contains(reserved, k) {
			return extract.Request{}, fmt.Errorf("onebound: parameter %s is set by offerlake from the gateway's settings and credentials: leave it out", k)
		}
		all[k] = v
	}
	return extract.Request{API: strings.TrimPrefix(name, platform+"/"), Params: all}, nil
}

// surroundings are the fields that surround every answer (wire.md 4.2).
var surroundings = []string{
	"error", "reason", "error_code", "secache", "secache_time", "secache_date", "cache", "api_info", "execution_time", "server_time",
	"server_memory", "client_ip", "call_args", "api_type", "translate_status", "translate_time", "translate_engine", "language",
	"request_id", "last_id",
}

// DecodeCall returns an answer without its envelope, such as {"items":{...}};
// of the answer of the official platform that custom passes on, what lies in
// response.
func (d *Dialect) DecodeCall(a extract.Answer) ([]byte, error) {
	var r callReader
	err := d.pool.Read(a.Status, a.Body, func(in *flex.Decoder) {
		r.d = in
		if in.Kind() != flex.Object {
			return // a list or a text is no answer of this gateway
		}
		r.rest.ObjStart()
		r.read(r.field)
		r.rest.ObjEnd()
	})
	if err != nil {
		return nil, err
	}
	if r.response != nil {
		return d.proxied(a, &r)
	}
	for _, name := range []string{"item", "items"} {
		if err := d.itemError(a.Status, &r, name); err != nil {
			return nil, err
		}
	}
	if err := r.check(a.Status); err != nil {
		return nil, err
	}
	return r.rest.Bytes(), nil
}

type callReader struct {
	answer
	rest     jx.Encoder
	response []byte            // of an official API
	items    map[string][]byte // item and items
}

func (r *callReader) field(key []byte) {
	name := string(key)
	if slices.Contains(surroundings, name) {
		return
	}
	r.payload = true
	raw := r.d.Raw()
	switch name {
	case "response":
		r.response = raw
	case "item", "items":
		if r.items == nil {
			r.items = make(map[string][]byte, 1)
		}
		r.items[name] = raw
	}
	r.rest.FieldStart(name)
	r.rest.Raw(raw)
}

// itemError looks for an error within an item, which comes with the code of
// success.
func (d *Dialect) itemError(status int, r *callReader, name string) error {
	if r.items[name] == nil {
		return nil
	}
	return d.pool.Read(status, r.items[name], func(in *flex.Decoder) {
		if in.Kind() != flex.Object {
			return
		}
		for key := range in.Object() {
			if string(key) == "error" && in.Kind() == flex.Scalar {
				r.item = in.Text()
			}
		}
	})
}

// proxied returns the payload of an answer that the official platform gave:
// its errors lie within, while the code outside means success.
func (d *Dialect) proxied(a extract.Answer, r *callReader) ([]byte, error) {
	if err := r.check(a.Status); err != nil {
		return nil, err
	}
	var code, message string
	err := d.pool.Read(a.Status, r.response, func(in *flex.Decoder) {
		if in.Kind() != flex.Object {
			return
		}
		for key := range in.Object() {
			switch string(key) {
			case "error_code":
				code = in.Text()
			case "error_message":
				message = in.Text()
			case "exception":
				if v := in.Text(); message == "" {
					message = v
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if code != "" && code != "0" || message != "" {
		return nil, &catalog.GatewayError{Class: classifyProxied(code, message), Status: a.Status, Code: code, Message: message}
	}
	return r.response, nil
}
