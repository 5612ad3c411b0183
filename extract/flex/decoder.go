package flex

import (
	"errors"
	"io"

	"github.com/go-faster/jx"

	"offerlake/pipeline/catalog"
)

// Decoder reads one JSON document from its beginning to its end. A value that
// a loop body leaves unread is skipped. Strings that it returns stay valid;
// most are parts of the document and keep it alive. A Decoder comes from Pool.Read and serves one goroutine.
type Decoder struct {
	in       scanner
	text     arena
	path     []step
	root     int // where the paths of issues begin
	unread   bool
	repaired bool
	xml      bool // the document was XML
	err      error
	issues   []catalog.Issue
	unlisted int // issues beyond maxIssues

	known   *Known // nil where nothing is on record
	watched bool   // drift is wanted
	drift   []catalog.Drift
	pattern []byte // memory for a path

	names map[string]string // that Name returned, also of earlier documents
}

func (d *Decoder) reset(body []byte, repaired bool) {
	d.in.reset(body)
	clear(d.path[:cap(d.path)]) // so that no old body is kept alive by its keys
	d.path = d.path[:0]
	d.root = 0
	d.unread = true
	d.repaired = repaired
	d.err = nil
	d.issues, d.unlisted = nil, 0
	d.known, d.watched, d.drift = nil, false, nil
}

// finish reads what is left of the document and returns the first error.
func (d *Decoder) finish() error {
	d.Skip()
	if d.err != nil {
		return d.err
	}
	if d.in.peek(); d.in.pos < len(d.in.buf) {
		return errTrailing
	}
	return nil
}

// fail keeps the first error.
func (d *Decoder) fail(err error) {
	if d.err == nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		d.err = err
	}
}

// take returns the type of the value that is to be read now, jx.Invalid when
// there is none left to read or the document is broken.
func (d *Decoder) take() jx.Type {
	if d.err != nil || !d.unread {
		return jx.Invalid
	}
	d.unread = false
	t := d.in.next()
	if t == jx.Invalid {
		d.fail(d.in.skip()) // which says what is there instead of a value
	}
	return t
}

// raw reads any value and returns its text, which is valid until the next
// read.
func (d *Decoder) raw() []byte {
	b, err := d.in.raw()
	if err != nil {
		d.fail(err)
		return nil
	}
	return b
}

// Skip passes over the value. It does nothing if the value was read.
func (d *Decoder) Skip() {
	if d.take() == jx.Invalid {
		return
	}
	if err := d.in.skip(); err != nil {
		d.fail(err)
	}
}

// Kind tells broadly what a value is.
type Kind int

// The kinds of values.
const (
	Empty     Kind = iota // null, "", false, [] or {}; or there is no value
	Scalar                // a string, a number or true
	Array                 // with at least one element
	Object                // with at least one field
	Positions             // an object whose first key is a number: PHP's other form of an array
)

// Kind looks at the value without reading it.
func (d *Decoder) Kind() Kind {
	if d.err != nil || !d.unread {
		return Empty
	}
	kind := Empty
	err := d.in.look(func(c *jx.Decoder) error {
		var err error
		kind, err = kindOf(c)
		return err
	})
	if err != nil {
		d.fail(err)
		return Empty
	}
	return kind
}

// kindOf reads as much of the value as it takes to tell its kind.
func kindOf(c *jx.Decoder) (Kind, error) {
	switch c.Next() {
	case jx.Null:
		return Empty, c.Null()
	case jx.Bool:
		b, err := c.Bool()
		if b {
			return Scalar, err
		}
		return Empty, err
	case jx.String:
		s, err := c.StrBytes()
		if len(s) > 0 {
			return Scalar, err
		}
		return Empty, err
	case jx.Array:
		it, err := c.ArrIter()
		if err == nil && it.Next() {
			return Array, nil
		}
		return Empty, errors.Join(err, it.Err())
	case jx.Object:
		return objectKind(c)
	default:
		return Scalar, c.Skip()
	}
}

func objectKind(c *jx.Decoder) (Kind, error) {
	it, err := c.ObjIter()
	if err != nil || !it.Next() {
		return Empty, errors.Join(err, it.Err())
	}
	for _, b := range it.Key() {
		if b < '0' || b > '9' {
			return Object, nil
		}
	}
	if len(it.Key()) == 0 {
		return Object, nil
	}
	return Positions, nil
}
