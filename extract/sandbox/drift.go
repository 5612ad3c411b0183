package sandbox

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-faster/jx"
)

// Drift is what the emulated gateways do that no documentation tells of, as
// real ones do after a release. Answers in XML have none.
type Drift struct {
	Fields bool // every object of every answer has one more field
	Types  bool // in one answer of three, stocks (portals: prices of SKUs) are objects
	Values bool // in one answer of three, statuses and quote types are new ones
}

// ParseDrift reads a list of fields, types and values.
func ParseDrift(kinds []string) (Drift, error) {
	var d Drift
	for _, k := range kinds {
		switch k {
		case "fields":
			d.Fields = true
		case "types":
			d.Types = true
		case "values":
			d.Values = true
		default:
			return Drift{}, fmt.Errorf("unknown drift %q: want fields, types or values", k)
		}
	}
	return d, nil
}

// The parts of answers that drift.
var (
	driftingTypes = []string{"quantity", "amountOnSale", "sku_price"}
	// driftless are objects whose fields are data.
	driftless = []string{"props_list", "props_img", "sellerDataInfo", "call_args", "sales_data"}
)

// drift changes a whole answer to question as the server's options want it.
func (s *Server) drift(body []byte, question uint64) []byte {
	d := s.opt.Drift
	if d == (Drift{}) || len(body) == 0 || body[0] != '{' {
		return body
	}
	if question%3 != 0 {
		d.Types, d.Values = false, false
	}
	var e jx.Encoder
	if d.copy(jx.DecodeBytes(body), &e, "") != nil {
		return body // it was not JSON in the first place
	}
	return bytes.Clone(e.Bytes())
}

// copy writes the value that comes next, which is that of key.
func (d Drift) copy(in *jx.Decoder, out *jx.Encoder, key string) error {
	switch {
	case d.Types && slices.Contains(driftingTypes, key):
		raw, err := in.Raw()
		out.ObjStart()
		out.FieldStart("amount")
		out.Raw(raw)
		out.ObjEnd()
		return err
	case d.Values && key == "status" && in.Next() == jx.String:
		out.Str("paused")
		return in.Skip()
	case d.Values && key == "quoteType":
		out.Int(9)
		return in.Skip()
	case in.Next() == jx.Object:
		return d.object(in, out, key)
	case in.Next() == jx.Array:
		out.ArrStart()
		err := in.Arr(func(in *jx.Decoder) error { return d.copy(in, out, "") })
		out.ArrEnd()
		return err
	}
	raw, err := in.Raw()
	out.Raw(raw)
	return err
}

func (d Drift) object(in *jx.Decoder, out *jx.Encoder, key string) error {
	out.ObjStart()
	fields := 0
	err := in.Obj(func(in *jx.Decoder, name string) error {
		fields++
		out.FieldStart(name)
		return d.copy(in, out, name)
	})
	if d.Fields && fields > 0 && !slices.Contains(driftless, key) {
		out.FieldStart("rolledOut2026")
		out.Str("yes")
	}
	out.ObjEnd()
	return err
}
