package envelope

import (
	"github.com/go-faster/jx"

	"offerlake/extract/flex"
)

// Payload reads the answer to a call of an API that nothing is known about. It
// returns what lies under result, where there is such a field, also under the
// result of a result, and else the whole answer, without the fields of an
// outcome; and what the answer says about itself. Fields that are spelled like
// an outcome's are a payload's own unless they stand beside one that tells of
// success. An error means that body is not JSON.
func Payload(p *flex.Pool, status int, body []byte) ([]byte, Outcome, error) {
	var payload []byte
	err := p.Read(status, body, func(d *flex.Decoder) { payload = d.Raw() })
	if err != nil {
		return nil, Outcome{}, err
	}
	var o Outcome
	for outermost := true; ; outermost = false {
		l, err := readLevel(p, status, payload)
		if err != nil {
			return nil, Outcome{}, err
		}
		if (outermost || l.outcome.Success.OK) && !o.Failed() {
			o = l.outcome
		}
		switch {
		case l.result != nil:
			payload = l.result
		case l.outcome.Success.OK:
			return l.rest, o, nil
		default:
			return payload, o, nil
		}
	}
}

// level is one object of an answer.
type level struct {
	result  []byte // nil without one
	rest    []byte // the object without the fields of the outcome
	outcome Outcome
}

func readLevel(p *flex.Pool, status int, text []byte) (level, error) {
	var l level
	var rest jx.Encoder
	err := p.Read(status, text, func(d *flex.Decoder) {
		if d.Kind() != flex.Object {
			return
		}
		rest.ObjStart()
		for key := range d.Object() {
			name := string(key)
			switch {
			case name == "result":
				l.result = d.Raw()
			case !l.outcome.Field(d, key):
				rest.FieldStart(name)
				rest.Raw(d.Raw())
			}
		}
		rest.ObjEnd()
	})
	l.rest = rest.Bytes()
	return l, err
}
